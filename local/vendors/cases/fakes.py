"""Fake keys: each has its vendor's format, contains FAKE and EXAMPLE, and names the case that it plays."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from local.vendors.cases.base import Case

_FILLER: Final = "EXAMPLE"


@dataclass(frozen=True, slots=True)
class FakeKeys:
    """Functions that make and read the fake keys of a vendor.

    Args:
        make: the key for a case and a serial number. Raises ValueError if they do not fit into the vendor's format.
        slug: the slug of the case that a key names, with hyphens or in capitals (`bad-key` or `BadKey`); or None.
        identity: the part by which the emulator tells keys apart.
    """

    make: Callable[[Case, int], str]
    slug: Callable[[str], str | None]
    identity: Callable[[str], str] = lambda key: key


def hyphenated(prefixes: Mapping[str, str]) -> FakeKeys:
    """Return keys such as `sk-proj-FAKE-bad-key-EXAMPLE-0001`. `prefixes` are by form, "" being the usual one."""
    return FakeKeys(
        lambda case, serial: f"{prefixes[case.form]}FAKE-{case.slug}-EXAMPLE-{serial:04}",
        reader(rf"{_any(prefixes)}FAKE-(.+?)-EXAMPLE-\d{{4,}}"),
    )


def alphanumeric(prefixes: Mapping[str, str], length: int) -> FakeKeys:
    """Return keys such as `gsk_FAKEBadKeyEXAMPLEEXAM0001`, of `length` characters after the prefix."""
    return FakeKeys(
        lambda case, serial: prefixes[case.form] + filled(case.slug, f"{serial:04}", length),
        reader(rf"{_any(prefixes)}FAKE([A-Za-z0-9]+?)EXAMPLE[EXAMPL]*\d{{4,}}"),
    )


def filled(slug: str, serial: str, length: int) -> str:
    """Return `FAKE`, the slug in capitals, `EXAMPLE` as often as fits, and `serial`: `length` characters in all.

    Raises ValueError if they do not fit.
    """
    head = f"FAKE{capitals(slug)}"
    filler = length - len(head) - len(serial)
    if filler < len(_FILLER):
        raise ValueError(f"serial or slug too long: {slug}")
    return head + (_FILLER * (filler // len(_FILLER) + 1))[:filler] + serial


def reader(form: str) -> Callable[[str], str | None]:
    """Return a function that reads the slug from the group in `form`."""
    compiled = re.compile(form)

    def read(key: str) -> str | None:
        found = compiled.fullmatch(key)
        return found[1] if found else None

    return read


def capitals(slug: str) -> str:
    """Return `BadKey` for `bad-key`, for keys without hyphens."""
    return "".join(part.capitalize() for part in slug.split("-"))


def _any(prefixes: Mapping[str, str]) -> str:
    return f"(?:{'|'.join(map(re.escape, prefixes.values()))})"
