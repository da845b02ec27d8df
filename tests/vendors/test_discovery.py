"""Finding vendors, and recognizing them by their keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.vendors.cases import CASES
from local.vendors.keys import fake_key
from providers import vendors
from providers.model.errors import Unprocessable
from providers.model.vendor import Vendor
from providers_contract import vendors as known
from providers_contract.secret import Secret
from tests.vendors.exchanges import BASE_URLS, parse

FOLDER = Path(vendors.__file__).parent
ALL = {path.stem for path in FOLDER.glob("*.py") if "\nVENDOR = Vendor(" in path.read_text()}


def test_only_vendor_modules_are_found() -> None:
    """Every vendor module is found, and helper modules are not vendors."""
    assert set(vendors.NAMES) == ALL
    assert set(vendors.NAMES) >= {"anthropic", "azure", "bedrock", "fireworks", "google", "groq", "openai"}


@pytest.mark.parametrize("name", vendors.NAMES)
def test_each_module_defines_the_vendor_of_its_name(name: str) -> None:
    """A vendor's name in the API is its module's name."""
    found = vendors.vendor(name)

    assert (type(found), found.name) == (Vendor, name)


@pytest.mark.parametrize("name", ["base", "_partitions", "_bedrock_keys", "../model", "", "OpenAI"])
def test_an_unknown_name_raises_key_error(name: str) -> None:
    """A name from a request is imported only if it is a known vendor."""
    with pytest.raises(KeyError):
        vendors.vendor(name)


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_keys_in_a_vendors_formats_are_recognized(vendor: str) -> None:
    """A vendor is recognized by the form of its keys."""
    keys = [fake_key(vendor, case.slug) for case in CASES[vendor]]

    assert {known.recognize(key) for key in keys} == {vendor}


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_keys_in_a_vendors_formats_are_familiar_to_it(vendor: str) -> None:
    """A key with a known form gets no warning."""
    keys = [fake_key(vendor, case.slug) for case in CASES[vendor]]

    assert [key for key in keys if not parse(vendor, key, BASE_URLS.get(vendor)).familiar] == []


@pytest.mark.parametrize(
    ("text", "vendor"),
    [
        ("sk-svcacct-FAKE-EXAMPLE-KEY-0001", "openai"),
        ("sk-FAKEEXAMPLEFAKEEXAMPLE0001", "openai"),
        ("sk-ant-admin01-FAKE-EXAMPLE-KEY-0001", "anthropic"),
        ("sk-ant-FAKE", None),
        ("0123456789abcdef0123456789abcdef", "azure"),
        ("0123456789ABCDEF0123456789ABCDEF", None),
        ("ABSK" + "FAKE" * 30, "bedrock"),
        ("AKIAFAKEFAKEFAKEFAKE", None),
        ("fpk_FAKE_EXAMPLE-KEY-0001", "fireworks"),
        ("gsk_FAKE", None),
        ("hello", None),
        ("", None),
        ("x sk-proj-FAKE-EXAMPLE-KEY-0001", None),
    ],
)
def test_forms_match_the_whole_text(text: str, vendor: str | None) -> None:
    """A key within other text, or with a similar form, is not recognized."""
    assert known.recognize(text) == vendor


OWN = [
    ("openai", "sk-proj-FAKE-EXAMPLE-FAKE-EXAMPLE-0001"),
    ("openai", "sk-svcacct-FAKE-EXAMPLE-FAKE-EXAMPLE-0001"),
    ("anthropic", "sk-ant-api03-FAKE-EXAMPLE-FAKE-EXAMPLE-0001"),
    ("anthropic", "sk-ant-oat01-FAKE-EXAMPLE-FAKE-EXAMPLE-0001"),
    ("bedrock", "AKIAFAKEFAKEFEXAMPLE"),
    *((vendor, fake_key(vendor)) for vendor in sorted(ALL)),
]


@pytest.mark.parametrize(("vendor", "text"), OWN)
def test_another_vendors_key_is_not_sent_to_a_vendors_own_host(vendor: str, text: str) -> None:
    """A key that clearly belongs to another vendor is refused, so that it is not leaked."""
    assert known.owner(text) == vendor
    for other in ALL - {vendor}:
        with pytest.raises(Unprocessable) as caught:
            parse(other, text, BASE_URLS.get(other))
        assert (caught.value.code, f"of {vendor}" in caught.value.message) == ("credential_format", True)
        assert text not in str(caught.value)


@pytest.mark.parametrize("vendor", sorted(ALL - {"bedrock"}))
def test_a_proxy_can_issue_keys_of_any_form(vendor: str) -> None:
    """A gateway can use keys of any form."""
    for text in ("sk-admin-FAKE-EXAMPLE", fake_key("anthropic"), fake_key("openai"), "0123456789"):
        assert parse(vendor, text, "https://proxy.example/llm").secret == Secret(text)


@pytest.mark.parametrize("base_url", ["https://[::1", "https://", "acme", ""])
def test_a_malformed_url_is_no_vendors_own_host(base_url: str) -> None:
    """A malformed base_url is no vendor's own host, because it is parsed before it is validated."""
    assert not vendors.vendor("openai").owns(base_url)
    assert parse("bedrock", fake_key("bedrock"), base_url).familiar


@pytest.mark.parametrize(
    "text", ["sk-FAKE-EXAMPLE-FAKE-EXAMPLE-0001", "0123456789abcdef0123456789abcdef", "FAKE-EXAMPLE", "gsk_FAKE"]
)
def test_a_shared_form_has_no_owner(text: str) -> None:
    """Common forms, such as `sk-…` or 32 hex digits, identify no vendor."""
    assert known.owner(text) is None


USELESS = [
    ("openai", "sk-admin-FAKE-EXAMPLE-FAKE-EXAMPLE-0001", "sk-proj-…"),
    ("openai", "org-FAKEEXAMPLEFAKEEXAMPLE", "API key"),
    ("openai", "proj_FAKEEXAMPLEFAKEEXAMPLE", "API key"),
    ("anthropic", "sk-ant-admin01-FAKE-EXAMPLE-FAKE-EXAMPLE-0001", "sk-ant-api03-…"),
    ("anthropic", "sk-ant-ort01-FAKE-EXAMPLE-FAKE-EXAMPLE-0001", "sk-ant-api03-…"),
    ("anthropic", "sk-ant-sid01-FAKE-EXAMPLE-FAKE-EXAMPLE-0001", "sk-ant-api03-…"),
    ("google", "596620849393", "Google AI Studio"),
    ("google", "GOCSPX-FAKE-EXAMPLE", "Google AI Studio"),
    ("google", "0000-fake.apps.googleusercontent.com", "Google AI Studio"),
    ("google", "ya29.FAKE-EXAMPLE", "Google AI Studio"),
    ("azure", "00000000-0000-0000-0000-000000000000", "KEY 1"),
    ("bedrock", "arn:aws:iam::000000000000:user/fake", "ACCESS_KEY_ID"),
]


@pytest.mark.parametrize(("vendor", "text", "says"), USELESS)
def test_useless_keys_are_refused_with_advice(vendor: str, text: str, says: str) -> None:
    """Keys and ids that cannot call models are refused with what to send instead."""
    with pytest.raises(Unprocessable) as caught:
        parse(vendor, text, BASE_URLS.get(vendor))

    assert (caught.value.code, says in caught.value.message) == ("credential_format", True)
    assert text not in str(caught.value)


@pytest.mark.parametrize("vendor", sorted(ALL - {"bedrock"}))
def test_an_unfamiliar_key_is_still_verified(vendor: str) -> None:
    """A key with an unknown form is not refused, because vendors add forms without notice."""
    assert not parse(vendor, "FAKE-KEY-OF-A-FORM-FROM-NEXT-YEAR").familiar
