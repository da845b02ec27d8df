"""The vendors: one module each, found by its file. None of them does I/O.

A module in this package that defines `VENDOR` is a vendor. `base` and modules whose names begin with an underscore are
shared helpers.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from functools import cache
from typing import Final

from providers.model.vendor import Credential, Vendor
from providers.vendors.base import credential_format
from providers_contract.secret import Secret
from providers_contract.vendors import owner

NAMES: Final = tuple(
    sorted(
        module.name
        for module in pkgutil.iter_modules(__path__)
        if module.name != "base" and not module.name.startswith("_")
    )
)
"""The vendors' names, without importing them."""


@cache
def vendor(name: str) -> Vendor:
    """Return the vendor called `name`, imported on first use. Raises KeyError for an unknown name.

    Its `parse` also refuses keys of another kind: see `_refuse_another_kind`.
    """
    if name not in NAMES:
        raise KeyError(name)
    found = importlib.import_module(f"{__name__}.{name}").VENDOR
    assert isinstance(found, Vendor)  # noqa: S101 - a broken module is not a vendor

    def parse(secret: Secret, base_url: str | None) -> Credential:
        _refuse_another_kind(found, secret.reveal(), base_url)
        return found.parse(secret, base_url)

    return replace(found, parse=parse)


def _refuse_another_kind(of: Vendor, text: str, base_url: str | None) -> None:
    """Raise Unprocessable (`credential_format`) for another vendor's credential, and for one that cannot call models.

    Only at the vendor's own hosts: at a proxy, keys can have any format.
    """
    if not of.owns(base_url):
        return
    sentence = of.why_useless(text)
    if sentence is not None:
        raise credential_format(f"api_key is {sentence}; nothing was sent")
    other = None if of.issues(text) else owner(text)
    if other is not None and other != of.name:
        raise credential_format(
            f"api_key is a credential of {other}, not of {of.name}: send one of {of.name}, or add a provider of vendor"
            f" {other}; nothing was sent"
        )
