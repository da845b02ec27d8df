"""Names of environment variables, and the vendor that a variable's name suggests. No I/O."""

from __future__ import annotations

from functools import cache
from typing import Final

from providers_contract import vendors

URL_VARIABLE: Final = "PROVIDERS_API_URL"
KEY_VARIABLE: Final = "PROVIDERS_API_KEY"
KEY_WORDS: Final = {"KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL", "CREDENTIALS", "APIKEY", "PAT"}
_FILLER: Final = KEY_WORDS | {"API", "AWS", "ACCESS", "ID", "BEARER", "AI", "SERVICE", "GENAI"}


def words(name: str) -> set[str]:
    """Return the words of a variable's name, in capitals."""
    return set(name.upper().split("_"))


def vendor_named(name: str) -> str | None:
    """Return the vendor that a variable's name suggests; None if it suggests none, or several."""
    found = words(name)
    named = [vendor for vendor in vendors.NAMES if vendors.facts(vendor).variables.named(found)]
    return named[0] if len(named) == 1 else None


@cache
def filler() -> frozenset[str]:
    """Return the words that do not distinguish one key of a vendor from another."""
    return frozenset(_FILLER).union(*(vendors.facts(name).variables.words for name in vendors.NAMES))
