"""The vendor facts of the clients equal those of the server's vendor modules."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest

from local.vendors.cases import CASES
from local.vendors.keys import fake_key
from providers import vendors
from providers_contract import vendors as known
from providers_contract.vendor import VendorFacts
from tests.kit import vendors_json
from tests.vendors.exchanges import BASE_URLS, parse


def test_the_file_is_current() -> None:
    """`vendors.json` is up to date with the vendor modules."""
    assert vendors_json.PATH.read_text(encoding="utf-8") == vendors_json.written(), f"run {vendors_json.COMMAND}"


@pytest.mark.parametrize("name", vendors.NAMES)
def test_the_file_has_every_field_of_a_vendor(name: str) -> None:
    """No field is lost in the file."""
    server, client = vendors.vendor(name), known.facts(name)
    for member in VendorFacts.__dataclass_fields__:
        assert getattr(client, member) == getattr(server, member), member


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_clients_and_server_make_the_same_hint(vendor: str) -> None:
    """Client and server make the same hint, by which `providers import` finds existing providers.

    Of a short-term key of Bedrock, a client does not show the access key id that is encoded in it.
    """
    for case in CASES[vendor]:
        key = fake_key(vendor, case.slug)
        hint = parse(vendor, key, BASE_URLS.get(vendor)).hint
        assert known.facts(vendor).hint(key) == (re.sub("….*", "…", hint) if case.form == "short-term" else hint)


REGIONS = ("us-east-1", "eu-west-3", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1", "us-isob-east-1")


@pytest.mark.parametrize("region", REGIONS)
def test_a_regional_address_is_botocores(region: str) -> None:
    """Bedrock's address in a region is the one that AWS's SDK uses, in every partition."""
    session: Any = botocore.session.Session()
    client = session.create_client("bedrock-runtime", region, aws_access_key_id="fake", aws_secret_access_key="fake")

    assert known.facts("bedrock").regional_base_url(region) == client.meta.endpoint_url


def test_a_regional_address_is_a_known_one() -> None:
    """An unknown region, and a vendor without regions, have no address."""
    assert known.facts("bedrock").regional_base_url("nowhere-1") is None
    assert known.facts("openai").regional_base_url("us-east-1") is None


COMMON: list[Any] = [
    ("0123456789abcdef0123456789abcdef", False),
    (fake_key("azure"), True),
    (fake_key("openai"), True),
    ("sk-FAKEEXAMPLEFAKEEXAMPLE0001", True),
    ("api.openai.com", False),
]


@pytest.mark.parametrize(("text", "expected"), COMMON)
def test_32_hex_digits_alone_are_not_recognized(text: str, expected: bool) -> None:
    """32 hex digits alone are too common to be recognized as a credential."""
    assert known.is_credential(text) is expected


def test_a_variables_name_identifies_at_most_one_vendor() -> None:
    """The name of an environment variable identifies at most one vendor."""
    words = [word for name in known.NAMES for word in known.facts(name).variables.words]
    assert len(set(words)) == len(words)


BASE_URLS_OF_SDKS = [
    ("openai", None, None, "https://api.openai.com/v1"),
    ("openai", "https://eu.api.openai.com", "https://eu.api.openai.com/v1", "https://eu.api.openai.com/v1"),
    ("openai", "https://p.example/a/v1/", "https://p.example/a/v1", "https://p.example/a/v1"),
    ("anthropic", "https://p.example/v1", "https://p.example", None),
    ("google", "https://p.example/v1beta", "https://p.example", "https://p.example/v1beta/openai"),
    ("groq", "https://api.groq.com/openai/v1", "https://api.groq.com", "https://api.groq.com/openai/v1"),
    ("fireworks", "https://p.example/inference/v1", "https://p.example/inference", "https://p.example/inference/v1"),
    ("azure", "https://a.openai.azure.com", "https://a.openai.azure.com", "https://a.openai.azure.com/openai/v1"),
    ("azure", "https://p.example/openai", "https://p.example", "https://p.example/openai/v1"),
    ("bedrock", "https://bedrock.eu-west-1.amazonaws.com", "https://bedrock-runtime.eu-west-1.amazonaws.com", None),
    (
        "bedrock",
        "https://bedrock-fips.us-west-2.amazonaws.com",
        "https://bedrock-runtime-fips.us-west-2.amazonaws.com",
        None,
    ),
    ("bedrock", "https://bedrock-runtime.eu-west-1.api.aws", "https://bedrock-runtime.eu-west-1.api.aws", None),
    ("bedrock", "https://vpce-1.bedrock.us-east-1.vpce.amazonaws.com", None, None),
    ("bedrock", "https://p.example", "https://p.example", None),
]


@pytest.mark.parametrize(("vendor", "base_url", "own", "openai"), BASE_URLS_OF_SDKS)
def test_sdks_get_the_base_url_that_they_expect(
    vendor: str, base_url: str | None, own: str | None, openai: str | None
) -> None:
    """A base_url, with or without its path, becomes what the vendor's own SDK and OpenAI's SDK expect."""
    facts = known.facts(vendor)

    assert facts.sdk_base_url(base_url) == own
    if openai is not None:
        assert facts.openai_base_url(base_url) == openai


def test_openais_sdk_needs_openais_interface() -> None:
    """A vendor without OpenAI's interface is refused."""
    with pytest.raises(ValueError, match="anthropic has no interface for OpenAI's SDK"):
        known.facts("anthropic").openai_base_url(None)


BEDROCK_UNSET = {
    "AWS_BEARER_TOKEN_BEDROCK": None,
    "ANTHROPIC_BEDROCK_BASE_URL": None,
    "AWS_BEDROCK_BASE_URL": None,
    "AWS_BEDROCK_RUNTIME_ENDPOINT": None,
    "BEDROCK_API_BASE": None,
}
EXPORTED = [
    ("groq", "gsk_x", None, {"GROQ_API_KEY": "gsk_x", "GROQ_BASE_URL": None, "GROQ_API_BASE": None}),
    (
        "anthropic",
        "sk-ant-oat01-x",
        None,
        {
            "ANTHROPIC_API_KEY": None,
            "ANTHROPIC_AUTH_TOKEN": "sk-ant-oat01-x",
            "ANTHROPIC_BASE_URL": None,
            "ANTHROPIC_API_BASE": None,
            "CLAUDE_API_BASE": None,
        },
    ),
    (
        "bedrock",
        "ABSKx::eu-west-1",
        None,
        BEDROCK_UNSET
        | {
            "AWS_BEARER_TOKEN_BEDROCK": "ABSKx",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL_BEDROCK": "https://bedrock.eu-west-1.amazonaws.com",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://bedrock-runtime.eu-west-1.amazonaws.com",
        },
    ),
    (
        "bedrock",
        "ABSKx",
        "https://vpce-1.bedrock.us-east-1.vpce.amazonaws.com",
        BEDROCK_UNSET
        | {
            "AWS_BEARER_TOKEN_BEDROCK": "ABSKx",
            "AWS_ENDPOINT_URL_BEDROCK": "https://bedrock.us-east-1.amazonaws.com",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://bedrock-runtime.us-east-1.amazonaws.com",
        },
    ),
    (
        "bedrock",
        "ABSKx",
        "https://p.example",
        BEDROCK_UNSET
        | {
            "AWS_BEARER_TOKEN_BEDROCK": "ABSKx",
            "AWS_ENDPOINT_URL_BEDROCK": "https://p.example",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://p.example",
        },
    ),
]


@pytest.mark.parametrize(("vendor", "key", "base_url", "variables"), EXPORTED)
def test_a_credential_becomes_the_variables_of_its_vendor(
    vendor: str, key: str, base_url: str | None, variables: dict[str, str | None]
) -> None:
    """Each form of a credential sets the variables that the vendor's SDK reads, and unsets others."""
    assert known.facts(vendor).exported(key, base_url) == variables


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "us-isob-east-1"])
def test_a_bedrock_key_gets_the_host_that_botocore_knows(region: str) -> None:
    """The addresses for a region are botocore's own in every partition."""
    from botocore.session import get_session

    found = known.facts("bedrock").exported(f"ABSKx::{region}", None)

    for service, name in (("bedrock", "BEDROCK"), ("bedrock-runtime", "BEDROCK_RUNTIME")):
        client = get_session().create_client(
            service, region_name=region, aws_access_key_id="x", aws_secret_access_key="x"
        )
        assert found[f"AWS_ENDPOINT_URL_{name}"] == client.meta.endpoint_url
