"""The URL that each vendor's exchange requests, for every way to write its base_url."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from local.vendors import routes
from local.vendors.keys import fake_key
from providers import vendors
from providers_contract.hosts import host_matches, host_of
from providers_contract.secret import Secret
from tests.vendors.exchanges import always, parse, run_exchange, verify

AZURE = "https://acme.openai.azure.com"
BEDROCK = "https://bedrock.us-east-1.amazonaws.com"
MODELS = "/foundation-models?byProvider=amazon"

URLS = [
    ("openai", None, "https://api.openai.com/v1/models"),
    ("openai", "https://api.openai.com/v1", "https://api.openai.com/v1/models"),
    ("openai", "https://api.openai.com/v1/", "https://api.openai.com/v1/models"),
    ("openai", "https://proxy.example", "https://proxy.example/models"),
    ("openai", "https://proxy.example/openai/v1//", "https://proxy.example/openai/v1/models"),
    ("anthropic", None, "https://api.anthropic.com/v1/models?limit=1"),
    ("anthropic", "https://api.anthropic.com", "https://api.anthropic.com/v1/models?limit=1"),
    ("anthropic", "https://api.anthropic.com/", "https://api.anthropic.com/v1/models?limit=1"),
    ("anthropic", "https://api.anthropic.com/v1", "https://api.anthropic.com/v1/models?limit=1"),
    ("anthropic", "https://proxy.example/anthropic/v1/", "https://proxy.example/anthropic/v1/models?limit=1"),
    ("google", None, "https://generativelanguage.googleapis.com/v1/models?pageSize=1"),
    (
        "google",
        "https://generativelanguage.googleapis.com/v1beta/openai/",
        "https://generativelanguage.googleapis.com/v1/models?pageSize=1",
    ),
    ("google", "https://proxy.example", "https://proxy.example/v1/models?pageSize=1"),
    ("google", "https://proxy.example/v1/", "https://proxy.example/v1/models?pageSize=1"),
    ("google", "https://proxy.example/v1beta", "https://proxy.example/v1/models?pageSize=1"),
    ("google", "https://proxy.example/v1beta/openai/", "https://proxy.example/v1/models?pageSize=1"),
    ("azure", AZURE, f"{AZURE}/openai/v1/models"),
    ("azure", f"{AZURE}/", f"{AZURE}/openai/v1/models"),
    ("azure", f"{AZURE}/openai", f"{AZURE}/openai/v1/models"),
    ("azure", f"{AZURE}/anthropic/", f"{AZURE}/openai/v1/models"),
    ("azure", f"{AZURE}/openai/v1/", f"{AZURE}/openai/v1/models"),
    ("bedrock", None, BEDROCK + MODELS),
    ("bedrock", f"{BEDROCK}/", BEDROCK + MODELS),
    ("bedrock", "https://proxy.example:8443/aws", f"https://proxy.example:8443/aws{MODELS}"),
    ("groq", None, "https://api.groq.com/openai/v1/models"),
    ("groq", "https://api.groq.com", "https://api.groq.com/openai/v1/models"),
    ("groq", "https://api.groq.com/openai", "https://api.groq.com/openai/v1/models"),
    ("groq", "https://api.groq.com/openai/v1/", "https://api.groq.com/openai/v1/models"),
    ("fireworks", None, "https://api.fireworks.ai/v1/accounts?pageSize=1"),
    ("fireworks", "https://api.fireworks.ai/inference/v1", "https://api.fireworks.ai/v1/accounts?pageSize=1"),
    ("fireworks", "https://API.fireworks.ai/inference/v1/", "https://api.fireworks.ai/v1/accounts?pageSize=1"),
    ("fireworks", "https://proxy.example/inference/v1/", "https://proxy.example/inference/v1/models"),
]


@pytest.mark.parametrize(("vendor", "base_url", "url"), URLS)
def test_each_base_url_leads_to_the_vendors_list(vendor: str, base_url: str | None, url: str) -> None:
    """A base_url works with and without trailing slash and version segment, as in the vendor's SDK."""
    _, requests = verify(vendor, always(418), base_url=base_url)

    assert [request.url for request in requests] == [url]


def test_azure_calls_an_older_resource_at_the_dated_path() -> None:
    """A 404 at the v1 path is retried at the dated path, for older Azure resources."""
    _, requests = verify("azure", always(404), base_url=f"{AZURE}/openai/v1/")

    assert [request.url for request in requests] == [
        f"{AZURE}/openai/v1/models",
        f"{AZURE}/openai/models?api-version=2024-10-21",
    ]


def test_azure_without_a_base_url_is_a_callers_error() -> None:
    """Azure without a base_url raises an error; the use case refuses such a provider earlier."""
    credential = parse("azure", fake_key("azure"))

    with pytest.raises(ValueError, match="base_url"):
        run_exchange(vendors.vendor("azure"), credential, None, always(200))


AUTH_HEADERS = {
    "anthropic": {"x-api-key", "anthropic-version"},
    "azure": {"api-key"},
    "bedrock": {"authorization", "x-amz-date"},
    "fireworks": {"authorization"},
    "google": {"x-goog-api-key"},
    "groq": {"authorization"},
    "openai": {"authorization"},
}


@pytest.mark.parametrize("vendor", AUTH_HEADERS)
def test_each_vendor_gets_one_credential_in_its_own_header(vendor: str) -> None:
    """Each request has one credential, in the vendor's own header and never in the URL."""
    key = fake_key(vendor)
    _, requests = verify(vendor, always(418), key=key)

    assert [(set(request.headers), key in request.url) for request in requests] == [(AUTH_HEADERS[vendor], False)]


def test_anthropics_oauth_token_is_sent_as_bearer() -> None:
    """An Anthropic OAuth token is sent as a bearer token with the beta header."""
    key = fake_key("anthropic", "valid-oauth")

    _, requests = verify("anthropic", always(418), key=key)

    (request,) = requests
    assert set(request.headers) == {"authorization", "anthropic-beta", "anthropic-version"}
    assert request.headers["anthropic-beta"] == "oauth-2025-04-20"
    assert request.headers["authorization"] == Secret(f"Bearer {key}")


@pytest.mark.parametrize("vendor", sorted(set(vendors.NAMES) - {"azure"}))
def test_each_vendors_own_host_is_among_its_hosts(vendor: str) -> None:
    """The default host of a probe is one of the vendor's own hosts."""
    _, requests = verify(vendor, always(418))

    assert host_matches(host_of(requests[0].url), vendors.vendor(vendor).hosts)


TIDY = [
    ("openai", "https://api.openai.com", "https://api.openai.com/v1"),
    ("openai", "https://api.openai.com/", "https://api.openai.com/v1"),
    ("openai", "https://api.openai.com/v1", "https://api.openai.com/v1"),
    ("openai", "https://api.openai.com/v1/", None),
    ("openai", "https://eu.api.openai.com", "https://eu.api.openai.com/v1"),
    ("openai", "https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
    ("openai", "https://api.openai.com/v2", None),
    ("openai", "https://api.openai.com/v1?key=FAKE", None),
    ("openai", "https://proxy.example", None),
    ("openai", "https://proxy.example/v1/chat/completions", None),
    ("openai", "https://api.openai.com\\@evil.example", None),
    ("openai", "https://api.openai.com/\n", None),
    ("openai", "https://[::1", None),
    ("anthropic", "https://api.anthropic.com", None),
    ("anthropic", "https://api.anthropic.com/v1", None),
    ("anthropic", "https://api.anthropic.com/v1/messages", "https://api.anthropic.com"),
    ("anthropic", "https://api.anthropic.com/v2", None),
    ("google", "https://generativelanguage.googleapis.com/v1beta/openai/", None),
    ("google", "https://generativelanguage.googleapis.com/v1beta", None),
    (
        "google",
        "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        "https://generativelanguage.googleapis.com/v1beta/openai",
    ),
    (
        "google",
        "https://generativelanguage.googleapis.com/v1beta/models/gemini:generateContent",
        "https://generativelanguage.googleapis.com",
    ),
    ("google", "https://generativelanguage.googleapis.com/v1beta/models?key=FAKE", None),
    ("azure", f"{AZURE}/", None),
    ("azure", f"{AZURE}/openai/v1/", None),
    ("azure", f"{AZURE}/openai/deployments/gpt/chat/completions?api-version=2024-10-21", AZURE),
    ("azure", f"{AZURE}/openai/responses?api-version=2025-04-01-preview", AZURE),
    ("azure", f"{AZURE}/openai/v1/chat/completions", AZURE),
    (
        "azure",
        "https://acme.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
        "https://acme.services.ai.azure.com",
    ),
    (
        "azure",
        "https://acme.services.ai.azure.com/anthropic/v1/messages",
        "https://acme.services.ai.azure.com",
    ),
    ("azure", "https://acme.services.ai.azure.com/api/projects/one", "https://acme.services.ai.azure.com"),
    (
        "azure",
        "https://acme.cognitiveservices.azure.us/openai/deployments/gpt/embeddings?api-version=2024-10-21",
        "https://acme.cognitiveservices.azure.us",
    ),
    ("azure", "https://proxy.example/llm/openai/deployments/gpt/chat/completions?api-version=2024-10-21", None),
    ("azure", "https://proxy.example/openai/v1/team-a/openai/deployments/x", None),
    ("azure", "https://proxy.example/openai/v1", None),
    ("azure", "https://proxy.example/models/azure", None),
    ("azure", f"{AZURE}/openai/responses?api-version=1&subscription-key=FAKE", None),
    ("azure", f"{AZURE}/something", None),
    ("groq", "https://api.groq.com", None),
    ("groq", "https://api.groq.com/openai/v1/chat/completions", "https://api.groq.com/openai/v1"),
    ("fireworks", "https://api.fireworks.ai/inference/v1/chat/completions", "https://api.fireworks.ai/inference/v1"),
    ("fireworks", "https://api.fireworks.ai", None),
    ("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1", None),
]


@pytest.mark.parametrize(("vendor", "pasted", "tidy"), TIDY)
def test_a_pasted_endpoint_is_shortened_to_the_base_url(vendor: str, pasted: str, tidy: str | None) -> None:
    """Known endpoint paths at the vendor's own hosts are removed; anything else is kept."""
    expected = pasted if tidy is None else tidy

    once = vendors.vendor(vendor).tidy_base_url(pasted)

    assert (once, vendors.vendor(vendor).tidy_base_url(once)) == (expected, expected)


@pytest.mark.parametrize(("vendor", "tidy"), sorted({(row[0], row[2]) for row in TIDY if row[2]}))
def test_a_tidy_base_url_of_the_vendors_own_leads_to_its_list(vendor: str, tidy: str) -> None:
    """A normalized base_url leads to an existing path of the vendor."""
    _, requests = verify(vendor, always(418), base_url=tidy)

    url = urlsplit(requests[0].url)
    assert routes.route(vendor, url.path.removeprefix("/llm"), url.query) is not None


HOSTS = [
    ("api.openai.com", ("api.openai.com",), True),
    ("API.OpenAI.com.", ("api.openai.com",), True),
    ("xapi.openai.com", ("api.openai.com",), False),
    ("api.openai.com.evil.example", ("api.openai.com",), False),
    ("acme.openai.azure.com", ("*.openai.azure.com",), True),
    ("openai.azure.com", ("*.openai.azure.com",), False),
    ("evilopenai.azure.com", ("*.openai.azure.com",), False),
    ("a.b.openai.azure.com", ("*.openai.azure.com",), False),
    ("bedrock.eu-west-3.amazonaws.com", ("bedrock.*.amazonaws.com",), True),
    ("bedrock.bucket.s3.amazonaws.com", ("bedrock.*.amazonaws.com",), False),
    ("bedrock.amazonaws.com", ("bedrock.*.amazonaws.com",), False),
    ("bedrock.us-east-1.amazonaws.com", ("bedrock.us-*.amazonaws.com",), True),
    ("bedrock.us-1.s3.amazonaws.com", ("bedrock.us-*.amazonaws.com",), False),
    ("", ("api.openai.com",), False),
]


@pytest.mark.parametrize(("host", "patterns", "matches"), HOSTS)
def test_a_pattern_matches_the_vendors_own_hosts_only(host: str, patterns: tuple[str, ...], matches: bool) -> None:
    """Host patterns do not match look-alikes or hosts that anyone can create."""
    assert host_matches(host, patterns) is matches
