"""Every emulator case of every vendor, run through the vendor's own exchange."""

from __future__ import annotations

import importlib

import pytest

from local.vendors.cases import CASES, case_named
from local.vendors.cases.base import Case, Play, render
from local.vendors.cases.bedrock import ACCOUNT
from local.vendors.keys import fake_key, find_case
from providers import vendors
from providers.model.vendor import VerifyContext
from providers.vendors._partitions import DEFAULT_REGIONS
from providers_contract.vocabulary import Outcome, Reason
from tests.vendors.exchanges import BASE_URLS, NOW, always, parse, playing, verify

TABLE = [
    pytest.param(vendor, case, id=f"{vendor}-{case.slug}")
    for vendor, cases in CASES.items()
    for case in cases
    if case.play is Play.RESPOND
]

BY_TRANSPORT = {
    Reason.TIMEOUT,
    Reason.DNS_FAILED,
    Reason.CONNECTION_FAILED,
    Reason.CONNECTION_DROPPED,
    Reason.TLS_FAILED,
    Reason.ADDRESS_REFUSED,
    Reason.ANSWER_TOO_LARGE,
}
"""Reasons that come from the transport, not from the vendor's response."""

ACCOUNTS = {
    ("openai", "valid"): "org-emulated",
    ("openai", "valid-other-account"): "org-emulated-too",
    ("openai", "rate-limited"): "org-emulated",
    ("openai", "invalid"): None,
    ("anthropic", "valid"): "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
    ("anthropic", "valid-other-account"): "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
    ("anthropic", "invalid"): None,
    ("fireworks", "valid"): "emulated",
    ("fireworks", "valid-other-account"): "emulated-too",
    ("fireworks", "invalid"): None,
    ("bedrock", "valid"): ACCOUNT,
    ("bedrock", "denied"): ACCOUNT,
    ("bedrock", "denied-scp"): ACCOUNT,
    ("bedrock", "bad-secret"): None,
    ("google", "valid"): None,
    ("groq", "valid"): None,
    ("azure", "valid"): None,
}

WAITS = {
    ("openai", "rate-limited"): 1.5,
    ("openai", "slow-down"): 2.0,
    ("anthropic", "rate-limited"): 7.0,
    ("anthropic", "tier-cap"): None,
    ("azure", "rate-limited"): 2.5,
    ("groq", "rate-limited"): 4.0,
    ("google", "rate-limited"): None,
}


def request_id_of(vendor: str, case: Case) -> str | None:
    """Return the vendor's request id, if the case's response has it in the vendor's own header."""
    known: str | None = importlib.import_module(f"local.vendors.cases.{vendor}").REQUEST_ID
    return known if known in (*case.headers.values(), *(v for t in case.turns for v in t.headers.values())) else None


@pytest.mark.parametrize(("vendor", "case"), TABLE)
def test_each_case_leads_to_its_listed_verdict(vendor: str, case: Case) -> None:
    """Each case leads to its listed outcome and reason, with the vendor's request id."""
    key = fake_key(vendor, case.slug)

    verdict, _ = verify(vendor, playing(vendor, case, key), key=key)

    assert (verdict.reason, verdict.outcome) == (case.reason, case.outcome)
    assert verdict.request_id == request_id_of(vendor, case)


@pytest.mark.parametrize(("vendor", "slug"), [pytest.param(*each, id="-".join(each)) for each in ACCOUNTS])
def test_the_account_is_read_from_the_response(vendor: str, slug: str) -> None:
    """The account is read from the response or the AWS key id, to detect keys of another account."""
    key = fake_key(vendor, slug)

    verdict, _ = verify(vendor, playing(vendor, case_named(vendor, slug), key), key=key)

    assert verdict.account == ACCOUNTS[vendor, slug]


@pytest.mark.parametrize(("vendor", "slug"), [pytest.param(*each, id="-".join(each)) for each in WAITS])
def test_the_vendors_retry_after_is_reported(vendor: str, slug: str) -> None:
    """The vendor's retry time is reported; milliseconds take precedence over seconds."""
    key = fake_key(vendor, slug)

    verdict, _ = verify(vendor, playing(vendor, case_named(vendor, slug), key), key=key)

    assert verdict.retry_after_s == WAITS[vendor, slug]


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_the_latency_is_that_of_the_last_response(vendor: str) -> None:
    """The latency is that of the last response."""
    key = fake_key(vendor)

    verdict, _ = verify(vendor, playing(vendor, case_named(vendor, "valid"), key), key=key)

    assert verdict.latency_ms == 120


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_an_exchange_that_times_out_ends_quietly(vendor: str) -> None:
    """An exchange can be cancelled at any point."""
    base_url = BASE_URLS.get(vendor)
    exchange = vendors.vendor(vendor).verify(parse(vendor, fake_key(vendor), base_url), base_url, VerifyContext(NOW))
    next(exchange)

    exchange.close()

    assert next(exchange, None) is None


UNLISTED = [
    pytest.param(200, b"<html>hello</html>", id="200 with a page"),
    pytest.param(200, b"", id="200 with nothing"),
    pytest.param(200, b'{"ok": true}', id="200 with another object"),
    pytest.param(200, b'[{"id": "a"}]', id="200 with a bare list"),
    pytest.param(200, b'{"data": {}, "models": {}, "accounts": {}, "modelSummaries": {}}', id="200 without the list"),
    pytest.param(200, b'{"data": [', id="200 cut short"),
    pytest.param(201, b'{"data": [], "models": [], "accounts": [], "modelSummaries": []}', id="201"),
    pytest.param(204, b"", id="204"),
    pytest.param(301, b"", id="301"),
    pytest.param(307, b'{"data": [], "models": []}', id="307"),
    pytest.param(400, b'{"error": "bad"}', id="400 with a string"),
    pytest.param(401, b"", id="401 with nothing"),
    pytest.param(401, b"<html>login</html>", id="401 with a page"),
    pytest.param(401, b'{"error": {"message": "Unauthorized"}}', id="401 with a message alone"),
    pytest.param(401, b'{"error": {"code": null, "type": null, "message": null}}', id="401 with nulls"),
    pytest.param(401, b'{"error": {"code": [], "type": {}, "message": 1, "details": 7}}', id="401 of wrong types"),
    pytest.param(401, b'{"message": "Invalid authentication"}', id="401 of another maker"),
    pytest.param(403, b"<html>blocked</html>", id="403 with a page"),
    pytest.param(
        403, b'{"error": {"code": [1], "status": 7, "details": [1, {"reason": []}]}}', id="403 of wrong types"
    ),
    pytest.param(404, b"", id="404 with nothing"),
    pytest.param(407, b"", id="407 of a proxy"),
    pytest.param(418, b"{}", id="418"),
    pytest.param(429, b"", id="429 with nothing"),
    pytest.param(429, b"<html>slow down</html>", id="429 with a page"),
    pytest.param(451, b"{}", id="451"),
    pytest.param(500, b"\xff\xfe\x00", id="500 with garbage"),
    pytest.param(502, b"<html>bad gateway</html>", id="502 with a page"),
    pytest.param(520, b"", id="520 of an edge"),
    pytest.param(999, b"", id="999"),
]


@pytest.mark.parametrize(("status", "body"), UNLISTED)
@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_an_unlisted_response_proves_nothing(vendor: str, status: int, body: bytes) -> None:
    """An unknown response neither stores a credential nor marks it invalid."""
    verdict, _ = verify(vendor, always(status, body))

    assert verdict.outcome is Outcome.INDETERMINATE


KINDS = {
    "accepted": lambda case: case.reason is None,
    "refused": lambda case: case.outcome is Outcome.INVALID,
    "limited": lambda case: case.outcome is Outcome.LIMITED,
    "timed out": lambda case: case.reason is Reason.TIMEOUT,
    "unlisted": lambda case: case.reason is Reason.UNEXPECTED_ANSWER,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_each_vendor_has_cases_of_all_kinds(vendor: str, kind: str) -> None:
    """Each vendor, including a new one, has cases of all kinds."""
    assert any(KINDS[kind](case) for case in CASES[vendor])


@pytest.mark.parametrize("slug", ["valid", "invalid", "missing-key", "wrong-path"])
def test_each_vendor_has_the_cases_that_the_emulator_falls_back_to(slug: str) -> None:
    """Each vendor has cases for an unknown key, no key and an unknown path."""
    assert [vendor for vendor in vendors.NAMES if find_case(vendor, slug) is None] == []


def test_the_emulator_plays_every_vendor_and_no_other() -> None:
    """The emulator and the layer have the same vendors."""
    assert set(CASES) == set(vendors.NAMES)


def test_every_reason_has_a_case() -> None:
    """Every documented reason is produced by a case."""
    played = {case.reason for cases in CASES.values() for case in cases} - {None}

    ours = {Reason.BASE_URL_NOT_ALLOWED, Reason.SEAL_BROKEN}  # found without calling the vendor
    assert set(Reason) - played - BY_TRANSPORT - ours == {Reason.REGION_NOT_ENABLED}


def test_a_404_does_not_reject_an_oauth_token() -> None:
    """A 404 proves that an API key was deleted, but nothing about an OAuth token."""
    response = render(case_named("anthropic", "not-found"), "")

    verdict, _ = verify("anthropic", always(response.status, response.body), key=fake_key("anthropic", "valid-oauth"))

    assert verdict.reason is Reason.WRONG_PATH


def test_an_unknown_id_in_an_opt_in_region_is_not_rejected() -> None:
    """An unknown key id in an opt-in region proves nothing, because the region may not be enabled."""
    key = fake_key("bedrock", "invalid").replace("us-east-1", "ap-southeast-7")

    verdict, _ = verify("bedrock", playing("bedrock", case_named("bedrock", "invalid"), key), key=key)

    assert verdict.reason is Reason.REGION_NOT_ENABLED
    assert "ap-southeast-7" not in DEFAULT_REGIONS


ELSEWHERE = [
    pytest.param("anthropic", "not-found", "https://proxy.example/anthropic", Reason.WRONG_PATH, id="anthropic 404"),
    pytest.param("anthropic", "invalid", "https://proxy.example", Reason.CREDENTIAL_REJECTED, id="anthropic 401"),
    pytest.param("anthropic", "not-found", "https://api.anthropic.com/v1/", Reason.CREDENTIAL_REJECTED, id="its own"),
    pytest.param("anthropic", "not-found", "https://api.anthropic.com/gateway", Reason.WRONG_PATH, id="another path"),
]


@pytest.mark.parametrize(("vendor", "slug", "base_url", "reason"), ELSEWHERE)
def test_a_404_rejects_only_at_anthropics_own_host(vendor: str, slug: str, base_url: str, reason: Reason) -> None:
    """A 404 from another host than Anthropic's more likely means a wrong base_url."""
    response = render(case_named(vendor, slug), "")

    verdict, _ = verify(vendor, always(response.status, response.body), base_url=base_url)

    assert verdict.reason is reason
