"""Adding a provider: the stored data for each outcome, and that nothing is stored otherwise."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from local.vendors.cases.bedrock_keys import short_term_key
from local.vendors.keys import fake_key
from providers.model.errors import Conflict, ProvidersError, Unprocessable, VerificationFailed
from providers.model.verdict import Verdict
from providers.usecases.add import add_provider
from providers.usecases.commands import Change
from providers.usecases.update import update_provider
from providers_contract.secret import Secret
from providers_contract.vocabulary import Reason, Status
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, active_key, added, key, new


def test_an_accepted_credential_is_stored_and_active() -> None:
    """A verified credential is stored, active, and decrypts to what was sent."""
    ports = FakePorts()
    provider = added(ports)
    assert provider.status is Status.ACTIVE
    assert active_key(ports, provider) == key().reveal()


@pytest.mark.parametrize("reason", [Reason.RATE_LIMITED, Reason.QUOTA_EXHAUSTED, Reason.INSUFFICIENT_PERMISSION])
def test_a_limited_credential_is_stored_with_its_reason(reason: Reason) -> None:
    """A credential with outcome `limited` is stored, with the reason in its verification."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(reason)
    provider = added(ports)
    assert (provider.status, provider.verification.reason) == (Status.ACTIVE, reason)


REFUSALS = [
    (Reason.CREDENTIAL_REJECTED, Unprocessable, "credential_rejected"),
    (Reason.ACCOUNT_DISABLED, Unprocessable, "credential_rejected"),
    (Reason.TIMEOUT, VerificationFailed, "verification_timeout"),
    (Reason.HTTP_5XX, VerificationFailed, "verification_unavailable"),
    (Reason.UNEXPECTED_ANSWER, VerificationFailed, "verification_unavailable"),
]


@pytest.mark.parametrize(("reason", "kind", "code"), REFUSALS)
def test_a_refused_or_unverified_credential_stores_nothing(
    reason: Reason, kind: type[ProvidersError], code: str
) -> None:
    """A refused credential and a vendor outage are different errors, and neither stores anything."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(reason)
    with pytest.raises(kind) as caught:
        added(ports)
    expected = "credential_rejected" if kind is Unprocessable else reason.value
    assert (caught.value.code, caught.value.details["reason"]) == (code, expected)
    assert (ports.db.providers, ports.db.names, ports.db.rows) == ({}, {}, {})


def test_an_unverified_credential_is_stored_pending_on_request() -> None:
    """With `store_pending`, a credential with an indeterminate outcome is stored as pending."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    assert added(ports, on_unavailable="store_pending").status is Status.PENDING


def test_a_refused_credential_is_not_stored_pending() -> None:
    """`store_pending` does not apply to keys that the vendor refuses."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    with pytest.raises(Unprocessable):
        added(ports, on_unavailable="store_pending")
    assert ports.db.rows == {}


def test_a_taken_name_is_a_conflict() -> None:
    """A second provider with the same name is refused, ignoring case."""
    ports = FakePorts()
    added(ports, name="Prod")
    with pytest.raises(Conflict) as caught:
        added(ports, "two", name="PROD")
    assert caught.value.code == "name_taken"
    assert len(ports.db.rows) == 1


def test_the_same_credential_twice_is_a_warning() -> None:
    """The warning for a duplicate credential names the other provider and shows no part of the key."""
    ports = FakePorts()
    first = added(ports)
    _, warnings = add_provider(ports, ORG, new(name="Again"))
    (warning,) = [each for each in warnings if each["code"] == "duplicate_credential"]
    assert warning["provider_ids"] == [first.id]
    assert key().reveal() not in str(warnings)


def test_a_taken_name_lists_providers_with_the_same_credential() -> None:
    """A name conflict names the provider with the same credential, so that a repeated import finds it."""
    ports = FakePorts()
    first = added(ports)
    with pytest.raises(Conflict) as same:
        add_provider(ports, ORG, new())
    assert same.value.details["references"] == [{"type": "provider", "id": first.id}]
    with pytest.raises(Conflict) as other:
        add_provider(ports, ORG, new(api_key=Secret(fake_key("openai", serial=7))))
    assert (other.value.code, other.value.details) == ("name_taken", {})


def test_the_same_credential_in_another_organization_is_not_a_warning() -> None:
    """Organizations learn nothing about each other's credentials."""
    ports = FakePorts()
    added(ports)
    _, warnings = add_provider(ports, "org_b", new())
    assert [each["code"] for each in warnings if each["code"] == "duplicate_credential"] == []


def test_an_unusual_format_is_only_a_warning() -> None:
    """An unknown key format leads to a warning only; the vendor decides."""
    _, warnings = add_provider(FakePorts(), ORG, new(api_key=key("x").__class__("k" * 30)))
    assert "unfamiliar_format" in [each["code"] for each in warnings]


@pytest.mark.parametrize(("ahead", "stored"), [(1, True), (0, False), (-1, False)])
def test_a_credential_that_has_expired_by_the_stacks_clock_is_not_stored(ahead: int, stored: bool) -> None:
    """An expiry in the past of the stack's clock is refused when adding and rotating."""
    ports = FakePorts()
    end = ports.clock.now() + timedelta(seconds=ahead)
    provider = added(ports)
    for change in (
        lambda: added(ports, "two", key_expires_at=end),
        lambda: update_provider(ports, ORG, provider.id, Change(api_key=key("three"), key_expires_at=end)),
    ):
        before = dict(ports.db.rows)
        if stored:
            change()
        else:
            with pytest.raises(Unprocessable) as caught:
                change()
            assert (caught.value.code, caught.value.param) == ("validation_failed", "key_expires_at")
        assert (ports.db.rows != before) is stored


def test_a_key_of_another_region_is_stored_with_advice() -> None:
    """A key of a project in another region is stored with a warning that names the field to change."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.WRONG_REGION)
    provider, warnings = add_provider(ports, ORG, new())
    (warning,) = warnings
    assert (provider.verification.outcome.value, provider.verification.reason) == ("limited", Reason.WRONG_REGION)
    assert warning["code"] == "wrong_region"
    assert "set base_url to" in warning["message"]
    assert "https://eu.api.openai.com/v1" in warning["message"]


ENDED = datetime.fromisoformat("2026-04-13T12:00:00Z")
EXPIRED = [
    ("bedrock", short_term_key("ASIAFAKEFAKEFEXAMPLE", at=ENDED, lifetime_s=3600), " at 2026-04-13T13:00:00Z"),
    ("bedrock", fake_key("bedrock", "expired-token"), ""),
    ("anthropic", fake_key("anthropic", "oauth-expired"), ""),
]


@pytest.mark.parametrize(("vendor", "text", "at"), EXPIRED)
def test_an_expired_temporary_credential_is_reported_as_expired(vendor: str, text: str, at: str) -> None:
    """An expired temporary credential is reported as expired, because its form reveals that it expires."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_EXPIRED)
    with pytest.raises(Unprocessable) as caught:
        add_provider(ports, ORG, new(vendor=vendor, api_key=Secret(text)))
    assert caught.value.code == "credential_rejected"
    assert caught.value.details["reason"] == "credential_expired"
    assert f"the temporary credential has expired{at}: get a new one" in caught.value.message
    assert "mistyped" not in caught.value.message


@pytest.mark.parametrize("reason", [Reason.CREDENTIAL_REJECTED, Reason.ACCOUNT_DISABLED])
def test_other_reasons_of_a_refusal_are_not_revealed(reason: Reason) -> None:
    """Other reasons for refusing a session token are not disclosed, so that found tokens cannot be tested."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(reason)
    with pytest.raises(Unprocessable) as caught:
        add_provider(ports, ORG, new(vendor="bedrock", api_key=Secret(fake_key("bedrock", "valid-session"))))
    assert caught.value.details["reason"] == "credential_rejected"


def test_the_expiry_of_a_permanent_key_is_not_revealed() -> None:
    """The expiry of a permanent key is not disclosed, because only its owner should know it."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_EXPIRED)
    with pytest.raises(Unprocessable) as caught:
        add_provider(ports, ORG, new(vendor="google", api_key=Secret(fake_key("google"))))
    assert caught.value.details["reason"] == "credential_rejected"


def test_another_vendors_key_is_not_sent() -> None:
    """A key with another vendor's form is refused without a request, and nothing is stored."""
    ports = FakePorts()
    with pytest.raises(Unprocessable) as caught:
        add_provider(ports, ORG, new(vendor="openai", api_key=Secret(fake_key("anthropic"))))
    assert (caught.value.code, ports.verify.asked, ports.db.rows) == ("credential_format", [], {})
