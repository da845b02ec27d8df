"""Limits on verifications, and how little an error discloses, so that stolen keys cannot be tested here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.model.errors import ProvidersError, RateLimited, Unprocessable, VerificationFailed
from providers.model.policy import Policy
from providers.model.provider import Provider
from providers.model.verdict import Verdict
from providers.usecases.add import add_provider
from providers.usecases.commands import Change
from providers.usecases.rollback import rollback_provider
from providers.usecases.update import update_provider
from providers.usecases.verification import SPARED
from providers_contract.vocabulary import Outcome, Reason
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added, new, rotate


def add(ports: FakePorts, org: str, mark: str) -> None:
    """Add a provider for an organization."""
    add_provider(ports, org, new(mark))


def refused(ports: FakePorts, org: str, mark: str) -> RateLimited:
    """Return the error for one more provider."""
    with pytest.raises(RateLimited) as caught:
        add(ports, org, mark)
    return caught.value


def test_verifications_are_limited_per_organization() -> None:
    """Over an organization's limit, no vendor is called and nothing stored; other organizations are not affected."""
    ports = FakePorts(Policy(verifications_per_org=2))
    add(ports, ORG, "one")
    add(ports, ORG, "two")
    error = refused(ports, ORG, "three")
    assert error.code == "verification_rate_limited"
    assert (len(ports.verify.asked), len(ports.db.providers), len(ports.db.rows)) == (2, 2, 2)
    add(ports, "org_b", "three")


def test_verifications_are_limited_per_stack() -> None:
    """The stack's limit applies to the organizations that verify often."""
    ports = FakePorts(Policy(verifications_per_org=6, verifications=5))
    for mark in range(SPARED + 2):
        add(ports, ORG, str(mark))
    error = refused(ports, ORG, "more")
    assert (error.code, len(ports.verify.asked)) == ("verification_rate_limited", SPARED + 2)
    assert not any(character.isdigit() for character in error.message.partition("try again")[0])


def test_busy_organizations_do_not_block_an_emergency_rotation() -> None:
    """A quiet organization can still verify when busy ones have used up the stack's limit."""
    ports = FakePorts(Policy(verifications_per_org=30, verifications=10))
    for number in range(10):
        add(ports, f"org_{number}", "one")
    for number in range(SPARED):
        add(ports, "org_quiet", str(number))
    assert refused(ports, "org_quiet", "more").code == "verification_rate_limited"


def test_refused_verifications_do_not_count_for_the_stack() -> None:
    """Refused verifications do not count towards the stack's limit."""
    ports = FakePorts(Policy(verifications_per_org=2, verifications=3))
    for mark in ("one", "two"):
        add(ports, ORG, mark)
    for number in range(10):
        refused(ports, ORG, f"more-{number}")
    add(ports, "org_b", "three")


@pytest.mark.parametrize(("second", "wait"), [(0, 60), (1, 59), (59, 1)])
def test_a_refusal_says_when_the_minute_ends(second: int, wait: int) -> None:
    """`Retry-After` is the rest of the minute, after which requests succeed again."""
    ports = FakePorts(Policy(verifications_per_org=1))
    ports.clock.pass_time(seconds=second)
    add(ports, ORG, "one")
    error = refused(ports, ORG, "two")
    assert error.retry_after_s == wait
    assert f"try again in {wait} s" in error.message
    ports.clock.pass_time(seconds=wait - 0.001)
    refused(ports, ORG, "two")
    ports.clock.pass_time(seconds=0.001)
    add(ports, ORG, "two")


VERIFICATIONS: list[tuple[str, Callable[[FakePorts, Provider], Any]]] = [
    ("add", lambda ports, _: added(ports, "three")),
    ("rotate", lambda ports, provider: rotate(ports, provider, "three")),
    ("roll back", lambda ports, provider: rollback_provider(ports, ORG, provider.id)),
]


@pytest.mark.parametrize("verify", [verify for _, verify in VERIFICATIONS], ids=[name for name, _ in VERIFICATIONS])
def test_every_verification_counts(verify: Callable[[FakePorts, Provider], Any]) -> None:
    """Adding, rotating and rolling back share one limit, and change nothing over it."""
    ports = FakePorts(Policy(verifications_per_org=2))
    provider = rotate(ports, added(ports), "two")
    before = (dict(ports.db.providers), dict(ports.db.rows), list(ports.db.trail))
    with pytest.raises(RateLimited):
        verify(ports, provider)
    assert (ports.db.providers, ports.db.rows, ports.db.trail) == before


def test_requests_without_a_verification_do_not_count() -> None:
    """Malformed credentials, forbidden base_urls and renames do not count."""
    ports = FakePorts(Policy(verifications_per_org=2))
    provider = added(ports)
    for members in ({"vendor": "bedrock"}, {"base_url": "http://example.com/v1"}):
        with pytest.raises(Unprocessable):
            add_provider(ports, ORG, new("two", **members))
    update_provider(ports, ORG, provider.id, Change(name="Renamed"))
    added(ports, "two")


# what a refusal reveals

BY_OUTCOME = {
    outcome: [reason for reason in Reason if Verdict(reason).outcome is outcome]
    for outcome in (Outcome.INVALID, Outcome.INDETERMINATE)
}


VERIFYING: dict[str, Callable[[FakePorts, Provider], Any]] = dict(VERIFICATIONS[:2])


def error_for(reason: Reason, verify: Callable[[FakePorts, Provider], Any]) -> ProvidersError:
    """Return the error that a caller gets for `reason`."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.verdict = Verdict(reason, request_id="req_1", account="acme", latency_ms=7)
    with pytest.raises(ProvidersError) as caught:
        verify(ports, provider)
    return caught.value


@pytest.mark.parametrize("verify", VERIFYING.values(), ids=VERIFYING)
def test_every_refused_credential_gets_the_same_response(verify: Callable[[FakePorts, Provider], Any]) -> None:
    """Leaked, expired, suspended and unknown keys get the same error; only the log has the reason."""
    errors = {reason: error_for(reason, verify) for reason in BY_OUTCOME[Outcome.INVALID]}
    assert len(errors) > 3
    responses = {
        str((type(each), each.code, each.message, each.param, each.retry_after_s, each.details))
        for each in errors.values()
    }
    assert len(responses) == 1
    assert [each.__notes__ for each in errors.values()] == [[f"reason: {reason.value}"] for reason in errors]


@pytest.mark.parametrize("reason", BY_OUTCOME[Outcome.INDETERMINATE])
def test_a_credential_that_could_not_be_verified_is_never_called_refused(reason: Reason) -> None:
    """An error of the vendor or the network is reported as such, never as a refused key."""
    error = error_for(reason, VERIFYING["add"])
    assert isinstance(error, VerificationFailed)
    assert error.details["reason"] == reason.value
