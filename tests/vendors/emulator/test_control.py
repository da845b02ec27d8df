"""The emulator's control endpoints: the list of cases, and how to assign another case to a key."""

from __future__ import annotations

from typing import Final

import httpx2
import pytest

from local.vendors.cases import CASES
from local.vendors.keys import case_of, fake_key
from local.vendors.server import Emulator
from providers import vendors
from tests.vendors.emulator.sending import call, send

MADE_UP: Final = "gsk_made_up_EXAMPLE"


JSON = {"content-type": "application/json"}


def control(emulator: Emulator, **said: object) -> httpx2.Response:
    """Return the response of the control endpoint."""
    return call(f"{emulator.url}/_control", "POST", json=said)


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_a_valid_key_can_be_made_to_fail_and_to_recover(emulator: Emulator, vendor: str) -> None:
    """A working key can be made to fail and to recover, to try out health states."""
    key = fake_key(vendor)
    seen = [send(emulator, vendor).status_code]
    control(emulator, vendor=vendor, key=key, case="teapot")
    seen.append(send(emulator, vendor).status_code)
    control(emulator, vendor=vendor, key=key, case="valid")
    seen.append(send(emulator, vendor).status_code)

    assert seen == [200, 418, 200]


def test_other_keys_are_not_affected(emulator: Emulator) -> None:
    """Assigning a case to one key does not affect other keys."""
    control(emulator, vendor="openai", key=fake_key("openai", serial=1), case="invalid")

    assert send(emulator, "openai", key=fake_key("openai", serial=2)).status_code == 200


def test_an_unknown_key_can_be_made_valid(emulator: Emulator) -> None:
    """Any text can be assigned any case."""
    control(emulator, vendor="groq", key=MADE_UP, case="valid")

    assert send(emulator, "groq", key=MADE_UP).status_code == 200


def test_a_reset_removes_all_scenarios(emulator: Emulator) -> None:
    """After a reset, every key plays its own case again."""
    control(emulator, vendor="openai", key=fake_key("openai"), case="invalid")

    assert call(f"{emulator.url}/_control", "DELETE", json={}).status_code == 204
    assert send(emulator, "openai").status_code == 200


NONSENSE = [
    b"",
    b"{",
    b"[]",
    b"7",
    b"\xff",
    b'{"vendor": "openai"}',
    b'{"vendor": "openai", "key": "k", "case": "nothing"}',
    b'{"vendor": "nobody", "key": "k", "case": "valid"}',
]


@pytest.mark.parametrize("body", NONSENSE)
def test_the_control_endpoint_refuses_unknown_input(emulator: Emulator, body: bytes) -> None:
    """An unknown field or value is an error."""
    assert call(f"{emulator.url}/_control", "POST", content=body, headers=JSON).status_code == 422


def test_the_index_lists_every_case_with_a_key_that_plays_it(emulator: Emulator) -> None:
    """The index lists every case with a key for it."""
    index = call(emulator.url).json()["vendors"]

    listed = {
        (vendor, entry["case"], case_of(vendor, entry["key"]))
        for vendor, listed in index.items()
        for entry in listed["cases"]
    }
    assert listed == {(vendor, case.slug, case) for vendor, cases in CASES.items() for case in cases}


def test_the_index_shows_the_expected_results(emulator: Emulator) -> None:
    """The index shows each case's outcome and reason, as the API returns them."""
    listed = call(emulator.url).json()["vendors"]["google"]["cases"]

    entry = next(each for each in listed if each["case"] == "leaked")
    assert (entry["outcome"], entry["reason"]) == ("invalid", "credential_leaked")


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_the_index_names_a_base_url_that_works(emulator: Emulator, vendor: str) -> None:
    """The index shows a base_url that can be pasted into a provider."""
    base_url = call(emulator.url).json()["vendors"][vendor]["base_url"]

    assert send(emulator, vendor, base=base_url.removeprefix(emulator.url)).status_code == 200
