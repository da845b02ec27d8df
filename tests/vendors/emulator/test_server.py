"""The emulator over sockets: which case a request gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx2
import pytest

from local.vendors.cases import CASES, case_named
from local.vendors.cases.base import Play, render
from local.vendors.cases.bedrock_keys import REGION, SECRET_ACCESS_KEY, SESSION_TOKEN
from local.vendors.keys import fake_key
from local.vendors.server import Emulator, running_emulator
from tests.vendors.emulator.sending import call, headers_of, probe, send
from tests.vendors.exchanges import BASE_URLS

ALL = [
    pytest.param(vendor, case.slug, id=f"{vendor}-{case.slug}")
    for vendor, cases in CASES.items()
    for case in cases
    if case.play is Play.RESPOND and not case.turns
]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    """A client with persistent connections, to make hundreds of requests quick."""
    with httpx2.Client(trust_env=False) as client:
        yield client


@pytest.mark.parametrize(("vendor", "slug"), ALL)
def test_a_key_selects_its_case_at_the_vendors_own_host(
    emulator: Emulator, client: httpx2.Client, vendor: str, slug: str
) -> None:
    """A request with the vendor's own Host header, as the local stack sends it, gets the key's case."""
    key = fake_key(vendor, slug)
    request = probe(vendor, key, BASE_URLS.get(vendor))
    url = urlsplit(request.url)

    response = client.get(f"{emulator.url}{url.path}?{url.query}", headers=headers_of(request) | {"host": url.netloc})

    expected = render(case_named(vendor, slug), key.partition("::")[0])
    assert (response.status_code, response.content) == (expected.status, expected.body)
    assert expected.headers.items() <= dict(response.headers).items()


OAUTH = [
    ({"x-api-key": fake_key("anthropic", "valid-oauth")}, "invalid"),
    ({"authorization": f"Bearer {fake_key('anthropic', 'valid-oauth')}"}, "oauth-not-supported"),
    (
        {"authorization": f"Bearer {fake_key('anthropic', 'valid-oauth')}", "anthropic-beta": "x,oauth-2025-04-20"},
        "valid-oauth",
    ),
]


@pytest.mark.parametrize(("headers", "slug"), OAUTH)
def test_an_oauth_token_is_accepted_as_bearer_with_the_beta_header(
    emulator: Emulator, client: httpx2.Client, headers: dict[str, str], slug: str
) -> None:
    """An OAuth token is accepted only as a bearer token with the beta header, as at Anthropic."""
    response = client.get(f"{emulator.url}/anthropic/v1/models", headers=headers)

    assert response.status_code == case_named("anthropic", slug).status
    assert emulator.played["anthropic", slug] == 1


BASES = [
    ("openai", "/openai/v1"),
    ("openai", "/openai/v1/"),
    ("anthropic", "/anthropic"),
    ("anthropic", "/anthropic/v1"),
    ("google", "/google"),
    ("google", "/google/v1beta/"),
    ("azure", "/azure"),
    ("azure", "/azure/openai/v1"),
    ("bedrock", "/bedrock"),
    ("groq", "/groq"),
    ("groq", "/groq/openai/v1"),
    ("fireworks", "/fireworks/inference/v1"),
]


@pytest.mark.parametrize(("vendor", "base"), BASES)
def test_each_vendor_has_a_path(emulator: Emulator, vendor: str, base: str) -> None:
    """Each vendor has a base_url at the emulator."""
    response = send(emulator, vendor, base=base)

    assert response.status_code == 200
    assert any(member in response.json() for member in ("data", "models", "modelSummaries"))


def test_fireworks_control_plane_has_a_path(emulator: Emulator) -> None:
    """Fireworks' control plane has its own path, next to the inference API."""
    headers = {"authorization": f"Bearer {fake_key('fireworks')}"}

    response = call(f"{emulator.url}/fireworks/v1/accounts?pageSize=1", headers=headers)

    assert response.json()["accounts"]


@pytest.mark.parametrize("slug", ["valid-dated", "invalid-dated"])
def test_an_older_azure_resource_responds_at_the_dated_path(emulator: Emulator, slug: str) -> None:
    """An older Azure resource responds at the path with an api-version, and 404 at the v1 path."""
    headers = {"api-key": fake_key("azure", slug)}

    statuses = [
        call(f"{emulator.url}/azure/openai/{path}", headers=headers).status_code
        for path in ("v1/models", "models", "models?api-version=2024-10-21")
    ]

    assert statuses == [404, 404, 200 if slug == "valid-dated" else 401]


MADE_UP = {
    "openai": "sk-proj-made-up-EXAMPLE-key-of-somebody",
    "anthropic": "sk-ant-api03-made-up-EXAMPLE-key-of-somebody",
    "google": "AIza-made-up-EXAMPLE-key",
    "azure": "0123456789abcdef0123456789abcdef",
    "bedrock": f"AKIAMADEUPFEEXAMPLE2::{SECRET_ACCESS_KEY}::{REGION}",
    "groq": "gsk_made_up_EXAMPLE",
    "fireworks": "fw_made_up_EXAMPLE",
}


@pytest.mark.parametrize("vendor", MADE_UP)
def test_a_made_up_key_is_refused(emulator: Emulator, vendor: str) -> None:
    """A key that is not listed is refused."""
    response = send(emulator, vendor, key=MADE_UP[vendor])

    expected = render(case_named(vendor, "invalid"), MADE_UP[vendor].partition("::")[0])
    assert (response.status_code, response.content) == (expected.status, expected.body)


def test_a_made_up_bedrock_api_key_is_refused_as_such(emulator: Emulator) -> None:
    """An unknown Bedrock API key is refused with the message for API keys."""
    response = send(emulator, "bedrock", key=f"ABSKmadeupEXAMPLE::{REGION}")

    assert "API Key is valid" in response.json()["Message"]


PATHS = {
    "openai": "/openai/v1/models",
    "anthropic": "/anthropic/v1/models",
    "google": "/google/v1/models",
    "azure": "/azure/openai/v1/models",
    "bedrock": "/bedrock/foundation-models",
    "groq": "/groq/openai/v1/models",
    "fireworks": "/fireworks/v1/accounts",
}


@pytest.mark.parametrize("vendor", PATHS)
def test_a_missing_key_is_reported(emulator: Emulator, vendor: str) -> None:
    """A request without a credential gets the vendor's own response to that."""
    response = call(emulator.url + PATHS[vendor])

    expected = case_named(vendor, "missing-key")
    assert (response.status_code, response.content) == (expected.status, render(expected, "").body)


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("GET", ""), ("POST", None)])
@pytest.mark.parametrize("vendor", PATHS)
def test_another_path_or_method_is_not_found(emulator: Emulator, vendor: str, method: str, path: str | None) -> None:
    """Another path or method gets the vendor's own 404."""
    url = emulator.url + (PATHS[vendor] if path is None else f"/{vendor}{path}")

    assert call(url, method).status_code == 404


def test_google_refuses_a_second_credential(emulator: Emulator) -> None:
    """Google's API refuses a request with two credentials, such as an added bearer token."""
    headers = {"x-goog-api-key": fake_key("google"), "authorization": "Bearer FAKE"}

    response = call(f"{emulator.url}/google/v1/models", headers=headers)

    assert response.json()["error"]["code"] == "invalid_request"


ID, SESSION_ID = (fake_key("bedrock", slug).partition("::")[0] for slug in ("valid", "valid-session"))
WRONG = {
    "another secret": (f"{ID}::OTHER{SECRET_ACCESS_KEY[5:]}::{REGION}", timedelta(0), "bad-secret"),
    "another session token": (
        f"{SESSION_ID}::{SECRET_ACCESS_KEY}::{REGION}::OTHER{SESSION_TOKEN}",
        timedelta(0),
        "invalid",
    ),
    "a clock that is slow": (fake_key("bedrock"), timedelta(minutes=-20), "clock-skew"),
    "a clock that is fast": (fake_key("bedrock"), timedelta(minutes=20), "clock-skew-ahead"),
}


@pytest.mark.parametrize(("key", "drift", "slug"), WRONG.values(), ids=WRONG)
def test_a_wrong_signature_is_refused(emulator: Emulator, key: str, drift: timedelta, slug: str) -> None:
    """A known access key id with a wrong signature is refused."""
    response = send(emulator, "bedrock", key=key, now=datetime.now(UTC) + drift)

    assert response.content == render(case_named("bedrock", slug), "").body


@pytest.mark.parametrize("changed", ["host", "x-amz-date", "authorization", "query"])
def test_a_request_that_was_changed_after_it_was_signed_is_refused(emulator: Emulator, changed: str) -> None:
    """Host, time and query are covered by the signature."""
    request = probe("bedrock", fake_key("bedrock"), f"{emulator.url}/bedrock")
    headers = headers_of(request)
    match changed:
        case "host":
            headers["host"] = "bedrock.us-west-2.amazonaws.com"
        case "x-amz-date":
            headers[changed] = f"{datetime.now(UTC) + timedelta(seconds=60):%Y%m%dT%H%M%SZ}"
        case "authorization":
            headers[changed] = headers[changed][:-4] + "0000"
    url = request.url + ("&byOutputModality=TEXT" if changed == "query" else "")
    if changed == "host":
        url = url.replace("/bedrock/", "/")

    assert call(url, headers=headers).status_code == 403


TURNS = [("openai", "flaky", [200, 500, 200, 500]), ("bedrock", "settling", [403, 200, 403, 200])]


@pytest.mark.parametrize(("vendor", "slug", "statuses"), TURNS)
def test_some_keys_change_from_one_request_to_the_next(
    emulator: Emulator, vendor: str, slug: str, statuses: list[int]
) -> None:
    """Some keys alternate between responses, to try out stable health states and retries."""
    assert [send(emulator, vendor, slug).status_code for _ in statuses] == statuses


def test_paths_of_no_vendor_are_not_found(emulator: Emulator) -> None:
    """The response to an unknown path lists the known ones."""
    response = call(f"{emulator.url}/nobody/v1/models")

    assert (response.status_code, "_control" in json.dumps(response.json())) == (404, True)


def test_requests_are_counted_by_case(emulator: Emulator) -> None:
    """Vendor requests are counted by case; requests to the control endpoints are not."""
    for slug in ("valid", "invalid", "valid"):
        send(emulator, "groq", slug)
    call(emulator.url)

    assert (emulator.requests, emulator.played["groq", "valid"], emulator.played["groq", "invalid"]) == (3, 2, 1)


def test_every_response_can_be_delayed() -> None:
    """Every response can be delayed, so that benchmarks include a vendor's latency."""
    with running_emulator(latency_s=0.05) as emulator:
        assert send(emulator, "openai").elapsed >= timedelta(seconds=0.05)
