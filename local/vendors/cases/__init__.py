"""The responses of each vendor: one module per vendor, named like its module in `providers.vendors`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final

from local.vendors.cases.base import Case
from local.vendors.cases.emulated import Emulated
from providers import vendors

EMULATED: Final[Mapping[str, Emulated]] = {
    name: importlib.import_module(f"{__name__}.{name}").EMULATED for name in vendors.NAMES
}
CASES: Final[Mapping[str, tuple[Case, ...]]] = {name: emulated.cases for name, emulated in EMULATED.items()}
"""Every case, by vendor."""

_BY_SLUG: Final = {vendor: {case.slug: case for case in cases} for vendor, cases in CASES.items()}


def case_named(vendor: str, slug: str) -> Case:
    """Return the case of `vendor` called `slug`. Raises KeyError for an unknown one."""
    return _BY_SLUG[vendor][slug]
