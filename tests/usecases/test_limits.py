"""How often vendors are asked, and how little a refusal tells: nobody is to try out keys that are not theirs here."""

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
    """The refusal of one more provider."""
    with pytest.raises(RateLimited) as caught:
        add(ports, org, mark)
    return caught.value


def test_an_organization_has_so_many_verifications_a_minute() -> None:
    """Beyond them no vendor is asked and nothing is stored; another organization still has all of its own."""
    ports = FakePorts(Policy(verifications_per_org=2))
    add(ports, ORG, "one")
    add(ports, ORG, "two")
    error = refused(ports, ORG, "three")
    assert error.code == "verification_rate_limited"
    assert (len(ports.verify.asked), len(ports.db.providers), len(ports.db.rows)) == (2, 2, 2)
    add(ports, "org_b", "three")


def test_all_organizations_together_have_a_limit_too() -> None:
    """It holds for the organizations that ask often, and says nothing of the others."""
    ports = FakePorts(Policy(verifications_per_org=6, verifications=5))
    for mark in range(SPARED + 2):
        add(ports, ORG, str(mark))
    error = refused(ports, ORG, "more")
    assert (error.code, len(ports.verify.asked)) == ("verification_rate_limited", SPARED + 2)
    assert not any(character.isdigit() for character in error.message.partition("try again")[0])


def test_busy_organizations_keep_no_other_from_an_emergency_rotation() -> None:
    """The stack's limit is used up, and a quiet organization's first verifications go through all the same."""
    ports = FakePorts(Policy(verifications_per_org=30, verifications=10))
    for number in range(10):
        add(ports, f"org_{number}", "one")
    for number in range(SPARED):
        add(ports, "org_quiet", str(number))
    assert refused(ports, "org_quiet", "more").code == "verification_rate_limited"


def test_what_one_organization_is_refused_costs_the_others_nothing() -> None:
    """It cannot use up the stack's verifications by asking on and on."""
    ports = FakePorts(Policy(verifications_per_org=2, verifications=3))
    for mark in ("one", "two"):
        add(ports, ORG, mark)
    for number in range(10):
        refused(ports, ORG, f"more-{number}")
    add(ports, "org_b", "three")


@pytest.mark.parametrize(("second", "wait"), [(0, 60), (1, 59), (59, 1)])
def test_a_refusal_says_when_the_minute_ends(second: int, wait: int) -> None:
    """`Retry-After` is the rest of the minute, and then it goes on."""
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


ASKING: list[tuple[str, Callable[[FakePorts, Provider], Any]]] = [
    ("add", lambda ports, _: added(ports, "three")),
    ("rotate", lambda ports, provider: rotate(ports, provider, "three")),
    ("roll back", lambda ports, provider: rollback_provider(ports, ORG, provider.id)),
]


@pytest.mark.parametrize("ask", [ask for _, ask in ASKING], ids=[name for name, _ in ASKING])
def test_all_that_asks_a_vendor_counts(ask: Callable[[FakePorts, Provider], Any]) -> None:
    """Adding, rotating and rolling back share one limit, and beyond it change nothing."""
    ports = FakePorts(Policy(verifications_per_org=2))
    provider = rotate(ports, added(ports), "two")
    before = (dict(ports.db.providers), dict(ports.db.rows), list(ports.db.trail))
    with pytest.raises(RateLimited):
        ask(ports, provider)
    assert (ports.db.providers, ports.db.rows, ports.db.trail) == before


def test_what_asks_no_vendor_does_not_count() -> None:
    """A credential that cannot be one, a base_url that may not be, a rename: none of them uses up the minute."""
    ports = FakePorts(Policy(verifications_per_org=2))
    provider = added(ports)
    for members in ({"vendor": "bedrock"}, {"base_url": "http://example.com/v1"}):
        with pytest.raises(Unprocessable):
            add_provider(ports, ORG, new("two", **members))
    update_provider(ports, ORG, provider.id, Change(name="Renamed"))
    added(ports, "two")


# what a refusal tells

BY_OUTCOME = {
    outcome: [reason for reason in Reason if Verdict(reason).outcome is outcome]
    for outcome in (Outcome.INVALID, Outcome.INDETERMINATE)
}


VERIFYING: dict[str, Callable[[FakePorts, Provider], Any]] = dict(ASKING[:2])


def told(reason: Reason, ask: Callable[[FakePorts, Provider], Any]) -> ProvidersError:
    """What a caller hears when the vendor's answer means `reason`."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.verdict = Verdict(reason, request_id="req_1", account="acme", latency_ms=7)
    with pytest.raises(ProvidersError) as caught:
        ask(ports, provider)
    return caught.value


@pytest.mark.parametrize("ask", VERIFYING.values(), ids=VERIFYING)
def test_every_refused_credential_gets_the_same_answer(ask: Callable[[FakePorts, Provider], Any]) -> None:
    """Leaked, expired, suspended or unknown: a finder of a key learns nothing of it, and the log has the reason."""
    errors = {reason: told(reason, ask) for reason in BY_OUTCOME[Outcome.INVALID]}
    assert len(errors) > 3
    answers = {
        str((type(each), each.code, each.message, each.param, each.retry_after_s, each.details))
        for each in errors.values()
    }
    assert len(answers) == 1
    assert [each.__notes__ for each in errors.values()] == [[f"reason: {reason.value}"] for reason in errors]


@pytest.mark.parametrize("reason", BY_OUTCOME[Outcome.INDETERMINATE])
def test_a_credential_that_could_not_be_verified_is_never_called_refused(reason: Reason) -> None:
    """The other public outcome: the vendor or the way to it is at fault, and the answer says how."""
    error = told(reason, VERIFYING["add"])
    assert isinstance(error, VerificationFailed)
    assert error.details["reason"] == reason.value
