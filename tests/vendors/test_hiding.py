"""No object that is made from a credential shows it."""

from __future__ import annotations

import pytest

from local.vendors.cases import CASES, case_named
from local.vendors.cases.base import ECHO, render
from local.vendors.keys import fake_key
from providers import vendors
from providers.model.vendor import ProbeResponse
from tests.vendors.exchanges import BASE_URLS, always, parse, verify

CREDENTIALS = [pytest.param(vendor, "valid", id=vendor) for vendor in vendors.NAMES] + [
    pytest.param("bedrock", slug, id=f"bedrock-{slug}")
    for slug in ("valid-session", "valid-api-key", "valid-short-term")
]
WINDOW = 8
PREFIXES = ("sk-proj-", "sk-ant-api03-", "bedrock-api-key-")
"""The part of every such key that a hint shows."""


def shows(text: str, key: str) -> bool:
    """Return whether `text` contains eight consecutive characters of the secret parts of `key`."""
    secrets = [part.removeprefix(prefix) for part in key.split("::") if part != "us-east-1" for prefix in PREFIXES]
    secrets = [secret for secret in secrets if not secret.startswith(PREFIXES)]
    return any(
        secret[start : start + WINDOW] in text for secret in secrets for start in range(len(secret) - WINDOW + 1)
    )


@pytest.mark.parametrize(("vendor", "slug"), CREDENTIALS)
def test_a_credentials_repr_hides_it(vendor: str, slug: str) -> None:
    """A credential's repr is its hint."""
    key = fake_key(vendor, slug)

    assert not shows(repr(parse(vendor, key, BASE_URLS.get(vendor))), key)


@pytest.mark.parametrize(("vendor", "slug"), CREDENTIALS)
def test_a_requests_repr_hides_the_credential(vendor: str, slug: str) -> None:
    """A request's repr shows the credential neither in a header nor in the URL."""
    key = fake_key(vendor, slug)
    _, requests = verify(vendor, always(418), key=key)

    assert not shows(repr(requests), key)


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_a_responses_repr_hides_the_body(vendor: str) -> None:
    """A response's repr hides the body, which can contain the whole key."""
    key = fake_key(vendor, "echo")
    response = render(case_named(vendor, "echo"), key)

    assert not shows(repr(ProbeResponse(response.status, response.headers, response.body)), key)


ECHOES = [
    pytest.param(vendor, case.slug, id=f"{vendor}-{case.slug}")
    for vendor, cases in CASES.items()
    for case in cases
    if ECHO in str((case.body, case.headers))
]


@pytest.mark.parametrize(("vendor", "slug"), ECHOES)
def test_a_verdict_contains_no_part_of_the_key(vendor: str, slug: str) -> None:
    """A verdict contains no part of a key that the vendor echoes in body, request id or account."""
    key = fake_key(vendor, slug)
    response = render(case_named(vendor, slug), key)

    verdict, _ = verify(vendor, always(response.status, response.body, response.headers), key=key)

    assert not shows(f"{verdict.request_id} {verdict.account}", key)


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_the_echoing_case_really_echoes(vendor: str) -> None:
    """The echo case returns the key, so that the tests above prove something."""
    key = fake_key(vendor, "echo")

    assert key in str(render(case_named(vendor, "echo"), key))


def test_googles_suspended_response_contains_the_whole_key() -> None:
    """The suspended case returns the whole key, as Google does."""
    key = fake_key("google", "suspended")

    assert key.encode() in render(case_named("google", "suspended"), key).body
