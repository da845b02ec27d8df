"""Bedrock's exchange: signatures that are refused, clocks, regions, API keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from local.vendors.cases import case_named
from local.vendors.cases.base import render
from local.vendors.cases.bedrock_keys import short_term_key
from local.vendors.keys import fake_key
from providers import vendors
from providers.model.vendor import ProbeRequest, ProbeResponse
from providers_contract.secret import Secret
from providers_contract.vocabulary import Reason
from tests.vendors.exchanges import NOW, always, parse, run_exchange, verify

GOOD = fake_key("bedrock")


def response(slug: str, *, clock: timedelta | None = timedelta(0), latency_ms: int = 400) -> ProbeResponse:
    """Return a case's response from a vendor whose clock is `clock` ahead, or without a Date header (None)."""
    rendered = render(case_named("bedrock", slug), GOOD)
    headers = dict(rendered.headers)
    if clock is not None:
        headers["date"] = format_datetime(NOW + clock, usegmt=True)
    return ProbeResponse(rendered.status, headers, rendered.body, latency_ms)


def in_turn(responses: Iterable[ProbeResponse]) -> Callable[[ProbeRequest], ProbeResponse]:
    """Return a responder that gives one response after the other."""
    left = iter(responses)
    return lambda _: next(left)


SECOND_TRIES = [
    ("valid", None),
    ("bad-secret", Reason.CREDENTIAL_REJECTED),
    ("denied", Reason.INSUFFICIENT_PERMISSION),
    ("throttled", Reason.RATE_LIMITED),
    ("server-503", Reason.HTTP_5XX),
    ("sts-bad-secret", Reason.CREDENTIAL_REJECTED),
]


@pytest.mark.parametrize(("second", "reason"), SECOND_TRIES)
def test_a_refused_signature_is_retried_once(second: str, reason: Reason | None) -> None:
    """A refused signature is retried after 5 s: AWS briefly refuses a good one after a bad one for the same id."""
    reply = in_turn([response("bad-secret"), response(second)])

    verdict, requests = verify("bedrock", reply, key=GOOD, patience_s=6)

    assert (verdict.reason, [request.delay_s for request in requests]) == (reason, [0, 5])


def test_the_second_signature_is_for_its_own_time() -> None:
    """The second signature's time is the sending time: five seconds plus the first response's latency later."""
    reply = in_turn([response("bad-secret", latency_ms=2000), response("valid")])

    _, requests = verify("bedrock", reply, key=GOOD, patience_s=6)

    assert [request.headers["x-amz-date"] for request in requests] == ["20261123T120000Z", "20261123T120007Z"]


FINAL = [
    ("no patience, as in a health probe", 0.0, timedelta(0), Reason.CREDENTIAL_REJECTED),
    ("too little patience", 5.0, timedelta(0), Reason.CREDENTIAL_REJECTED),
    ("no date", 6.0, None, Reason.CREDENTIAL_REJECTED),
    ("clocks six minutes apart", 6.0, timedelta(minutes=6), Reason.CLOCK_SKEW),
    ("clocks six minutes apart the other way", 6.0, timedelta(minutes=-6), Reason.CLOCK_SKEW),
    ("clocks apart and no patience", 0.0, timedelta(hours=-2), Reason.CLOCK_SKEW),
]


@pytest.mark.parametrize(
    ("patience_s", "clock", "reason"),
    [row[1:] for row in FINAL],
    ids=[row[0] for row in FINAL],
)
def test_a_refused_signature_is_final_if_waiting_would_not_help(
    patience_s: float, clock: timedelta | None, reason: Reason
) -> None:
    """Without time for a retry, or with clocks apart, the verdict is immediate; the clock is blamed first."""
    verdict, requests = verify(
        "bedrock", lambda _: response("bad-secret", clock=clock), key=GOOD, patience_s=patience_s
    )

    assert (verdict.reason, len(requests)) == (reason, 1)


def test_clocks_five_minutes_apart_still_blame_the_secret() -> None:
    """Within the five minutes that AWS tolerates, a refused signature means a wrong secret."""
    verdict, _ = verify("bedrock", lambda _: response("bad-secret", clock=timedelta(minutes=5)), key=GOOD)

    assert verdict.reason is Reason.CREDENTIAL_REJECTED


@pytest.mark.parametrize(
    "slug", ["invalid", "expired-token", "denied", "clock-skew", "throttled", "server-500", "valid", "access-denied"]
)
def test_no_other_response_is_retried(slug: str) -> None:
    """Only a refused signature is retried."""
    _, requests = verify("bedrock", lambda _: response(slug), key=GOOD, patience_s=6)

    assert len(requests) == 1


CODES = [
    ("UnrecognizedClientException", Reason.CREDENTIAL_REJECTED),
    (
        "UnrecognizedClientException:http://internal.amazon.com/coral/com.amazon.coral.service/",
        Reason.CREDENTIAL_REJECTED,
    ),
    ("com.amazon.coral.service#UnrecognizedClientException", Reason.CREDENTIAL_REJECTED),
    ("aws.bedrock#UnrecognizedClientException:http://x.example/#y", Reason.CREDENTIAL_REJECTED),
    ("UnrecognizedClientExceptional", Reason.UNEXPECTED_ANSWER),
    ("", Reason.UNEXPECTED_ANSWER),
]


@pytest.mark.parametrize(("code", "reason"), CODES)
def test_an_error_type_is_read_with_and_without_its_decorations(code: str, reason: Reason) -> None:
    """`x-amzn-errortype` is read with or without a namespace prefix and a URL suffix."""
    verdict, _ = verify("bedrock", always(403, b"{}", {"x-amzn-errortype": code}), key=GOOD)

    assert verdict.reason is reason


@pytest.mark.parametrize("code", ["ExpiredTokenException", "com.amazon.coral.service#ExpiredTokenException"])
def test_an_error_type_is_read_from_the_body_without_a_header(code: str) -> None:
    """Without the header, the error type is read from `__type`, as in AWS's JSON protocols."""
    verdict, _ = verify("bedrock", always(403, f'{{"__type": "{code}"}}'.encode()), key=GOOD)

    assert verdict.reason is Reason.CREDENTIAL_EXPIRED


SIGNATURES = [
    ("Credential should be scoped to a valid region.", Reason.UNEXPECTED_ANSWER),
    ("Signature expired: 2026 is now earlier than 2027", Reason.CLOCK_SKEW),
    ("Signature not yet current: 2027 is still later than 2026", Reason.CLOCK_SKEW),
    ("The request signature we calculated does not match", Reason.CREDENTIAL_REJECTED),
]


@pytest.mark.parametrize("code", ["InvalidSignatureException", "SignatureDoesNotMatch"])
@pytest.mark.parametrize(("message", "reason"), SIGNATURES)
def test_a_signature_can_be_refused_for_more_than_its_secret(code: str, message: str, reason: Reason) -> None:
    """The message distinguishes a wrong secret, time and scope, which share one error code."""
    body = f'{{"message": "{message}"}}'.encode()

    verdict, _ = verify("bedrock", always(403, body, {"x-amzn-errortype": code}), key=GOOD)

    assert verdict.reason is reason


def test_a_bearer_key_is_never_blamed_for_a_signature() -> None:
    """A signature error proves nothing about an API key, which is not used to sign."""
    verdict, requests = verify(
        "bedrock", lambda _: response("bad-secret"), key=fake_key("bedrock", "valid-api-key"), patience_s=6
    )

    assert (verdict.reason, len(requests)) == (Reason.UNEXPECTED_ANSWER, 1)


def test_an_api_keys_message_does_not_reject_an_access_key() -> None:
    """An error about API keys proves nothing about an access key."""
    verdict, _ = verify("bedrock", lambda _: response("invalid-api-key"), key=GOOD)

    assert verdict.reason is Reason.UNEXPECTED_ANSWER


def signed(key: str, base_url: str | None = None) -> str:
    """Return the authorization header of the first request."""
    _, requests = verify("bedrock", always(418), key=key, base_url=base_url)
    value = requests[0].headers["authorization"]
    assert isinstance(value, Secret)
    return value.reveal()


def test_a_signature_is_for_the_region_of_the_credential() -> None:
    """The signature's scope consists of key id, day, region and service."""
    assert re.search(r"Credential=AKIAVALIDAAABEXAMPLE/20261123/us-east-1/bedrock/aws4_request", signed(GOOD))


@pytest.mark.parametrize(
    ("slug", "names"),
    [("valid", "host;x-amz-date"), ("valid-session", "host;x-amz-date;x-amz-security-token")],
)
def test_a_session_token_is_signed(slug: str, names: str) -> None:
    """A session token is signed if present, and the host always."""
    assert f"SignedHeaders={names}," in signed(fake_key("bedrock", slug))


def test_the_signed_host_is_the_sent_host() -> None:
    """Another host or port leads to another signature."""
    bases = [
        "https://proxy.example",
        "https://proxy.example:443",
        "https://proxy.example:8443",
        "https://other.example",
    ]

    signatures = [signed(GOOD, base_url).rpartition("Signature=")[2] for base_url in bases]

    assert signatures[0] == signatures[1]
    assert len(set(signatures)) == 3


def test_an_api_key_is_sent_as_bearer_without_its_region() -> None:
    """The region after `::` is not sent to the vendor."""
    key = fake_key("bedrock", "valid-api-key")

    assert signed(key) == f"Bearer {key.removesuffix('::us-east-1')}"


def test_an_expired_short_term_key_is_refused_without_a_call() -> None:
    """A short-term key contains its expiry, so an expired one is refused without a request."""
    key = short_term_key("ASIAFAKEFAKEFEXAMPLE", at=NOW - timedelta(hours=13))

    verdict, requests = verify("bedrock", always(200), key=key)

    assert (verdict.reason, requests) == (Reason.CREDENTIAL_EXPIRED, [])


def test_a_short_term_key_is_verified_in_its_own_region() -> None:
    """A short-term key is verified in the region that it contains."""
    key = short_term_key("ASIAFAKEFAKEFEXAMPLE", region="eu-west-3", at=NOW)

    _, requests = verify("bedrock", always(418), key=key)

    assert requests[0].url.startswith("https://bedrock.eu-west-3.amazonaws.com/")


def test_a_short_term_key_contains_its_expiry() -> None:
    """`key_expires_at` is read from a short-term key."""
    key = short_term_key("ASIAFAKEFAKEFEXAMPLE", at=datetime(2026, 11, 23, 1, tzinfo=UTC), lifetime_s=3600)

    assert parse("bedrock", key).expires_at == datetime(2026, 11, 23, 2, tzinfo=UTC)


def test_a_credential_parsed_by_another_vendor_is_an_error() -> None:
    """A vendor raises an error for a credential that another vendor parsed."""
    with pytest.raises(TypeError):
        run_exchange(vendors.vendor("bedrock"), parse("openai", "sk-FAKE"), None, always(200))
