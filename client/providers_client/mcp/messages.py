"""Finds messages that the protocol's library would drop or quote, before it sees them."""

from __future__ import annotations

import json
import re
from typing import Final

from mcp_types import INVALID_REQUEST, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,36}")
"""As long as a UUID; a longer id could be a key, and is not repeated."""

NOT_A_MESSAGE: Final = "this is not a JSON-RPC 2.0 message"
UNUSABLE_ID: Final = "the id of a JSON-RPC request is a string or an integer"


def problem_with(text: str | bytes) -> str | None:
    """Return why `text` is not a valid message, or None. Never quotes it.

    The library treats a request with an invalid id as a notification, and never responds to it.
    """
    try:
        jsonrpc_message_adapter.validate_json(text, by_name=False)
        message = json.loads(text)
    except (ValidationError, ValueError, RecursionError):
        return NOT_A_MESSAGE
    usable = isinstance(message.get("id", ""), str | int) and not isinstance(message.get("id"), bool)
    return None if usable else UNUSABLE_ID


def refusal(message: str, text: str) -> JSONRPCError:
    """Return the error for an invalid message, with its id if that is readable, so that no client waits for it."""
    return JSONRPCError(jsonrpc="2.0", id=_id_of(text), error=ErrorData(code=INVALID_REQUEST, message=message))


def _id_of(text: str) -> str | int | None:
    """Return the id of a JSON object, if JSON-RPC allows it and it cannot be a key."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = message.get("id") if isinstance(message, dict) else None
    usable = isinstance(found, int) and not isinstance(found, bool)
    return found if usable or (isinstance(found, str) and _PLAIN_ID.fullmatch(found)) else None
