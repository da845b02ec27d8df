"""Which base_url a provider may have, as a table."""

from __future__ import annotations

import pytest

from providers import vendors
from providers.model.errors import Unprocessable
from providers.model.policy import Policy
from providers.usecases.base_url import check_base_url

ALLOWED = [
    ("openai", None),
    ("openai", "https://api.openai.com/v1"),
    ("openai", "https://api.openai.com/v1/"),
    ("openai", "https://eu.api.openai.com:443/v1"),
    ("anthropic", "https://gateway.example.com:8443/anthropic"),
    ("azure", "https://acme.openai.azure.com"),
    ("azure", "https://acme.cognitiveservices.azure.com/openai/v1/"),
    ("azure", "https://acme.services.ai.azure.com"),
]


@pytest.mark.parametrize(("vendor", "base_url"), ALLOWED)
def test_good_base_urls(vendor: str, base_url: str | None) -> None:
    """They are kept as they were written."""
    assert check_base_url(vendors.vendor(vendor), base_url, Policy()) == base_url


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
def test_bad_base_urls(base_url: str) -> None:
    """Each is refused before anything is resolved or dialled."""
    with pytest.raises(Unprocessable) as caught:
        check_base_url(vendors.vendor("openai"), base_url, Policy())
    assert caught.value.code == "base_url_not_allowed"


def test_azure_needs_one() -> None:
    """Azure has no host that serves everybody."""
    with pytest.raises(Unprocessable) as caught:
        check_base_url(vendors.vendor("azure"), None, Policy())
    assert caught.value.code == "base_url_required"


@pytest.mark.parametrize(
    "base_url",
    ["https://proxy.example.com", "https://openai.azure.com.example.com", "https://evilopenai.azure.com"],
)
def test_azure_is_held_to_its_own_hosts_unless_the_operator_lifts_that(base_url: str) -> None:
    """A look-alike host is refused; the stack's parameter allows any public host."""
    with pytest.raises(Unprocessable):
        check_base_url(vendors.vendor("azure"), base_url, Policy())
    assert check_base_url(vendors.vendor("azure"), base_url, Policy(any_base_url=True)) == base_url


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:5056/openai/v1", "http://localhost:80", "https://[::1]:9/x"])
def test_loopback_is_for_the_local_stack_only(base_url: str) -> None:
    """http and loopback pass on one machine and nowhere else; http to other hosts does not pass there either."""
    assert check_base_url(vendors.vendor("openai"), base_url, Policy(local=True)) == base_url
    with pytest.raises(Unprocessable):
        check_base_url(vendors.vendor("openai"), base_url, Policy())
    with pytest.raises(Unprocessable):
        check_base_url(vendors.vendor("openai"), "http://api.openai.com", Policy(local=True))
