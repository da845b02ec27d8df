"""The vendors: one module each, found by discovery. None of them does I/O.

A module in this package that defines `VENDOR` is a vendor; adding one is adding a file. Modules whose names begin with
an underscore, and `base`, are what vendors stand on.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Final

from providers.model.vendor import Vendor
from providers.vendors.base import MANAGEMENT_KEY

NAMES: Final = tuple(
    sorted(
        module.name
        for module in pkgutil.iter_modules(__path__)
        if module.name != "base" and not module.name.startswith("_")
    )
)
"""The vendors' names, without importing them."""


_SHORTEST: Final = 20
"""Characters of the shortest credential that a vendor issues (fireworks' fpk_ keys)."""


@cache
def vendor(name: str) -> Vendor:
    """The vendor called `name`, imported when it is first asked for. Raises KeyError for an unknown name."""
    if name not in NAMES:
        raise KeyError(name)
    found = importlib.import_module(f"{__name__}.{name}").VENDOR
    assert isinstance(found, Vendor)  # noqa: S101 - a broken module must not pass for a vendor
    return found


def names_a_credential(text: str) -> bool:
    """Whether a word of `text` has the form of a management key, or of a credential that some vendor issues."""
    words = [word for word in text.split() if len(word) >= _SHORTEST]  # few names need the vendors imported
    return MANAGEMENT_KEY in text.lower() or any(recognize(word) is not None for word in words)


def recognize(text: str) -> str | None:
    """The name of the vendor that issues credentials of the form of `text`, or None where none is known to."""
    for name in NAMES:
        if any(form.fullmatch(text) for form in vendor(name).forms):
            return name
    return None
