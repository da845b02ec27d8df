"""The fake keys of every vendor, and the cases that they name."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from local.vendors.cases import CASES, EMULATED
from local.vendors.cases.base import Case
from local.vendors.cases.fakes import capitals
from local.vendors.cases.misbehaviour import slow

_SLOW: Final = re.compile(r"slow-(\d{1,5})(ms)?|Slow(\d{1,5})(Ms|ms)?")
_NAMES: Final = {
    vendor: {name: case for case in cases for name in (case.slug, capitals(case.slug))}
    for vendor, cases in CASES.items()
}


def fake_key(vendor: str, slug: str = "valid", serial: int = 1) -> str:
    """Return a key for which the emulator plays `slug`; another `serial` makes another key for the same case.

    The slugs are those of `CASES`, `slow-<seconds>` and `slow-<milliseconds>ms`. Raises KeyError for an unknown vendor
    or slug, ValueError for a serial or a delay that does not fit into the vendor's format.
    """
    case = find_case(vendor, slug)
    if case is None:
        raise KeyError(slug)
    return EMULATED[vendor].keys.make(case, serial)


@lru_cache(maxsize=65_536)
def case_of(vendor: str, key: str) -> Case | None:
    """Return the case that `key` names, or None if it is not a fake key. For bedrock, the access key id suffices."""
    slug = EMULATED[vendor].keys.slug(key)
    return None if slug is None else find_case(vendor, slug)


def find_case(vendor: str, name: str) -> Case | None:
    """Return the case called `name`, with hyphens or in capitals; `slow-2` and `slow-200ms` are made on demand.

    None for an unknown one; KeyError for an unknown vendor.
    """
    found = _NAMES[vendor].get(name)
    if found is None and (timed := _SLOW.fullmatch(name)):
        number, unit = (timed[1], timed[2]) if timed[1] else (timed[3], timed[4])
        found = slow(_NAMES[vendor]["valid"], int(number) / (1000 if unit else 1))
    return found


def identity(vendor: str, key: str) -> str:
    """Return the part by which the emulator tells keys apart: the access key id of AWS credentials, else the key."""
    return EMULATED[vendor].keys.identity(key)
