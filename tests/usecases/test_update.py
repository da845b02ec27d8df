"""Changing a provider: a credential is replaced only by a verified one, and one of several concurrent changes wins."""

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
    """After a rotation, version 2 is active with the new key."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    assert (provider.active.number, active_key(ports, provider)) == (2, key("two").reveal())


def test_the_old_version_is_readable_until_its_grace_ends() -> None:
    """A replaced version is readable until its grace window ends."""
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
    """With a grace window of zero, the replaced version is deleted at once."""
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
def test_an_unverified_credential_leaves_the_old_one_active(reason: Reason, code: str) -> None:
    """A refused or unverifiable rotation changes nothing."""
    ports = FakePorts()
    provider = added(ports)
    before = (dict(ports.db.providers), dict(ports.db.rows))
    ports.verify.verdict = Verdict(reason)
    with pytest.raises(ProvidersError) as caught:
        rotate(ports, provider, "two")
    assert caught.value.code == code
    assert (ports.db.providers, ports.db.rows) == before
    assert active_key(ports, provider) == key().reveal()


def test_a_rotation_that_lost_a_race_is_a_conflict() -> None:
    """If another rotation commits first, the verified credential is not stored and the result is a conflict."""
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


def test_a_rotation_that_lost_to_the_same_credential_succeeds() -> None:
    """Two concurrent rotations to the same credential both succeed with one new version."""
    ports = FakePorts()
    provider = added(ports)

    def overtake() -> None:
        ports.verify.meanwhile = None
        rotate(ports, provider, "two")

    ports.verify.meanwhile = overtake
    after, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("two"), name="Renamed"))
    assert [each["code"] for each in warnings] == ["credential_unchanged"]
    assert (after.active.number, after.name, active_key(ports, after)) == (2, "Renamed", key("two").reveal())


def test_a_rotation_survives_a_concurrent_rename_and_attach() -> None:
    """A rotation and concurrent changes of other fields all succeed."""
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


def test_a_rotation_of_a_provider_deleted_meanwhile_is_not_found() -> None:
    """Rotating a provider that is deleted meanwhile returns 404 and leaves no row."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.meanwhile = lambda: ports.providers.delete(provider)
    with pytest.raises(NotFound):
        rotate(ports, provider, "two")
    assert (ports.db.providers, ports.db.rows) == ({}, {})


def test_a_sixth_live_version_retires_the_oldest_at_once() -> None:
    """A sixth live version retires the oldest at once, with a warning that names it."""
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


def test_the_current_credential_creates_no_version() -> None:
    """Sending the current credential verifies it and writes nothing, so that pipelines can repeat it."""
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
    """A current credential that was revoked is refused."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    with pytest.raises(Unprocessable) as caught:
        update_provider(ports, ORG, provider.id, Change(api_key=key()))
    assert caught.value.code == "credential_rejected"


def test_other_fields_sent_with_the_current_credential_are_changed() -> None:
    """Other fields sent with the current credential are updated, without a rotation event."""
    ports = FakePorts()
    provider = added(ports)
    events = len(ports.events)
    end = ports.clock.now() + timedelta(days=30)
    change = Change(api_key=key(), name="New", key_expires_at=end)
    after, warnings = update_provider(ports, ORG, provider.id, change)
    assert (after.name, after.active.number, after.active.key_expires_at) == ("New", 1, end)
    assert [each["code"] for each in warnings] == ["credential_unchanged"]
    assert (ports.db.trail[-1].action, len(ports.events)) == (Action.UPDATED, events)


def test_the_current_credential_at_another_host_is_a_rotation() -> None:
    """The same credential with another base_url is a rotation."""
    ports = FakePorts()
    change = Change(api_key=key(), base_url="https://proxy.example.com/v1")
    after, warnings = update_provider(ports, ORG, added(ports).id, change)
    assert (after.active.number, warnings) == (2, [])


def test_a_pending_provider_becomes_active_with_its_own_credential() -> None:
    """Sending a pending provider's own credential again verifies and activates it."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    provider = added(ports, on_unavailable="store_pending")
    ports.verify.verdict = Verdict()
    after, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key()))
    assert (after.status, after.active.number, after.verification.reason) == (Status.ACTIVE, 1, None)
    assert [each["code"] for each in warnings] == ["credential_unchanged"]


def test_an_expiry_is_set_and_removed_alone() -> None:
    """The expiry can be set and removed without a new version; a past one is refused."""
    ports = FakePorts()
    provider = added(ports)
    end = ports.clock.now() + timedelta(days=30)
    after, _ = update_provider(ports, ORG, provider.id, Change(key_expires_at=end))
    assert (after.active.key_expires_at, after.active.number, after.revision) == (end, 1, 2)
    after, _ = update_provider(ports, ORG, provider.id, Change(key_expires_at=None))
    assert (after.active.key_expires_at, after.revision) == (None, 3)
    with pytest.raises(Unprocessable):
        update_provider(ports, ORG, provider.id, Change(key_expires_at=ports.clock.now()))


def test_a_reset_base_url_is_a_warning() -> None:
    """Resetting base_url with null leads to a warning."""
    ports = FakePorts()
    provider = added(ports, base_url="https://proxy.example.com/v1")
    after, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("two"), base_url=None))
    assert (after.base_url, [each["code"] for each in warnings]) == (None, ["base_url_reset"])
    _, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("three"), base_url=None))
    assert warnings == []


def test_version_numbers_are_never_used_twice() -> None:
    """Refused rotations use no version number, and numbers of expired versions are not reused."""
    ports = FakePorts(Policy(grace=timedelta(seconds=1)))
    provider = added(ports)
    seen = [1]
    for mark in ("two", "three", "four"):
        ports.clock.pass_time(seconds=2)
        seen.append(rotate(ports, provider, mark).active.number)
    assert seen == [1, 2, 3, 4]


def test_a_new_base_url_needs_the_key_again() -> None:
    """A new base_url requires the key, so that a stored key is never sent elsewhere."""
    ports = FakePorts()
    provider = added(ports)
    change = Change(base_url="https://elsewhere.example.com/v1")
    with pytest.raises(Unprocessable) as caught:
        update_provider(ports, ORG, provider.id, change)
    assert caught.value.code == "base_url_not_allowed"
    after, _ = update_provider(ports, ORG, provider.id, replace(change, api_key=key("two")))
    assert (after.base_url, ports.verify.asked[-1]) == (change.base_url, ("openai", change.base_url))


def test_the_same_base_url_in_another_form_needs_no_key() -> None:
    """An equivalent base_url is not a change and needs no key."""
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
    """A new key is verified at the provider's base_url."""
    ports = FakePorts()
    provider = added(ports, base_url="https://proxy.example.com/v1")
    rotate(ports, provider, "two")
    assert ports.verify.asked == [("openai", "https://proxy.example.com/v1")] * 2


def test_a_request_without_a_difference_changes_nothing() -> None:
    """An update without differences keeps the revision and the ETag."""
    ports = FakePorts()
    provider = added(ports)
    after, _ = update_provider(ports, ORG, provider.id, Change(name=provider.name, status=Status.ACTIVE))
    assert after == provider


def test_status_changes() -> None:
    """A provider can be disabled and enabled; an unverified one becomes pending, and active with a verified key."""
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
    """A rotation to another account succeeds with a warning."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(account="org-one")
    provider = added(ports)
    ports.verify.verdict = Verdict(account="org-two")
    _, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("two")))
    (warning,) = [each for each in warnings if each["code"] == "account_changed"]
    assert (warning["from"], warning["to"]) == ("org-one", "org-two")


def test_an_unknown_account_is_not_another_account() -> None:
    """A version without a known account causes no warning, and a later change of account does."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(account="org-one")
    provider = added(ports)
    ports.verify.verdict = Verdict(Reason.RATE_LIMITED)
    assert rotate(ports, provider, "two").active.account is None
    ports.verify.verdict = Verdict(account="org-two")
    _, warnings = update_provider(ports, ORG, provider.id, Change(api_key=key("three")))
    assert [each["from"] for each in warnings if each["code"] == "account_changed"] == ["org-one"]
