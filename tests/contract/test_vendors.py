"""The vendor facts of the clients equal those of the server's vendor modules."""

from __future__ import annotations

import re
from typing import Any

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
