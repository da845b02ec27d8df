"""Fake keys name the case that they play, and say that they are fake."""

from __future__ import annotations

import pytest

from local.vendors.cases import CASES, bedrock_keys
from local.vendors.cases.base import Case
from local.vendors.cases.fakes import capitals
from local.vendors.keys import case_of, fake_key, find_case

ALL = [pytest.param(vendor, case, id=f"{vendor}-{case.slug}") for vendor, cases in CASES.items() for case in cases]
SERIALS = [1, 2, 42, 9999]


@pytest.mark.parametrize(("vendor", "case"), ALL)
def test_the_case_of_a_fake_key_can_be_read_back(vendor: str, case: Case) -> None:
    """Whatever the serial, the key names its case."""
    assert {case_of(vendor, fake_key(vendor, case.slug, serial)) for serial in SERIALS} == {case}


@pytest.mark.parametrize("vendor", CASES)
def test_each_case_and_serial_has_a_key_of_its_own(vendor: str) -> None:
    """Two providers can have two keys for one case."""
    minted = [fake_key(vendor, case.slug, serial) for case in CASES[vendor] for serial in SERIALS]

    assert len(set(minted)) == len(minted)


@pytest.mark.parametrize("vendor", CASES)
def test_a_fake_key_says_so(vendor: str) -> None:
    """Nobody takes it for a live one; a short-term key of Bedrock's says it in base64."""
    minted = [fake_key(vendor, case.slug) for case in CASES[vendor] if case.form != "short-term"]

    assert [key for key in minted if "FAKE" not in key] == []


@pytest.mark.parametrize("vendor", sorted(set(CASES) - {"bedrock"}))
def test_a_fake_key_ends_in_its_serial(vendor: str) -> None:
    """The hint shows which of several it is."""
    assert fake_key(vendor, "valid", 42).endswith("0042")


@pytest.mark.parametrize("vendor", CASES)
@pytest.mark.parametrize(
    ("slug", "seconds"), [("slow", 30), ("slow-2", 2), ("slow-200ms", 0.2), ("slow-32767ms", 32.767)]
)
def test_a_slow_key_can_say_how_slow(vendor: str, slug: str, seconds: float) -> None:
    """So that one can see a deadline pass without waiting for it."""
    case = case_of(vendor, fake_key(vendor, slug))

    assert case is not None
    assert (case.slug, case.delay_s) == (slug, seconds)


@pytest.mark.parametrize("vendor", CASES)
@pytest.mark.parametrize(
    "key", ["", "hello", "sk-proj-FAKE-nothing-EXAMPLE-0001", "AKIAFAKEFAKEFEXAMPLE::FAKE::us-east-1"]
)
def test_a_key_that_names_no_case_is_nobodys(vendor: str, key: str) -> None:
    """It is refused by the emulator, as a made-up key should be."""
    assert case_of(vendor, key) is None


@pytest.mark.parametrize("vendor", CASES)
def test_an_unknown_case_has_no_key(vendor: str) -> None:
    """A typing error in a test is noticed."""
    with pytest.raises(KeyError):
        fake_key(vendor, "nothing")


@pytest.mark.parametrize(
    ("vendor", "slug", "serial"),
    [
        ("bedrock", "valid", 32**4),
        ("bedrock", "slow-60", 1),
        ("google", "two-credentials", 10**30),
        ("groq", "valid", 10**40),
    ],
)
def test_what_does_not_fit_into_a_form_is_an_error(vendor: str, slug: str, serial: int) -> None:
    """A key of another length would not be what the vendor issues."""
    with pytest.raises(ValueError, match=r"serial|digits"):
        fake_key(vendor, slug, serial)


def test_bedrocks_codes_do_not_collide() -> None:
    """Nine characters name case and serial; no two cases share a code, and none looks like a delay."""
    codes = list(bedrock_keys.CODES.values())

    assert len(set(codes)) == len(codes)
    assert [
        code
        for code in codes
        if code.startswith(bedrock_keys.SLOW_CODE) or len(code) != 5 or set(code) - set(bedrock_keys.BASE32)
    ] == []


def test_every_case_of_bedrock_that_is_played_to_access_keys_has_a_code() -> None:
    """And no code is for a case that is gone."""
    coded = {case.slug for case in CASES["bedrock"] if case.form != "api-key" and case.slug != "slow"}

    assert set(bedrock_keys.CODES) == coded


@pytest.mark.parametrize("vendor", CASES)
def test_a_vendors_slugs_are_told_apart_in_both_spellings(vendor: str) -> None:
    """`rate-limited` is `RateLimited` in a key without hyphens."""
    slugs = [case.slug for case in CASES[vendor]]

    assert len({capitals(slug) for slug in slugs}) == len(slugs)
    assert all(find_case(vendor, capitals(slug)) is find_case(vendor, slug) for slug in slugs)


def test_an_access_key_id_alone_names_its_case() -> None:
    """It is all that a signed request shows."""
    assert case_of("bedrock", fake_key("bedrock", "denied").partition("::")[0]) is find_case("bedrock", "denied")
