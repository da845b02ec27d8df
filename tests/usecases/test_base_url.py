"""The allowed base_urls, as a table."""

from __future__ import annotations

import pytest

from providers import vendors
from providers.bootstrap import Settings
from providers.model.errors import Unprocessable
from providers.model.policy import Policy
from providers.usecases.base_url import check_base_url

ALLOWED = [
    ("openai", None),
    ("openai", "https://api.openai.com/v1"),
    ("openai", "https://api.openai.com/v1/"),
    ("openai", "https://eu.api.openai.com:443/v1"),
    ("anthropic", "https://api.anthropic.com:8443/v1"),
    ("google", "https://generativelanguage.googleapis.com/v1beta/openai/"),
    ("groq", "https://API.groq.com/openai/v1"),
    ("fireworks", "https://api.fireworks.ai/inference/v1"),
    ("bedrock", "https://bedrock.us-east-1.amazonaws.com"),
    ("bedrock", "https://bedrock-fips.us-gov-west-1.amazonaws.com"),
    ("azure", "https://acme.openai.azure.com"),
    ("azure", "https://acme.cognitiveservices.azure.com/openai/v1/"),
    ("azure", "https://acme.openai.azure.us"),
    ("azure", "https://acme.openai.azure.cn"),
    ("bedrock", "https://bedrock-runtime.eusc-de-east-1.amazonaws.eu/openai/v1"),
    ("azure", "https://acme.services.ai.azure.com"),
]


@pytest.mark.parametrize(("vendor", "base_url"), ALLOWED)
def test_allowed_base_urls_are_stored(vendor: str, base_url: str | None) -> None:
    """An allowed base_url is stored as it was written."""
    assert check_base_url(vendors.vendor(vendor), base_url, Policy()) == base_url


PASTED = [
    ("openai", "https://api.openai.com", "https://api.openai.com/v1"),
    ("openai", "\ufeff https://api.openai.com/v1\u200b\n", "https://api.openai.com/v1"),
    ("groq", "https://api.groq.com/openai/v1/chat/completions", "https://api.groq.com/openai/v1"),
    (
        "azure",
        "https://acme.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        "https://acme.openai.azure.com",
    ),
]


@pytest.mark.parametrize(("vendor", "pasted", "stored"), PASTED)
def test_a_pasted_endpoint_is_stored_as_a_base_url(vendor: str, pasted: str, stored: str) -> None:
    """A pasted endpoint is stored without its path and query."""
    assert check_base_url(vendors.vendor(vendor), pasted, Policy()) == stored


@pytest.mark.parametrize("base_url", ["https://acme.openai.azure.com/openai/responses?api-version=1&key=FAKE"])
def test_a_query_that_could_hold_a_key_is_refused(base_url: str) -> None:
    """A query other than the API's version is refused, because it could contain a key."""
    with pytest.raises(Unprocessable) as caught:
        check_base_url(vendors.vendor("azure"), base_url, Policy())
    assert caught.value.code == "base_url_not_allowed"


REFUSED = [
    "http://api.openai.com/v1",
    "ftp://api.openai.com",
    "api.openai.com/v1",
    "https://",
    "https:///v1",
    "https://user@api.openai.com",
    "https://user:password@api.openai.com",
    "https://@api.openai.com",
    "https://api.openai.com:80/v1",
    "https://api.openai.com:22",
    "https://api.openai.com:99999",
    "https://api.openai.com:port",
    "https://api.openai.com/v1?x=1",
    "https://api.openai.com/v1#x",
    "https://api.openai.com/v1?",
    "https://localhost/v1",
    "https://127.0.0.1/v1",
    "https://127.1/v1",
    "https://2130706433/v1",
    "https://0x7f000001/v1",
    "https://10.0.0.1/v1",
    "https://8.8.8.8/v1",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/v1",
    "https://[::ffff:127.0.0.1]/v1",
    "https://[fd00:ec2::254]/v1",
    "https://metadata/v1",
    "https://api.openai.com\\@evil.example.com",
    "https://api.openai.com/\r\nhost: evil",
    "https://api.openai.com/ v1",
    "https://ａpi.openai.com/v1",
    "https://-bad.example.com",
    "https://" + "a" * 64 + ".example.com",
    "https://example.com/" + "a" * 2048,
    "",
]


@pytest.mark.parametrize("base_url", REFUSED)
def test_invalid_base_urls_are_refused(base_url: str) -> None:
    """A forbidden base_url is refused before its name is resolved."""
    with pytest.raises(Unprocessable) as caught:
        check_base_url(vendors.vendor("openai"), base_url, Policy())
    assert caught.value.code == "base_url_not_allowed"


def test_azure_requires_a_base_url() -> None:
    """Azure requires a base_url, because it has no common host."""
    with pytest.raises(Unprocessable) as caught:
        check_base_url(vendors.vendor("azure"), None, Policy())
    assert caught.value.code == "base_url_required"


HOSTS = [(name, host) for name in vendors.NAMES for host in vendors.vendor(name).hosts]
LOOKALIKES = ["{}.evil.example.org", "a.b.c.{}", "{}.", "evil.example.org/{}", "x@{}", "{}x"]


@pytest.mark.parametrize(("vendor", "host"), HOSTS)
def test_every_vendor_accepts_only_its_own_hosts(vendor: str, host: str) -> None:
    """Each vendor's own host is allowed, and look-alike hosts are refused."""
    own = host.replace("*", "x")
    of = vendors.vendor(vendor)
    assert check_base_url(of, f"https://{own}", Policy()) == of.tidy_base_url(f"https://{own}")
    assert of.owns(f"https://{own}/v1")
    lookalikes = [each.format(own) for each in LOOKALIKES]
    for lookalike in (*lookalikes, f"evil{host.removeprefix('*.').replace('*', 'x')}"):
        with pytest.raises(Unprocessable) as caught:
            check_base_url(of, f"https://{lookalike}", Policy())
        assert caught.value.code == "base_url_not_allowed"


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_a_vendor_is_not_called_at_another_vendors_host(vendor: str) -> None:
    """Another vendor's host is refused, because that vendor would receive the key."""
    others = [host.replace("*", "x") for name, host in HOSTS if name != vendor]
    for other in others:
        with pytest.raises(Unprocessable):
            check_base_url(vendors.vendor(vendor), f"https://{other}", Policy())


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_an_operator_allows_other_hosts(vendor: str) -> None:
    """Operators can allow more hosts, with * for one label; all other rules still apply."""
    policy = Policy(allowed_base_url_hosts=("proxy.example.com", "*.gateway.example.com"))
    of = vendors.vendor(vendor)
    for allowed in ("https://proxy.example.com/llm", "https://eu.gateway.example.com:8443"):
        assert check_base_url(of, allowed, policy) == allowed
        assert not of.owns(allowed)
    for refused in (
        "https://example.com",
        "https://gateway.example.com",
        "https://a.b.gateway.example.com",
        "http://proxy.example.com",
        "https://proxy.example.com:22",
    ):
        with pytest.raises(Unprocessable):
            check_base_url(of, refused, policy)


GOOD_PATTERNS = {
    "": (),
    "proxy.example.com": ("proxy.example.com",),
    " Proxy.example.com, *.gateway.example.com,": ("proxy.example.com", "*.gateway.example.com"),
}


@pytest.mark.parametrize("text", GOOD_PATTERNS)
def test_the_operators_hosts_are_read_from_one_variable(text: str) -> None:
    """Allowed hosts are read from a comma-separated variable, which is empty by default."""
    assert settings(ALLOWED_BASE_URL_HOSTS=text).allowed_base_url_hosts == GOOD_PATTERNS[text]


@pytest.mark.parametrize(
    "text", ["*", "*.com", "https://proxy.example.com", "proxy.example.com:443", "proxy.*.com", "a..com", "x y.com"]
)
def test_an_invalid_host_pattern_stops_the_function(text: str) -> None:
    """A pattern that matches everything or a top-level domain is a configuration error."""
    with pytest.raises(ValueError, match="ALLOWED_BASE_URL_HOSTS"):
        settings(ALLOWED_BASE_URL_HOSTS=text)


def settings(**variables: str) -> Settings:
    """Return the settings of a function."""
    return Settings.from_environment(
        {"MAIN_TABLE": "main", "SECRETS_TABLE": "secrets", "KMS_KEY_ID": "key"} | variables
    )


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:5056/openai/v1", "http://localhost:80", "https://[::1]:9/x"])
def test_loopback_is_for_the_local_stack_only(base_url: str) -> None:
    """http to loopback is allowed in the local stack only, and http to other hosts never."""
    assert check_base_url(vendors.vendor("openai"), base_url, Policy(local=True)) == base_url
    with pytest.raises(Unprocessable):
        check_base_url(vendors.vendor("openai"), base_url, Policy())
    with pytest.raises(Unprocessable):
        check_base_url(vendors.vendor("openai"), "http://api.openai.com", Policy(local=True))
