"""A change that is sent twice with one Idempotency-Key is made once and returns the same response twice."""

from __future__ import annotations

import base64
import io
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from providers.model.errors import Unavailable
from providers.model.idempotency import KEPT, LEASE
from providers.model.metrics import LOST_LEASES
from providers.model.verdict import Verdict
from providers_contract.operations import OPERATIONS
from providers_contract.vocabulary import Reason
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import Response, call
from tests.kit.operations import CHANGING, ROWS, Existing
from tests.kit.requests import key

KEY = {"Idempotency-Key": "retry-1"}
GOOD = {"vendor": "openai", "name": "Prod", "api_key": key().reveal()}


@dataclass(frozen=True)
class Sent:
    """A request to a function, and the status it returns."""

    function: str
    status: int
    given: dict[str, Any] = field(default_factory=dict)

    def __call__(self, **others: Any) -> Response:
        """Send it, with the key unless `others` has other headers."""
        return call(self.function, **({"headers": KEY} | self.given | others))


def routing(provider_id: str, model: str = "m") -> dict[str, Any]:
    """Return a routing config's body."""
    return {"strategy": "single", "attempts": [{"provider_id": provider_id, "model": model}]}


def staged() -> tuple[str, str]:
    """Create two providers, rotate the first, and reference the second in a routing config; return both ids."""
    first = call("add_provider", body=GOOD).data["id"]
    call("update_provider", path={"provider_id": first}, body={"api_key": key("two").reveal()})
    second = call("add_provider", body=GOOD | {"name": "Other"}).data["id"]
    call("put_routing_config", path={"slug": "@old"}, body=routing(second))
    return first, second


def requests(first: str, second: str) -> dict[str, Sent]:
    """Return requests that change something: those of special interest, and the usual one of every other operation."""
    at, old, new = {"path": {"provider_id": first}}, {"path": {"slug": "@old"}}, {"path": {"slug": "@new"}}
    found = {
        "POST": Sent("add_provider", 201, {"body": GOOD | {"name": "New", "api_key": key("new").reveal()}}),
        "POST with a warning": Sent("add_provider", 201, {"body": GOOD | {"name": "Again"}}),
        "PATCH a name": Sent("update_provider", 200, at | {"body": {"name": "New"}}),
        "PATCH a key": Sent("update_provider", 200, at | {"body": {"api_key": key("three").reveal()}}),
        "PATCH nothing": Sent("update_provider", 200, at | {"body": {"name": "Prod"}}),
        "roll back": Sent("rollback_provider", 200, at),
        "destroy a version": Sent("destroy_version", 200, {"path": at["path"] | {"number": "1"}}),
        "roll back to a version": Sent("rollback_provider", 200, at | {"body": {"version": 1}}),
        "DELETE": Sent("delete_provider", 200, at),
        "DELETE, a dry run": Sent("delete_provider", 200, at | {"query": {"dry_run": "true"}}),
        "make a link": Sent("create_upload", 201, {"body": {"vendor": "openai", "name": "By link"}}),
        "make a link to rotate": Sent("create_upload", 201, {"body": {"provider_id": first}}),
        "PUT a new config": Sent("put_routing_config", 201, new | {"body": routing(second)}),
        "PUT another config": Sent("put_routing_config", 200, old | {"body": routing(first)}),
        "PUT the same config": Sent("put_routing_config", 200, old | {"body": routing(second)}),
        "DELETE a config": Sent("delete_routing_config", 200, old),
    }
    existing = Existing(first, "1", "@old")
    for name in CHANGING - {each.function for each in found.values()}:
        found[name] = Sent(name, min(OPERATIONS[name].successes), dict(ROWS[name].request(existing)))
    return found


NAMES = list(requests("", ""))
Stage = Callable[[str], Sent]


@pytest.fixture
def sent(ports: FakePorts) -> Stage:
    """Return the request of this name, with its stage prepared."""
    return requests(*staged()).__getitem__


def state(ports: FakePorts) -> tuple[Any, ...]:
    """Return everything that a change can modify."""
    db = ports.db
    side_effects = list(db.trail), len(ports.events)
    return dict(db.providers), dict(db.names), dict(db.rows), dict(db.routes), dict(db.uploads), side_effects


@pytest.mark.parametrize("name", NAMES)
def test_a_repeated_request_gets_the_stored_response(ports: FakePorts, sent: Stage, name: str) -> None:
    """A repeated request gets the first response byte for byte, and calls no vendor."""
    first = sent(name)()
    assert first.status == sent(name).status, first.text
    assert "Idempotency-Replayed" not in first.headers
    after, asked = state(ports), len(ports.verify.asked)
    for _ in range(2):
        ports.clock.pass_time(hours=11)
        again = sent(name)()
        assert (again.status, again.text) == (first.status, first.text)
        assert again.headers == {**first.headers, "Idempotency-Replayed": "true"}
    assert (state(ports), len(ports.verify.asked)) == (after, asked)


@pytest.mark.parametrize("name", NAMES)
def test_after_a_day_the_key_is_free(ports: FakePorts, sent: Stage, name: str) -> None:
    """After a day, the same key makes a new request."""
    sent(name)()
    ports.clock.pass_time(seconds=KEPT.total_seconds())
    assert "Idempotency-Replayed" not in sent(name)().headers


@pytest.mark.parametrize("name", NAMES)
def test_a_request_without_a_key_runs_each_time(ports: FakePorts, sent: Stage, name: str) -> None:
    """Without a key, nothing is stored and each request is executed."""
    sent(name)(headers={})
    assert "Idempotency-Replayed" not in sent(name)(headers={}).headers
    assert ports.db.records == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_request_releases_its_key(ports: FakePorts, sent: Stage, name: str) -> None:
    """A failed request releases its key for the same and for any other request."""
    stores = ports.providers, ports.routing
    ports.providers = ports.routing = Broken()  # type: ignore[assignment]
    assert sent(name)().status == 503
    assert ports.db.records == {}
    ports.providers, ports.routing = stores
    first = sent(name)()
    assert (first.status, "Idempotency-Replayed" in first.headers) == (sent(name).status, False)


@dataclass
class Broken:
    """Raises an error for every use."""

    def __getattr__(self, name: str) -> Any:
        raise Unavailable("dependency_unavailable", "broken for a test")


OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "another body": ("PATCH a name", {"body": {"name": "Newer"}}),
    "one member more": ("PATCH a name", {"body": {"name": "New", "status": "active"}}),
    "another path": ("DELETE", {"path": {"provider_id": "prov_" + "0" * 26}}),
    "another query": ("DELETE", {"query": {"dry_run": "true"}}),
    "another function": ("DELETE", {"function": "rollback_provider"}),
    "another version": ("roll back", {"body": {"version": 1}}),
}


@pytest.mark.parametrize(("name", "others"), OTHERS.values(), ids=OTHERS)
def test_a_key_belongs_to_one_request(ports: FakePorts, sent: Stage, name: str, others: dict[str, Any]) -> None:
    """Another request with the same key returns 422 and changes nothing; the first response stays available."""
    first = sent(name)()
    before = state(ports)
    other = replace(sent(name), function=others.get("function", sent(name).function))
    response = other(**{part: value for part, value in others.items() if part != "function"})
    assert (response.status, response.error["code"]) == (422, "idempotency_mismatch")
    assert response.error["param"] == "Idempotency-Key"
    assert state(ports) == before
    assert sent(name)().text == first.text


SAME: dict[str, tuple[str, dict[str, Any]]] = {
    "members in another order": ("PATCH a name", {"body": ' {"name":  "N\\u0065w"} '}),
    "an empty object for no body": ("roll back", {"body": {}}),
    "another management key's id": ("PATCH a name", {"key_id": "02other"}),
    "a body that nobody reads": ("DELETE", {"body": "whatever"}),
}


@pytest.mark.parametrize(("name", "others"), SAME.values(), ids=SAME)
def test_irrelevant_differences_do_not_make_another_request(sent: Stage, name: str, others: dict[str, Any]) -> None:
    """Neither the formatting of the JSON nor the management key makes a request another one."""
    first = sent(name)()
    again = sent(name)(**others)
    assert (again.text, again.headers.get("Idempotency-Replayed")) == (first.text, "true")


def test_organizations_do_not_share_keys(ports: FakePorts) -> None:
    """The same key and body in another organization are another request."""
    add = Sent("add_provider", 201, {"body": GOOD})
    assert add().data["id"] != add(org="org_b").data["id"]


def test_a_request_in_progress_blocks_others_with_its_key(ports: FakePorts) -> None:
    """During a request, the same one returns 409 with Retry-After and another 422; one change is made."""
    add = Sent("add_provider", 201, {"body": GOOD})
    seen: list[Response] = []

    def meanwhile() -> None:
        ports.verify.meanwhile = None
        seen.extend([add(), add(body=GOOD | {"name": "Other"})])

    ports.verify.meanwhile = meanwhile
    assert add().status == 201
    assert [(each.status, each.error["code"]) for each in seen] == [
        (409, "idempotency_in_progress"),
        (422, "idempotency_mismatch"),
    ]
    assert seen[0].headers["Retry-After"] == "2"
    assert len(ports.db.providers) == 1
    assert add().headers["Idempotency-Replayed"] == "true"


def test_a_request_that_outlived_its_lease_cannot_commit(ports: FakePorts) -> None:
    """A request that lost its lease cannot commit, and its caller gets a 409 that advises a retry."""
    add = Sent("add_provider", 201, {"body": GOOD})
    seen: list[Response] = []

    def meanwhile() -> None:
        ports.verify.meanwhile = None
        ports.clock.pass_time(seconds=LEASE.total_seconds())
        seen.append(add())

    ports.verify.meanwhile = meanwhile
    slow = add()
    assert (seen[0].status, slow.status, slow.error["code"]) == (201, 409, "idempotency_in_progress")
    assert len(ports.db.providers) == len(ports.db.rows) == len(ports.db.trail) == 1
    assert add().text == seen[0].text
    assert ports.metrics.of(LOST_LEASES) == [(1,)]


def test_an_interrupted_request_can_be_retried(ports: FakePorts) -> None:
    """After a crash the lease expires, and the same request can be made."""
    add = Sent("add_provider", 201, {"body": GOOD})
    ports.verify.meanwhile = cut_off
    with pytest.raises(KeyboardInterrupt):
        add()
    ports.verify.meanwhile = None
    assert add().error["code"] == "idempotency_in_progress"
    ports.clock.pass_time(seconds=LEASE.total_seconds())
    assert add().status == 201


def cut_off() -> None:
    """Raise what no handler catches."""
    raise KeyboardInterrupt


def test_an_unexpected_error_releases_the_key(ports: FakePorts) -> None:
    """A 500 releases the key."""
    add = Sent("add_provider", 201, {"body": GOOD})

    def explode() -> None:
        raise RuntimeError

    ports.verify.meanwhile = explode
    assert add().status == 500
    ports.verify.meanwhile = None
    assert (add().status, len(ports.db.providers)) == (201, 1)


def test_a_key_that_cannot_be_released_expires(ports: FakePorts, monkeypatch: pytest.MonkeyPatch) -> None:
    """If releasing the key fails, the caller gets the original error and the lease expires."""
    add = Sent("add_provider", 201, {"body": GOOD})
    with monkeypatch.context() as patch:
        patch.setattr(type(ports.idempotency), "release", lambda _, lease: Broken().release)
        ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
        assert add().error["code"] == "credential_rejected"
    ports.verify.verdict = Verdict()
    assert add().status == 409
    ports.clock.pass_time(seconds=LEASE.total_seconds())
    assert add().status == 201


HEADERS = {
    "empty": ("", 400),
    "one character": ("a", 201),
    "255 characters": ("~" * 255, 201),
    "256 characters": ("a" * 256, 400),
    "a space": ("a b", 400),
    "a tab": ("a\tb", 400),
    "a control character": ("a\x7f", 400),
    "not ASCII": ("schlüssel", 400),
}


@pytest.mark.parametrize(("value", "status"), HEADERS.values(), ids=HEADERS)
def test_a_key_has_1_to_255_visible_characters(ports: FakePorts, value: str, status: int) -> None:
    """A key of 1 to 255 visible ASCII characters is accepted; for any other, nothing is done."""
    response = call("add_provider", body=GOOD, headers={"idempotency-key": value})
    assert response.status == status
    assert len(ports.db.providers) == len(ports.db.records) == (1 if status == 201 else 0)
    if status == 400:
        assert (response.error["code"], response.error["param"]) == ("invalid_parameter", "Idempotency-Key")
        assert not value or value not in response.text


READS = ["list_providers", "get_provider", "get_provider_health", "list_versions", "list_audit"]
READS += ["list_routing_configs", "get_routing_config"]


@pytest.mark.parametrize("function", READS)
def test_reads_ignore_the_key(ports: FakePorts, function: str) -> None:
    """Reads ignore the header, even an invalid one."""
    first, _ = staged()
    for value in ("retry-1", "retry-1", ""):
        path = {"provider_id": first, "slug": "@old"}
        response = call(function, path=path, headers={"Idempotency-Key": value})
        assert (response.status, "Idempotency-Replayed" in response.headers) == (200, False)
    assert ports.db.records == {}


def test_a_repeated_request_needs_its_scope_and_counts(ports: FakePorts) -> None:
    """A stored response requires the scope and counts towards the rate limit."""
    add = Sent("add_provider", 201, {"body": GOOD})
    add()
    assert add(scopes="providers:read").status == 403
    assert add(limited=True).status == 429
    assert add().headers["RateLimit-Remaining"] == "59"


def test_a_replay_does_not_validate_the_expiry_again(ports: FakePorts) -> None:
    """A repeated request with a `key_expires_at` that has passed since gets the stored response."""
    add = Sent("add_provider", 201, {"body": GOOD | {"key_expires_at": "2026-04-14T12:30:00Z"}})
    first = add()
    ports.clock.pass_time(hours=1)
    assert add().text == first.text
    late = add(headers={"Idempotency-Key": "retry-2"})
    assert (late.status, late.error["code"], late.error["param"]) == (422, "validation_failed", "key_expires_at")


def test_the_record_contains_no_part_of_the_credential(ports: FakePorts, log: io.StringIO) -> None:
    """The idempotency record contains neither the credential, plain or encoded, nor the Idempotency-Key."""
    secret = key("new").reveal()
    given = {"headers": {"Idempotency-Key": "my-retry-canary"}}
    added = call("add_provider", body=GOOD | {"api_key": secret}, **given)
    call("update_provider", path={"provider_id": added.data["id"]}, body={"api_key": key("two").reveal()})
    call("rollback_provider", path={"provider_id": added.data["id"]}, headers={"Idempotency-Key": "my-retry-canary-2"})
    assert len(ports.db.records) == 2
    kept = f"{ports.db.records} {ports.db.trail} {log.getvalue()}"
    forms = [
        secret,
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode(),
        urllib.parse.quote(secret, safe=""),
        secret.encode().hex(),
        secret[::-1],
        "my-retry-canary",
    ]
    assert [form for form in forms if form in kept] == []
