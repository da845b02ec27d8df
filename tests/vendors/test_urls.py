"""Where each vendor is asked, for every way to write its base_url."""

from __future__ import annotations

import pytest

from local.vendors.keys import fake_key
from providers import vendors
from providers.model.vendor import host_matches
from providers.vendors.base import host_of
from tests.vendors.talk import always, ask, converse, parse

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
    ("google", "https://proxy.example", "https://proxy.example/v1/models?pageSize=1"),
    ("google", "https://proxy.example/v1/", "https://proxy.example/v1/models?pageSize=1"),
    ("google", "https://proxy.example/v1beta", "https://proxy.example/v1/models?pageSize=1"),
    ("azure", AZURE, f"{AZURE}/openai/v1/models"),
    ("azure", f"{AZURE}/", f"{AZURE}/openai/v1/models"),
    ("azure", f"{AZURE}/openai", f"{AZURE}/openai/v1/models"),
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
    """With and without slash and version segment, as the vendor's own SDK joins them."""
    _, asked = ask(vendor, always(418), base_url=base_url)

    assert [request.url for request in asked] == [url]


def test_azure_asks_an_older_resource_at_the_dated_path() -> None:
    """A resource that has no v1 path answers 404 there, and is asked once more."""
    _, asked = ask("azure", always(404), base_url=f"{AZURE}/openai/v1/")

    assert [request.url for request in asked] == [
        f"{AZURE}/openai/v1/models",
        f"{AZURE}/openai/models?api-version=2024-10-21",
    ]


def test_azure_without_a_base_url_is_a_mistake_of_the_callers() -> None:
    """There is nobody to ask; the use case refuses such a provider before."""
    credential = parse("azure", fake_key("azure"))

    with pytest.raises(ValueError, match="base_url"):
        converse(vendors.vendor("azure"), credential, None, always(200))


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
    """Google refuses two; a key in a URL ends up in logs."""
    key = fake_key(vendor)
    _, asked = ask(vendor, always(418), key=key)

    assert [(set(request.headers), key in request.url) for request in asked] == [(AUTH_HEADERS[vendor], False)]


@pytest.mark.parametrize("vendor", sorted(set(vendors.NAMES) - {"azure"}))
def test_each_vendors_own_host_is_among_its_hosts(vendor: str) -> None:
    """What the local stack leads to the emulator is what a probe without base_url is sent to."""
    _, asked = ask(vendor, always(418))

    assert host_matches(host_of(asked[0].url), vendors.vendor(vendor).hosts)


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
    ("", ("api.openai.com",), False),
]


@pytest.mark.parametrize(("host", "patterns", "matches"), HOSTS)
def test_a_pattern_stands_for_the_vendors_own_hosts_only(host: str, patterns: tuple[str, ...], matches: bool) -> None:
    """Look-alike hosts, and hosts that anyone can have below the vendor's domain, do not match."""
    assert host_matches(host, patterns) is matches
