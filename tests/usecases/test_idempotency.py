"""Leasing an idempotency key: the stored lease, and the result of a second request with the same key."""

from __future__ import annotations

from typing import Any

import pytest

from providers.model.errors import Conflict, Unavailable, Unprocessable
from providers.model.idempotency import KEPT, LEASE, Completion, Lease, StoredResponse
from providers.usecases.idempotency import begin, release
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, key

REQUEST: dict[str, Any] = {"route": ["POST", "/x"], "body": {"api_key": key().reveal(), "name": "Prod"}}
RESPONSE = StoredResponse(201, {"ETag": '"1"'}, "{}\n")


def begun(ports: FakePorts, idempotency_key: str = "retry-1", org: str = ORG, **members: Any) -> Lease:
    """Return the lease of a first request."""
    lease = begin(ports, org, idempotency_key, REQUEST | members)
    assert isinstance(lease, Lease)
    return lease


def test_a_first_request_gets_a_lease() -> None:
    """The first request gets a lease of 30 s, and the key is reserved for it for a day."""
    ports = FakePorts()
    lease = begun(ports)
    now = ports.clock.now()
    assert (lease.org, lease.until, lease.expires_at) == (ORG, now + LEASE, now + KEPT)


def test_each_attempt_has_its_own_owner() -> None:
    """Every attempt has its own id, so that one that lost its lease cannot commit."""
    ports = FakePorts()
    first = begun(ports)
    ports.clock.pass_time(seconds=LEASE.total_seconds())
    second = begun(ports)
    assert (second.key, second.request) == (first.key, first.request)
    assert second.owner != first.owner


def test_neither_the_key_nor_the_request_is_stored() -> None:
    """Only digests of the key and the request are stored."""
    ports = FakePorts()
    lease = begun(ports, "my-retry-canary")
    kept = f"{lease} {ports.db.records}"
    assert [text for text in ("my-retry-canary", key().reveal(), "Prod", "POST") if text in kept] == []
    assert {len(lease.key), len(lease.request)} == {64}


def test_digests_are_made_under_the_stacks_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests are keyed per purpose and organization, so that short keys cannot be guessed."""
    ports = FakePorts()
    purposes: list[tuple[str, str]] = []

    def digest(purpose: str, *parts: str) -> str:
        purposes.append((purpose, parts[0]))
        return f"digest {len(purposes)}"

    monkeypatch.setattr(ports.digests, "digest", digest)
    lease = begun(ports)
    assert (lease.key, lease.request) == ("digest 1", "digest 2")
    assert purposes == [("idempotency-key", ORG), ("idempotency-request", ORG)]


@pytest.mark.parametrize(
    ("members", "same"),
    [
        ({"body": {"name": "Prod", "api_key": key().reveal()}}, True),
        ({"body": {"name": "Prod", "api_key": key("two").reveal()}}, False),
        ({"body": {"name": "Prod"}}, False),
        ({"route": ["PUT", "/x"]}, False),
        ({"query": {"dry_run": "true"}}, False),
    ],
)
def test_equal_requests_have_equal_digests(members: dict[str, Any], same: bool) -> None:
    """Two requests are equal if their contents are, ignoring the order of fields."""
    assert (begun(FakePorts(), **members).request == begun(FakePorts()).request) is same


def test_another_organization_has_other_digests() -> None:
    """Keys and requests of two organizations cannot be compared."""
    one, other = begun(FakePorts()), begun(FakePorts(), org="org_b")
    assert not {one.key, one.request} & {other.key, other.request}


def test_the_same_request_while_it_runs_is_in_progress() -> None:
    """The same request during the first gets the time to retry."""
    ports = FakePorts()
    begun(ports)
    with pytest.raises(Conflict) as caught:
        begun(ports)
    assert (caught.value.code, caught.value.retry_after_s) == ("idempotency_in_progress", 2)


@pytest.mark.parametrize("completed", [False, True])
def test_another_request_with_the_same_key_is_a_mismatch(completed: bool) -> None:
    """Another request with the same key is refused, during the first and after it."""
    ports = FakePorts()
    lease = begun(ports)
    if completed:
        ports.idempotency.complete(Completion(lease, RESPONSE))
    with pytest.raises(Unprocessable) as caught:
        begun(ports, body={"name": "Other"})
    assert (caught.value.code, caught.value.param) == ("idempotency_mismatch", "Idempotency-Key")
    assert "Other" not in str(caught.value)


def test_the_same_request_gets_the_stored_response() -> None:
    """The same request gets the stored response afterwards."""
    ports = FakePorts()
    ports.idempotency.complete(Completion(begun(ports), RESPONSE))
    assert begin(ports, ORG, "retry-1", REQUEST) == RESPONSE


def test_a_released_key_can_be_used_at_once() -> None:
    """A released key can be used by the same or another request."""
    ports = FakePorts()
    release(ports, begun(ports))
    begun(ports, body={"name": "Other"})


def test_a_failed_release_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed release does not hide the request's error; the lease expires."""
    ports = FakePorts()
    lease = begun(ports)

    def fail(_: Lease) -> None:
        raise Unavailable("dependency_unavailable", "broken for a test")

    monkeypatch.setattr(ports.idempotency, "release", fail)
    release(ports, lease)
    assert len(ports.db.records) == 1


def test_the_repr_of_a_record_hides_the_stored_response() -> None:
    """The repr of a claim does not show the stored response, because logs may contain it."""
    assert "{}" not in repr(Completion(begun(FakePorts()), RESPONSE))
