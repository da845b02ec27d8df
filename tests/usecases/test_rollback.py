"""Rollback: an earlier credential becomes active with all its data, once its vendor has verified it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from providers.model.audit import Actor
from providers.model.errors import Conflict, NotFound, PreconditionFailed, ProvidersError
from providers.model.events import EventType
from providers.model.policy import Policy
from providers.model.provider import MAX_LIVE_VERSIONS, Provider
from providers.model.verdict import Verdict
from providers.usecases.commands import Change
from providers.usecases.mutation import Mutation
from providers.usecases.preconditions import etag
from providers.usecases.resolve import resolve
from providers.usecases.rollback import rollback_provider
from providers.usecases.update import update_provider
from providers.usecases.versions import destroy_version
from providers_contract.vocabulary import Action, Reason, Status
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, active_key, added, key, rotate

FIRST_HOST = "https://first.example.com/v1"
SECOND_HOST = "https://second.example.com/v1"
SOON = datetime.fromisoformat("2026-04-20T00:00:00+00:00")


def back(ports: FakePorts, provider: Provider, version: int | None = None) -> Provider:
    """Return the provider after a rollback."""
    return rollback_provider(ports, ORG, provider.id, version)[0]


def moved(ports: FakePorts) -> Provider:
    """Return a provider whose second credential has another host and account and does not expire."""
    ports.verify.verdict = Verdict(account="acme")
    first = added(ports, base_url=FIRST_HOST, key_expires_at=SOON)
    ports.verify.verdict = Verdict(account="globex")
    change = Change(api_key=key("two"), base_url=SECOND_HOST)
    return update_provider(ports, ORG, first.id, change)[0]


def test_the_previous_credential_is_active_again_as_a_new_version() -> None:
    """A rollback creates a new version, and the replaced one is readable for the grace window."""
    ports = FakePorts()
    provider = back(ports, rotate(ports, added(ports), "two"))
    assert (provider.active.number, active_key(ports, provider)) == (3, key().reveal())
    assert resolve(ports, ORG, provider.id, 2).secret == key("two")
    assert provider.versions[1].retires_at == ports.clock.now() + ports.policy.grace


def test_two_rollbacks_restore_the_first_version() -> None:
    """A second rollback restores the credential before the first."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    for _ in range(2):
        provider = back(ports, provider)
    assert (provider.active.number, active_key(ports, provider)) == (4, key("two").reveal())


def test_a_version_can_be_named() -> None:
    """Any live version can be restored."""
    ports = FakePorts()
    provider = rotate(ports, rotate(ports, added(ports), "two"), "three")
    assert active_key(ports, back(ports, provider, 1)) == key("one").reveal()


REFUSED: dict[str, tuple[int | None, float, type[ProvidersError], str]] = {
    "no earlier version is live": (None, 3600, Conflict, "version_conflict"),
    "the named one has expired": (1, 3600, NotFound, "version_not_found"),
    "the named one never was": (7, 0, NotFound, "version_not_found"),
    "the named one is active": (2, 0, ProvidersError, "validation_failed"),
}


@pytest.mark.parametrize(("version", "later", "kind", "code"), REFUSED.values(), ids=REFUSED)
def test_versions_that_cannot_be_restored_are_refused(
    version: int | None, later: float, kind: type[ProvidersError], code: str
) -> None:
    """Invalid versions, including expired ones, are refused before a vendor is called."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    ports.clock.pass_time(seconds=later)
    before, asked = (dict(ports.db.providers), dict(ports.db.rows)), len(ports.verify.asked)
    with pytest.raises(kind) as caught:
        back(ports, provider, version)
    assert caught.value.code == code
    assert ((ports.db.providers, ports.db.rows), len(ports.verify.asked)) == (before, asked)


def test_a_version_that_the_reaper_has_just_taken_is_not_found() -> None:
    """A version destroyed between the two reads is not found."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    del ports.db.rows[ORG, provider.id, 1]
    with pytest.raises(NotFound) as caught:
        back(ports, provider, 1)
    assert caught.value.code == "version_not_found"


def test_without_an_earlier_version_a_rollback_is_refused() -> None:
    """A provider without an earlier version and a missing provider are refused."""
    ports = FakePorts()
    with pytest.raises(Conflict) as caught:
        back(ports, added(ports))
    assert caught.value.code == "version_conflict"
    with pytest.raises(NotFound):
        rollback_provider(ports, ORG, "prov_" + "0" * 26)


def test_a_rollback_restores_all_data_of_the_credential() -> None:
    """A rollback restores host, expiry, account, hint and fingerprint, and keeps the name."""
    ports = FakePorts()
    second = moved(ports)
    renamed, _ = update_provider(ports, ORG, second.id, Change(name="Renamed"))
    ports.verify.verdict = Verdict(account="acme")
    after = back(ports, renamed)
    first = second.versions[0]
    assert after.active == replace(first, number=3, created_at=ports.clock.now(), retires_at=None)
    assert (after.name, after.base_url) == ("Renamed", FIRST_HOST)
    assert (first.base_url, first.key_expires_at, first.account) == (FIRST_HOST, SOON, "acme")


def test_a_rollback_keeps_the_versions_own_account() -> None:
    """If the vendor returns no account, the restored version keeps the one known for it."""
    ports = FakePorts()
    second = moved(ports)
    ports.verify.verdict = Verdict(Reason.RATE_LIMITED)
    after, warnings = rollback_provider(ports, ORG, second.id)
    assert after.active.account == "acme"
    assert [(each["from"], each["to"]) for each in warnings if each["code"] == "account_changed"] == [
        ("globex", "acme")
    ]


def test_a_credential_never_goes_to_a_host_that_was_not_named_with_it() -> None:
    """Each credential is verified and resolved only at its own host."""
    ports = FakePorts()
    second = moved(ports)
    after = back(ports, second)
    assert ports.verify.asked == [("openai", FIRST_HOST), ("openai", SECOND_HOST), ("openai", FIRST_HOST)]
    found = [resolve(ports, ORG, after.id, number) for number in (1, 2, 3)]
    assert [(each.secret, each.base_url) for each in found] == [
        (key("one"), FIRST_HOST),
        (key("two"), SECOND_HOST),
        (key("one"), FIRST_HOST),
    ]


@pytest.mark.parametrize("reason", [None, Reason.QUOTA_EXHAUSTED, Reason.CREDENTIAL_REJECTED, Reason.TIMEOUT])
def test_only_a_credential_that_still_works_replaces_the_active_one(reason: Reason | None) -> None:
    """Only valid and limited credentials are restored; otherwise nothing changes."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    ports.verify.verdict = Verdict(reason)
    if Verdict(reason).outcome.promotes:
        after = back(ports, provider)
        assert (active_key(ports, after), after.verification.reason) == (key().reveal(), reason)
        return
    before = (dict(ports.db.providers), dict(ports.db.rows), list(ports.db.trail))
    with pytest.raises(ProvidersError):
        back(ports, provider)
    assert (ports.db.providers, ports.db.rows, ports.db.trail) == before


def test_a_concurrent_rotation_wins() -> None:
    """A concurrent rotation wins, and the rollback returns 409."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")

    def overtake() -> None:
        ports.verify.meanwhile = None
        rotate(ports, provider, "faster")

    ports.verify.meanwhile = overtake
    with pytest.raises(Conflict) as caught:
        back(ports, provider)
    assert caught.value.code == "rotation_conflict"
    assert active_key(ports, provider) == key("faster").reveal()


def test_a_version_that_is_destroyed_meanwhile_is_not_restored() -> None:
    """A version that is destroyed during verification is not restored."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    ports.verify.meanwhile = lambda: destroy_version(ports, ORG, provider.id, 1)
    with pytest.raises(NotFound) as caught:
        back(ports, provider)
    assert caught.value.code == "version_not_found"
    assert active_key(ports, provider) == key("two").reveal()


def test_a_concurrent_rename_does_not_conflict() -> None:
    """A concurrent rename and a rollback both succeed."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")

    def rename() -> None:
        ports.verify.meanwhile = None
        update_provider(ports, ORG, provider.id, Change(name="Renamed"))

    ports.verify.meanwhile = rename
    after = back(ports, provider)
    assert (after.name, active_key(ports, after)) == ("Renamed", key().reveal())


def test_a_rollback_can_be_guarded_by_if_match() -> None:
    """A rollback with an old tag is refused."""
    ports = FakePorts()
    first = added(ports)
    second = rotate(ports, first, "two")
    with pytest.raises(PreconditionFailed):
        rollback_provider(ports, ORG, second.id, if_match=etag(first))
    assert rollback_provider(ports, ORG, second.id, if_match=etag(second))[0].active.number == 3


def test_a_rollback_is_one_more_version() -> None:
    """With five live versions, a rollback retires the oldest."""
    ports = FakePorts(Policy(grace=timedelta(hours=1)))
    provider = added(ports)
    for number in range(2, MAX_LIVE_VERSIONS + 1):
        provider = rotate(ports, provider, str(number))
    after, warnings = rollback_provider(ports, ORG, provider.id)
    assert [version.number for version in after.versions] == [2, 3, 4, 5, 6]
    assert [each["code"] for each in warnings] == ["version_retired_early"]


def test_a_rollback_is_reported_as_a_rollback() -> None:
    """A rollback's event is that of a rotation and audited as a rollback."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    mutation: Mutation[Any] = Mutation(Actor("management_key", "01test"), "request-9")
    rollback_provider(ports, ORG, provider.id, mutation=mutation)
    event, entry = ports.events[-1], ports.db.trail[-1]
    assert (event.type, event.detail["key_version"]) == (EventType.ROTATED, 3)
    assert (entry.action, entry.actor.key_id, entry.request_id) == (Action.ROLLED_BACK, "01test", "request-9")
    assert (entry.before, entry.after) == ({"key_version": 2}, {"key_version": 3})


def test_a_disabled_provider_stays_disabled() -> None:
    """A rollback does not enable a disabled provider."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    update_provider(ports, ORG, provider.id, Change(status=Status.DISABLED))
    assert back(ports, provider).status is Status.DISABLED


def test_a_credential_that_was_never_verified_is_active_once_it_is() -> None:
    """A credential stored as pending can be restored once its vendor verifies it."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    provider = added(ports, on_unavailable="store_pending")
    ports.verify.verdict = Verdict()
    after = back(ports, rotate(ports, provider, "two"))
    assert (after.status, active_key(ports, after)) == (Status.ACTIVE, key().reveal())
