"""Names of environment variables, and the vendor whose key they say they hold. No I/O."""

from __future__ import annotations

from typing import Final

_VENDOR_WORDS: Final = {
    "AZURE": "azure",  # before OPENAI: AZURE_OPENAI_API_KEY has both
    "BEDROCK": "bedrock",
    "OPENAI": "openai",
    "ANTHROPIC": "anthropic",
    "CLAUDE": "anthropic",
    "GEMINI": "google",
    "GOOGLE": "google",
    "GROQ": "groq",
    "FIREWORKS": "fireworks",
}
KEY_WORDS: Final = {"KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL", "CREDENTIALS", "APIKEY", "PAT"}
FILLER: Final = KEY_WORDS | set(_VENDOR_WORDS) | {"API", "AWS", "ACCESS", "ID", "BEARER", "AI", "SERVICE", "GENAI"}
"""Words that say nothing about which of a vendor's keys it is."""

_NOT_THE_MODELS: Final = {
    "MAPS",
    "PLACES",
    "FIREBASE",
    "YOUTUBE",
    "ANALYTICS",
    "RECAPTCHA",
    "OAUTH",
    "CLIENT",
    "SEARCH",
}
"""Google's other services issue keys of the same form."""


def words(name: str) -> set[str]:
    """The words of a variable's name, in capitals."""
    return set(name.upper().split("_"))


def vendor_named(name: str) -> str | None:
    """The vendor whose word is in a variable's name, or None."""
    found = words(name)
    vendor = next((vendor for word, vendor in _VENDOR_WORDS.items() if word in found), None)
    return None if vendor == "google" and found & _NOT_THE_MODELS else vendor
