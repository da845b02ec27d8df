"""Fake keys contain the name of their case and say that they are fake."""

from __future__ import annotations

import pytest

from local.vendors.cases import CASES, bedrock_keys
from local.vendors.cases.base import Case
from local.vendors.cases.fakes import capitals
from local.vendors.keys import case_of, fake_key, find_case

ALL = [pytest.param(vendor, case, id=f"{vendor}-{case.slug}") for vendor, cases in CASES.items() for case in cases]
SERIALS = [1, 2, 42, 9999]


@pytest.mark.parametrize(("vendor", "case"), ALL)
def test_the_case_can_be_read_from_a_fake_key(vendor: str, case: Case) -> None:
    """The case can be read from a key with any serial."""
    assert {case_of(vendor, fake_key(vendor, case.slug, serial)) for serial in SERIALS} == {case}


@pytest.mark.parametrize("vendor", CASES)
def test_each_case_and_serial_has_a_key_of_its_own(vendor: str) -> None:
    """Two providers can have different keys for the same case."""
    minted = [fake_key(vendor, case.slug, serial) for case in CASES[vendor] for serial in SERIALS]

    assert len(set(minted)) == len(minted)


@pytest.mark.parametrize("vendor", CASES)
def test_a_fake_key_contains_fake(vendor: str) -> None:
    """Every fake key contains FAKE; a short-term Bedrock key contains it in base64."""
    minted = [fake_key(vendor, case.slug) for case in CASES[vendor] if case.form != "short-term"]

    assert [key for key in minted if "FAKE" not in key] == []


@pytest.mark.parametrize("vendor", sorted(set(CASES) - {"bedrock"}))
def test_a_fake_key_ends_in_its_serial(vendor: str) -> None:
    """The serial is visible in the hint."""
    assert fake_key(vendor, "valid", 42).endswith("0042")


@pytest.mark.parametrize("vendor", CASES)
@pytest.mark.parametrize(
    ("slug", "seconds"), [("slow", 30), ("slow-2", 2), ("slow-200ms", 0.2), ("slow-32767ms", 32.767)]
)
def test_a_slow_key_can_contain_its_delay(vendor: str, slug: str, seconds: float) -> None:
    """A slow key can contain its delay, so that short deadlines can be tested quickly."""
    case = case_of(vendor, fake_key(vendor, slug))

    assert case is not None
    assert (case.slug, case.delay_s) == (slug, seconds)


@pytest.mark.parametrize("vendor", CASES)
@pytest.mark.parametrize(
    "key", ["", "hello", "sk-proj-FAKE-nothing-EXAMPLE-0001", "AKIAFAKEFAKEFEXAMPLE::FAKE::us-east-1"]
)
def test_a_key_without_a_case_is_unknown(vendor: str, key: str) -> None:
    """A key without a known case has no case."""
    assert case_of(vendor, key) is None


@pytest.mark.parametrize("vendor", CASES)
def test_an_unknown_case_has_no_key(vendor: str) -> None:
    """Making a key for an unknown case is an error."""
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
def test_a_key_that_does_not_fit_its_form_is_an_error(vendor: str, slug: str, serial: int) -> None:
    """A key whose length would differ from the vendor's is an error."""
    with pytest.raises(ValueError, match=r"serial|digits"):
        fake_key(vendor, slug, serial)


def test_bedrocks_codes_do_not_collide() -> None:
    """Bedrock's nine-character codes are unique, and none looks like a delay."""
    codes = list(bedrock_keys.CODES.values())

    assert len(set(codes)) == len(codes)
    assert [
        code
        for code in codes
        if code.startswith(bedrock_keys.SLOW_CODE) or len(code) != 5 or set(code) - set(bedrock_keys.BASE32)
    ] == []


def test_every_case_of_bedrock_that_is_played_to_access_keys_has_a_code() -> None:
    """Every Bedrock case for access keys has a code, and every code a case."""
    coded = {case.slug for case in CASES["bedrock"] if case.form != "api-key" and case.slug != "slow"}

    assert set(bedrock_keys.CODES) == coded


@pytest.mark.parametrize("vendor", CASES)
def test_a_vendors_slugs_are_unique_in_both_spellings(vendor: str) -> None:
    """Case names stay unique in keys without hyphens: `rate-limited` is `RateLimited`."""
    slugs = [case.slug for case in CASES[vendor]]

    assert len({capitals(slug) for slug in slugs}) == len(slugs)
    assert all(find_case(vendor, capitals(slug)) is find_case(vendor, slug) for slug in slugs)


def test_an_access_key_id_alone_names_its_case() -> None:
    """The access key id identifies the case, because a signed request contains nothing else."""
    assert case_of("bedrock", fake_key("bedrock", "denied").partition("::")[0]) is find_case("bedrock", "denied")
