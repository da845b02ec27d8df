"""The audit trail has exactly one entry for each change, committed with it."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from providers.model.audit import KEPT, SYSTEM, Actor, Entry
from providers.model.errors import InvalidRequest, ProvidersError
from providers.model.health import floor_minute
from providers.model.provider import Provider
from providers.model.routing import Attempt
from providers.model.upload import Upload
from providers.model.verdict import Verdict
from providers.ports import AuditFilter, SideWrites
from providers.usecases.add import add_provider
from providers.usecases.audit import list_audit
from providers.usecases.commands import Change
from providers.usecases.delete import delete_provider
from providers.usecases.mutation import Mutation
from providers.usecases.probe import probe_messages
from providers.usecases.probe_batch import Batch
from providers.usecases.rollback import rollback_provider
from providers.usecases.routing import delete_routing_config, put_routing_config
from providers.usecases.update import update_provider
from providers.usecases.versions import destroy_version
from providers_contract.vocabulary import Action, Reason, Status
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added, key, new, rotate

ACTOR = Actor("management_key", "01test")
HINT = "sk-…0000"
HOST = "https://proxy.example.com/v1"


def mine() -> Mutation[Any]:
    """Return a request by a management key."""
    return Mutation(ACTOR, "request-9")


def trail(ports: FakePorts, wanted: AuditFilter | None = None, org: str = ORG) -> list[Entry]:
    """Return the whole trail, newest first."""
    return list(list_audit(ports, org, wanted or AuditFilter(), 100, None)[0])


def facts(name: str = "Provider one", version: int = 1) -> dict[str, Any]:
    """Return the facts of an entry about an added or deleted provider."""
    return {
        "vendor": "openai",
        "name": name,
        "tags": [],
        "base_url": None,
        "status": "active",
        "key_version": version,
        "key_hint": HINT,
        "key_expires_at": None,
    }


Do = Callable[[FakePorts, Provider], Any]


def update(change: Change) -> Do:
    """Change the provider."""
    return lambda ports, provider: update_provider(ports, ORG, provider.id, change, mutation=mine())


def put(*attempts: str) -> Do:
    """Put a routing config whose attempts use these models of the provider."""
    return lambda ports, provider: put_routing_config(
        ports, ORG, "@a", "fallback", [Attempt(provider.id, model) for model in attempts], mutation=mine()
    )


@dataclass(frozen=True)
class AuditedChange:
    """A change, the stage before it, and the audit entry that it leaves."""

    do: Do
    action: Action
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    stage: Do = lambda ports, provider: None


def attempts_of(*models: str) -> list[dict[str, str]]:
    """Return an entry's facts about a config's attempts, with the stage's provider id."""
    return [{"provider_id": "the provider", "model": model} for model in models]


TWO: Do = lambda ports, provider: rotate(ports, provider, "two")  # noqa: E731 - one of the stages
CHANGES = {
    "add": AuditedChange(
        lambda ports, _: add_provider(ports, ORG, new("two"), mine()), Action.CREATED, None, facts("Provider two")
    ),
    "rename": AuditedChange(update(Change(name="New")), Action.UPDATED, {"name": "Provider one"}, {"name": "New"}),
    "disable": AuditedChange(
        update(Change(status=Status.DISABLED)), Action.UPDATED, {"status": "active"}, {"status": "disabled"}
    ),
    "rotate": AuditedChange(update(Change(api_key=key("two"))), Action.ROTATED, {"key_version": 1}, {"key_version": 2}),
    "rotate, rename and move": AuditedChange(
        update(Change(name="New", api_key=key("two"), base_url=HOST)),
        Action.ROTATED,
        {"name": "Provider one", "base_url": None, "key_version": 1},
        {"name": "New", "base_url": HOST, "key_version": 2},
    ),
    "roll back": AuditedChange(
        lambda ports, provider: rollback_provider(ports, ORG, provider.id, mutation=mine()),
        Action.ROLLED_BACK,
        {"key_version": 2},
        {"key_version": 3},
        TWO,
    ),
    "destroy a version": AuditedChange(
        lambda ports, provider: destroy_version(ports, ORG, provider.id, 1, mutation=mine()),
        Action.VERSION_DESTROYED,
        {"key_version": 1, "key_hint": HINT},
        None,
        TWO,
    ),
    "delete": AuditedChange(
        lambda ports, provider: delete_provider(ports, ORG, provider.id, mutation=mine()),
        Action.DELETED,
        facts(version=2),
        None,
        TWO,
    ),
    "put a new config": AuditedChange(
        put("m"), Action.ROUTING_CREATED, None, {"strategy": "fallback", "attempts": attempts_of("m")}
    ),
    "put another config": AuditedChange(
        put("m", "n"),
        Action.ROUTING_UPDATED,
        {"attempts": attempts_of("m")},
        {"attempts": attempts_of("m", "n")},
        put("m"),
    ),
    "delete a config": AuditedChange(
        lambda ports, _: delete_routing_config(ports, ORG, "@a", mine()),
        Action.ROUTING_DELETED,
        {"strategy": "fallback", "attempts": attempts_of("m")},
        None,
        put("m"),
    ),
}


def anonymous(expected: dict[str, Any] | None, provider: Provider) -> dict[str, Any] | None:
    """Return facts with a placeholder for the stage's provider."""
    if expected is None or "attempts" not in expected:
        return expected
    steps = [
        each | {"provider_id": each["provider_id"].replace(provider.id, "the provider")}
        for each in expected["attempts"]
    ]
    return expected | {"attempts": steps}


@pytest.mark.parametrize("expected", CHANGES.values(), ids=CHANGES)
def test_a_change_leaves_one_entry(expected: AuditedChange) -> None:
    """An entry says who changed what and when, by which request, and only the fields that differ."""
    ports = FakePorts()
    provider = added(ports)
    expected.stage(ports, provider)
    ports.clock.pass_time(minutes=1)
    known = len(ports.db.trail)
    expected.do(ports, provider)
    (entry,) = ports.db.trail[known:]
    assert (entry.action, entry.actor, entry.request_id, entry.org) == (expected.action, ACTOR, "request-9", ORG)
    assert entry.at == ports.clock.now()
    assert (anonymous(entry.before, provider), anonymous(entry.after, provider)) == (expected.before, expected.after)
    routing = entry.action.value.startswith("routing")
    assert entry.resource_type == ("routing_config" if routing else "provider")
    assert entry.resource_id == "@a" if routing else entry.resource_id.startswith("prov_")


def test_every_action_is_tested() -> None:
    """Every action that a caller can cause is tested here; the sweep's are below and in test_probe_results.py."""
    others = {Action.VERIFIED, Action.PENDING_EXPIRED, Action.UPLOAD_CREATED}
    assert {expected.action for expected in CHANGES.values()} == set(Action) - others


def test_the_sweep_is_the_actor_of_its_verifications() -> None:
    """The activation of a pending provider is recorded as made by the system."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    provider = added(ports, on_unavailable="store_pending")
    ports.verify.verdict = Verdict()
    minute = floor_minute(ports.clock.now())
    body = Batch(minute, ((ORG, provider.id),)).to_json()
    assert ports.run(probe_messages(ports, [body], 1, float("inf"))) == [True]
    entry = trail(ports)[0]
    assert (entry.action, entry.actor, entry.request_id) == (Action.VERIFIED, SYSTEM, None)
    assert (entry.before, entry.after) == ({"status": "pending"}, {"status": "active"})


def test_an_upload_links_entry_does_not_contain_the_link() -> None:
    """The entry of an upload link has its purpose and its id, but does not contain the link."""
    ports = FakePorts()
    now = ports.clock.now()
    host = "https://eu.api.openai.com"
    link = Upload("up_1", ORG, "01test", "openai", "Prod", host, None, now, now + timedelta(minutes=10))
    ports.uploads.put(link, SideWrites(entry=mine().upload_entry(ports, link)))
    (entry,) = trail(ports)
    assert (entry.action, entry.actor, entry.request_id) == (Action.UPLOAD_CREATED, ACTOR, "request-9")
    expected = {"vendor": "openai", "name": "Prod", "base_url": host, "provider_id": None}
    assert (entry.before, entry.after) == (None, expected)


def refused_key(ports: FakePorts, provider: Provider) -> None:
    """Try a rotation that the vendor refuses."""
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    update(Change(api_key=key("two")))(ports, provider)


NOTHING: dict[str, tuple[Do, Do]] = {
    "a change of nothing": (TWO, update(Change(name="Provider one", status=Status.ACTIVE))),
    "a dry run": (TWO, lambda ports, provider: delete_provider(ports, ORG, provider.id, dry_run=True)),
    "a config put as it is": (put("m"), put("m")),
    "a refused key": (TWO, refused_key),
    "a delete of what is in use": (put("m"), lambda ports, provider: delete_provider(ports, ORG, provider.id)),
    "a name that is taken": (
        lambda ports, _: added(ports, "two"),
        update(Change(name="PROVIDER TWO")),
    ),
    "an old tag": (
        TWO,
        lambda ports, provider: update_provider(ports, ORG, provider.id, Change(name="New"), '"1"'),
    ),
    "a delete of nothing": (TWO, lambda ports, provider: delete_routing_config(ports, ORG, "@none")),
}


@pytest.mark.parametrize(("stage", "do"), NOTHING.values(), ids=NOTHING)
def test_a_request_that_changes_nothing_leaves_no_entry(stage: Do, do: Do) -> None:
    """A refused request, or one that changes nothing, leaves no entry."""
    ports = FakePorts()
    provider = added(ports)
    stage(ports, provider)
    before = list(ports.db.trail)
    with suppress(ProvidersError):
        do(ports, provider)
    assert ports.db.trail == before


def test_no_entry_contains_a_credential() -> None:
    """No entry contains a credential, plain or encoded, except its hint."""
    ports = FakePorts()
    provider = added(ports)
    for expected in CHANGES.values():
        if expected.action is not Action.DELETED:
            expected.do(ports, provider)
    recorded = str(trail(ports))
    assert len(trail(ports)) == len(CHANGES)
    for mark in ("one", "two"):
        secret = key(mark).reveal()
        raw = secret.encode()
        forms = [secret, base64.b64encode(raw).decode(), urllib.parse.quote(secret, safe=""), raw.hex(), secret[::-1]]
        assert [form for form in forms if form in recorded] == []


# reading it


def ids(entries: list[Entry]) -> list[str]:
    """Return the ids of the entries."""
    return [each.id for each in entries]


def test_the_trail_is_paged_newest_first() -> None:
    """Pages contain every entry once, and the last page has no cursor."""
    ports = FakePorts()
    for number in range(5):
        added(ports, str(number))
        ports.clock.pass_time(seconds=1)
    seen: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        page, cursor = list_audit(ports, ORG, AuditFilter(), 2, cursor)
        seen += ids(list(page))
        pages += 1
    assert (seen, pages) == (ids(trail(ports)), 3)
    assert seen == sorted(seen, reverse=True)


def test_a_page_that_is_just_full_is_the_last() -> None:
    """A last page that is exactly full has no cursor to an empty page."""
    ports = FakePorts()
    for number in range(2):
        added(ports, str(number))
    page, cursor = list_audit(ports, ORG, AuditFilter(), 2, None)
    assert (len(page), cursor) == (2, None)


@pytest.mark.parametrize(
    ("org", "wanted"),
    [
        ("org_b", AuditFilter()),
        (ORG, AuditFilter(action=Action.CREATED)),
        (ORG, AuditFilter(resource_id="@a")),
        (ORG, AuditFilter(key_id="01test")),
    ],
)
def test_a_cursor_is_good_for_its_own_list_only(org: str, wanted: AuditFilter) -> None:
    """A cursor of another organization or with other filters is refused."""
    ports = FakePorts()
    for number in range(2):
        added(ports, str(number))
    _, cursor = list_audit(ports, ORG, AuditFilter(), 1, None)
    assert cursor is not None
    with pytest.raises(InvalidRequest) as caught:
        list_audit(ports, org, wanted, 1, cursor)
    assert caught.value.code == "invalid_cursor"


def test_the_trail_of_another_organization_is_not_seen() -> None:
    """Another organization's entries are hidden, even if a filter names its resources."""
    ports = FakePorts()
    provider = added(ports)
    assert trail(ports, org="org_b") == []
    assert trail(ports, AuditFilter(resource_id=provider.id), "org_b") == []


@pytest.mark.parametrize("wanted", [AuditFilter(), AuditFilter(action=Action.CREATED)])
def test_an_entry_is_kept_for_four_hundred_days(wanted: AuditFilter) -> None:
    """An entry is hidden exactly after 400 days, even if its row still exists."""
    ports = FakePorts()
    added(ports)
    made: datetime = ports.clock.now()
    ports.clock.at = made + timedelta(days=400) - timedelta(microseconds=1)
    assert len(trail(ports, wanted)) == 1
    ports.clock.at = made + KEPT
    assert (trail(ports, wanted), len(ports.db.trail)) == ([], 1)


def test_a_deleted_resource_keeps_its_trail() -> None:
    """The trail of a deleted resource is kept and says who deleted it."""
    ports = FakePorts()
    provider = added(ports)
    delete_provider(ports, ORG, provider.id, mutation=mine())
    found = trail(ports, AuditFilter(resource_id=provider.id))
    assert [each.action for each in found] == [Action.DELETED, Action.CREATED]
