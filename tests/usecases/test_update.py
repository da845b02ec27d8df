"""Changing a provider: the old credential stays active unless the new one was verified, and races have one winner."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from providers.model.errors import Conflict, NotFound, ProvidersError, Unprocessable
from providers.model.policy import Policy
from providers.model.provider import MAX_LIVE_VERSIONS
from providers.model.routing import Attempt
from providers.model.verdict import Verdict
from providers.usecases.commands import Change
from providers.usecases.resolve import resolve
from providers.usecases.routing import put_routing_config
from providers.usecases.update import update_provider
from providers_contract.vocabulary import Action, Reason, Status
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, active_key, added, key, rotate


def test_a_rotation_activates_the_new_credential() -> None:
    """Version 2 is active and opens to the new key."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    assert (provider.active.number, active_key(ports, provider)) == (2, key("two").reveal())


def test_the_old_version_is_readable_until_its_grace_ends() -> None:
    """A request that began with version 1 finishes with it; one second after the window it cannot."""
    ports = FakePorts(Policy(grace=timedelta(hours=1)))
    provider = added(ports)
    rotate(ports, provider, "two")
    ports.clock.pass_time(minutes=59, seconds=59)
    assert resolve(ports, ORG, provider.id, 1).secret == key()
    ports.clock.pass_time(seconds=1)
    with pytest.raises(NotFound) as caught:
        resolve(ports, ORG, provider.id, 1)
    assert caught.value.code == "version_not_found"


def test_without_a_grace_window_the_old_version_is_gone_at_once() -> None:
    """A grace of zero leaves one row."""
    ports = FakePorts(Policy(grace=timedelta(0)))
    provider = rotate(ports, added(ports), "two")
    assert [version.number for version in provider.versions] == [2]
    assert list(ports.db.rows) == [(ORG, provider.id, 2)]


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.CREDENTIAL_REJECTED, "credential_rejected"),
        (Reason.TIMEOUT, "verification_timeout"),
        (Reason.CONNECTION_FAILED, "verification_unavailable"),
    ],
)
def test_a_credential_that_is_not_proven_leaves_the_old_one_active(reason: Reason, code: str) -> None:
    """After a refused or unverifiable rotation everything is as it was, to the row."""
    ports = FakePorts()
    provider = added(ports)
    before = (dict(ports.db.providers), dict(ports.db.rows))
    ports.verify.verdict = Verdict(reason)
    with pytest.raises(ProvidersError) as caught:
        rotate(ports, provider, "two")
    assert caught.value.code == code
    assert (ports.db.providers, ports.db.rows) == before
    assert active_key(ports, provider) == key().reveal()


def test_a_rotation_that_another_one_overtook_is_a_conflict() -> None:
    """The caller's key was verified, and yet is not stored: what it was meant to replace is gone."""
    ports = FakePorts()
    provider = added(ports)

    def overtake() -> None:
        ports.verify.meanwhile = None
        rotate(ports, provider, "faster")

    ports.verify.meanwhile = overtake
    with pytest.raises(Conflict) as caught:
        rotate(ports, provider, "slower")
    assert caught.value.code == "rotation_conflict"
    assert active_key(ports, provider) == key("faster").reveal()


def test_a_rotation_that_another_one_overtook_with_the_same_credential_has_what_it_wants() -> None:
    """Two runs of a pipeline at once: both succeed, and there is one new version."""
    ports = FakePorts()
    provider = added(ports)

    def overtake() -> None:
        ports.verify.meanwhile = None
        rotate(ports, provider, "two")

    ports.verify.meanwhile = overtake
    after, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("two"), name="Renamed"))
    assert [each["code"] for each in warnings] == ["credential_unchanged"]
    assert (after.active.number, after.name, active_key(ports, after)) == (2, "Renamed", key("two").reveal())


def test_a_rotation_survives_a_rename_and_an_attach_that_come_between() -> None:
    """Changes of other members do not cost a caller the rotation; both are there afterwards."""
    ports = FakePorts()
    provider = added(ports)

    def meanwhile() -> None:
        ports.verify.meanwhile = None
        update_provider(ports, ORG, provider.id, Change(name="Renamed"))
        put_routing_config(ports, ORG, "@a", "single", [Attempt(provider.id, "m")])

    ports.verify.meanwhile = meanwhile
    after = rotate(ports, provider, "two")
    stored = ports.providers.get(ORG, provider.id)
    assert stored is not None
    assert (after.name, after.active.number, set(stored.refs)) == ("Renamed", 2, {"@a"})
    assert stored == replace(after, refs=stored.refs)


def test_a_rotation_of_what_was_deleted_meanwhile_is_not_found() -> None:
    """It does not bring the provider back, nor leave a row."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.meanwhile = lambda: ports.providers.delete(provider)
    with pytest.raises(NotFound):
        rotate(ports, provider, "two")
    assert (ports.db.providers, ports.db.rows) == ({}, {})


def test_a_sixth_live_version_retires_the_oldest_at_once() -> None:
    """An emergency rotation is never refused; the warning names the version that is gone."""
    ports = FakePorts()
    provider = added(ports)
    for number in range(2, MAX_LIVE_VERSIONS + 1):
        rotate(ports, provider, str(number))
        ports.clock.pass_time(minutes=1)
    after, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("six")))
    assert [version.number for version in after.versions] == [2, 3, 4, 5, 6]
    assert sorted(number for _, _, number in ports.db.rows) == [2, 3, 4, 5, 6]
    assert [(each["code"], each["version"]) for each in warnings] == [("version_retired_early", 1)]
    with pytest.raises(NotFound):
        resolve(ports, ORG, provider.id, 1)
    ports.clock.pass_time(minutes=59)
    _, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("seven")))
    assert warnings == []  # the second had retired by then


def test_the_current_credential_makes_no_version() -> None:
    """Pipelines send it every time: it is verified, and nothing is written; five times lock nobody out."""
    ports = FakePorts()
    provider = added(ports)
    asked, known = len(ports.verify.asked), (dict(ports.db.providers), list(ports.db.trail), dict(ports.db.outbox))
    for _ in range(10):
        after, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key()))
        assert (after, [each["code"] for each in warnings]) == (provider, ["credential_unchanged"])
    assert len(ports.verify.asked) == asked + 10
    assert (ports.db.providers, ports.db.trail, ports.db.outbox) == known
    assert rotate(ports, provider, "two").active.number == 2


def test_the_current_credential_is_still_verified() -> None:
    """One that has been revoked is refused as in every rotation."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    with pytest.raises(Unprocessable) as caught:
        update_provider(ports, ORG, provider.id, Change(api_key=key()))
    assert caught.value.code == "credential_rejected"


def test_what_else_is_sent_with_the_current_credential_is_changed() -> None:
    """As an update, which publishes no rotation."""
    ports = FakePorts()
    provider = added(ports)
    events = len(ports.publisher.published)
    end = ports.clock.now() + timedelta(days=30)
    change = Change(api_key=key(), name="New", key_expires_at=end)
    after, warnings = update_provider(ports, ORG, provider.id, change)
    assert (after.name, after.active.number, after.active.key_expires_at) == ("New", 1, end)
    assert [each["code"] for each in warnings] == ["credential_unchanged"]
    assert (ports.db.trail[-1].action, len(ports.publisher.published)) == (Action.UPDATED, events)


def test_the_current_credential_at_another_host_is_a_rotation() -> None:
    """The host belongs to the version."""
    ports = FakePorts()
    change = Change(api_key=key(), base_url="https://proxy.example.com/v1")
    after, warnings = update_provider(ports, ORG, added(ports).id, change)
    assert (after.active.number, warnings) == (2, [])


def test_a_pending_provider_becomes_active_with_its_own_credential() -> None:
    """Sending it again is how its owner asks for another verification."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    provider = added(ports, on_unavailable="store_pending")
    ports.verify.verdict = Verdict()
    after, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key()))
    assert (after.status, after.active.number, after.verification.reason) == (Status.ACTIVE, 1, None)
    assert [each["code"] for each in warnings] == ["credential_unchanged"]


def test_an_expiry_is_set_and_forgotten_alone() -> None:
    """Without the credential, and without a new version; a past one is refused."""
    ports = FakePorts()
    provider = added(ports)
    end = ports.clock.now() + timedelta(days=30)
    after, _ = update_provider(ports, ORG, provider.id, Change(key_expires_at=end))
    assert (after.active.key_expires_at, after.active.number, after.revision) == (end, 1, 2)
    after, _ = update_provider(ports, ORG, provider.id, Change(key_expires_at=None))
    assert (after.active.key_expires_at, after.revision) == (None, 3)
    with pytest.raises(Unprocessable):
        update_provider(ports, ORG, provider.id, Change(key_expires_at=ports.clock.now()))


def test_a_reset_base_url_is_told() -> None:
    """A null that a program sends without meaning it moves a private gateway's key to the vendor's own host."""
    ports = FakePorts()
    provider = added(ports, base_url="https://proxy.example.com/v1")
    after, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("two"), base_url=None))
    assert (after.base_url, [each["code"] for each in warnings]) == (None, ["base_url_reset"])
    _, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("three"), base_url=None))
    assert warnings == []


def test_version_numbers_are_never_used_twice() -> None:
    """Refused rotations take no number, and expired versions give theirs back to nobody."""
    ports = FakePorts(Policy(grace=timedelta(seconds=1)))
    provider = added(ports)
    seen = [1]
    for mark in ("two", "three", "four"):
        ports.clock.pass_time(seconds=2)
        seen.append(rotate(ports, provider, mark).active.number)
    assert seen == [1, 2, 3, 4]


def test_a_new_base_url_needs_the_key_again() -> None:
    """A stored key never goes to a host that was not named with it."""
    ports = FakePorts()
    provider = added(ports)
    change = Change(base_url="https://elsewhere.example.com/v1")
    with pytest.raises(Unprocessable) as caught:
        update_provider(ports, ORG, provider.id, change)
    assert caught.value.code == "base_url_not_allowed"
    after, _ = update_provider(ports, ORG, provider.id, replace(change, api_key=key("two")))
    assert (after.base_url, ports.verify.asked[-1]) == (change.base_url, ("openai", change.base_url))


def test_the_same_base_url_in_other_words_needs_no_key() -> None:
    """An endpoint that is pasted again is compared with what is stored as it would be stored."""
    ports = FakePorts()
    provider = added(ports, base_url="https://eu.api.openai.com")
    assert provider.base_url == "https://eu.api.openai.com/v1"
    for same in (
        "https://eu.api.openai.com",
        "https://eu.api.openai.com/v1/models",
        "\ufeffhttps://eu.api.openai.com/v1",
    ):
        change = Change(name=f"As {len(same)}", base_url=same)
        after, _ = update_provider(ports, ORG, provider.id, change)
        assert (after.name, after.base_url) == (change.name, provider.base_url)


def test_a_rotation_verifies_at_the_current_base_url() -> None:
    """The new key is verified where it will be used."""
    ports = FakePorts()
    provider = added(ports, base_url="https://proxy.example.com/v1")
    rotate(ports, provider, "two")
    assert ports.verify.asked == [("openai", "https://proxy.example.com/v1")] * 2


def test_a_change_of_nothing_is_no_change() -> None:
    """Saying again what is so keeps the revision, and an ETag stays good."""
    ports = FakePorts()
    provider = added(ports)
    after, _ = update_provider(ports, ORG, provider.id, Change(name=provider.name, status=Status.ACTIVE))
    assert after == provider


def test_status_changes() -> None:
    """Disable and enable; what was never verified becomes pending, not active; a verified key makes it active."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    pending = added(ports, on_unavailable="store_pending")

    def status(change: Change) -> Status:
        return update_provider(ports, ORG, pending.id, change)[0].status

    assert status(Change(status=Status.DISABLED)) is Status.DISABLED
    assert status(Change(status=Status.ACTIVE)) is Status.PENDING
    ports.verify.verdict = Verdict()
    assert status(Change(api_key=key("two"))) is Status.ACTIVE
    assert status(Change(status=Status.DISABLED)) is Status.DISABLED
    assert status(Change(api_key=key("three"))) is Status.DISABLED
    assert status(Change(status=Status.ACTIVE)) is Status.ACTIVE


def test_a_key_of_another_account_is_a_warning() -> None:
    """The swap is made, and the answer tells that the account has changed."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(account="org-one")
    provider = added(ports)
    ports.verify.verdict = Verdict(account="org-two")
    _, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("two")))
    (warning,) = [each for each in warnings if each["code"] == "account_changed"]
    assert (warning["from"], warning["to"]) == ("org-one", "org-two")


def test_an_account_that_nobody_named_is_not_anothers() -> None:
    """A version knows its own account only; a later change of accounts is noticed all the same."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(account="org-one")
    provider = added(ports)
    ports.verify.verdict = Verdict(Reason.RATE_LIMITED)
    assert rotate(ports, provider, "two").active.account is None
    ports.verify.verdict = Verdict(account="org-two")
    _, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("three")))
    assert [each["from"] for each in warnings if each["code"] == "account_changed"] == ["org-one"]
