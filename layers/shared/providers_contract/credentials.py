"""Rules for credentials of every vendor: limits, common mistakes, hints."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from providers_contract.ids import MANAGEMENT_KEY_PREFIX

MAX_CREDENTIAL_CHARS: Final = 8192
"""The maximum for a whole credential; AWS does not limit the size of the session token in one for Bedrock."""

MIN_HIDDEN: Final = 20
"""A hint shows the last four characters only if at least this many others stay hidden (vendors.md, Hints)."""

_UNUSABLE: Final = re.compile(r"[^\x21-\x7e]|[\"'`\\]")
_UNUSABLE_CHARACTER: Final = (
    "api_key contains a character that no credential has (white space, a quote, a control or non-ASCII character);"
    " copy it again from the vendor's console"
)


def credential_problem(text: str) -> str | None:
    """Return why `text` cannot be a credential of any vendor, without quoting it; None if it can be.

    Empty or too long text, management keys of this API, and white space, quotes, control and non-ASCII characters are
    refused. No vendor issues such a credential, and an HTTP client would quote it in its error.
    """
    if not text:
        return "api_key is empty"
    if MANAGEMENT_KEY_PREFIX in text.lower():
        return (
            "api_key is a management key of this API, not a vendor's credential; it was not sent. If others could see "
            "it, revoke it: `providers keys revoke`"
        )
    if len(text) > MAX_CREDENTIAL_CHARS:
        return f"api_key is longer than {MAX_CREDENTIAL_CHARS} characters"
    if _UNUSABLE.search(text):
        return _known_mistake(text) or _UNUSABLE_CHARACTER
    return None


def make_hint(text: str, prefixes: tuple[str, ...]) -> str:
    """Return the first of `prefixes` that `text` has, `…` and the last four characters, if `MIN_HIDDEN` stay hidden.

    A prefix is one that the vendor gives to all such keys (`sk-proj-`), not a part of this key.
    """
    prefix = next((each for each in prefixes if text.startswith(each)), "")
    return f"{prefix}…{text[-4:]}" if len(text) - len(prefix) - 4 >= MIN_HIDDEN else f"{prefix}…"


def _known_mistake(text: str) -> str | None:
    """Return which mistake `text` is, and what to send instead; None if it is not a known mistake."""
    if text.startswith("-----BEGIN "):
        return "api_key is a key or certificate in PEM form, which no vendor here accepts; send an API key"
    if re.match(r"(?i:bearer|authorization:|x-api-key:|api-key:)\s", text):
        return "api_key is a whole HTTP header; send only the credential in it"
    members = _json_members(text)
    if members is None:
        return None
    if members.get("type") == "service_account":
        return (
            "api_key is the JSON key file of a Google service account, which the Gemini API does not accept;"
            " create an API key in Google AI Studio"
        )
    nested = members.get("Credentials")
    if {"AccessKeyId", "SecretAccessKey"} <= (members.keys() | (nested.keys() if isinstance(nested, dict) else set())):
        return (
            "api_key is AWS credentials as JSON; write them as ACCESS_KEY_ID::SECRET_ACCESS_KEY::REGION, followed by"
            " ::SESSION_TOKEN if they are temporary"
        )
    return "api_key is a JSON document; send only the credential in it"


def _json_members(text: str) -> dict[str, Any] | None:
    """Return the members of `text` as a JSON object, or None. The parser's exception is dropped: it quotes `text`."""
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
