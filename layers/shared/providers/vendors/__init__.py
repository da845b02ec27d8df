"""The vendors: one module each, found by discovery. None of them does I/O.

A module in this package that defines `VENDOR` is a vendor; adding one is adding a file. Modules whose names begin with
an underscore, and `base`, are what vendors stand on.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import unicodedata
from dataclasses import replace
from functools import cache
from typing import Final

from providers.model.vendor import Credential, Vendor
from providers.vendors.base import MANAGEMENT_KEY, credential_format
from providers_contract.secret import Secret

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
    """The vendor called `name`, imported when it is first asked for. Raises KeyError for an unknown name.

    Its `parse` also refuses what is visibly something else: see `_refuse_another_kind`.
    """
    if name not in NAMES:
        raise KeyError(name)
    found = importlib.import_module(f"{__name__}.{name}").VENDOR
    assert isinstance(found, Vendor)  # noqa: S101 - a broken module must not pass for a vendor

    def parse(secret: Secret, base_url: str | None) -> Credential:
        _refuse_another_kind(found, secret.reveal(), base_url)
        return found.parse(secret, base_url)

    return replace(found, parse=parse)


def names_a_credential(text: str) -> bool:
    """Whether `text` holds what has the form of a management key, or of a credential that some vendor issues.

    In full-width letters or behind `OPENAI_API_KEY=` it is one as well; within a longer word it is none.
    """
    text = unicodedata.normalize("NFKC", text)
    if MANAGEMENT_KEY in text.lower():
        return True
    if all(len(word) < _SHORTEST for word in text.split()):
        return False  # as most names, which need no vendor imported
    forms = [form.pattern for name in NAMES for form in vendor(name).forms]
    return any(re.search(rf"(?<![A-Za-z0-9])(?:{form})(?![A-Za-z0-9])", text) for form in forms)


def recognize(text: str) -> str | None:
    """The name of the vendor that issues credentials of the form of `text`, or None where none is known to."""
    return next((name for name in NAMES if _has_form(text, vendor(name).forms)), None)


def owner(text: str) -> str | None:
    """The name of the only vendor that issues credentials of the form of `text`, or None where others may, too."""
    return next((name for name in NAMES if _has_form(text, vendor(name).own_forms)), None)


def _refuse_another_kind(of: Vendor, text: str, base_url: str | None) -> None:
    """Raise Unprocessable (`credential_format`) for another vendor's credential, and for what serves no model.

    Only at the vendor's own hosts: at a proxy, a key has whatever form its operator likes.
    """
    if not of.owns(base_url):
        return
    for form, sentence in of.useless:
        if form.fullmatch(text):
            raise credential_format(f"api_key is {sentence}; nothing was sent")
    other = None if _has_form(text, of.forms) else owner(text)
    if other is not None and other != of.name:
        raise credential_format(
            f"api_key is a credential of {other}, not of {of.name}: send one of {of.name}, or add a provider of vendor"
            f" {other}; nothing was sent"
        )


def _has_form(text: str, forms: tuple[re.Pattern[str], ...]) -> bool:
    return any(form.fullmatch(text) for form in forms)
