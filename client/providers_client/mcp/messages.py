"""Messages that the protocol's library would swallow or quote, found before it sees them."""

from __future__ import annotations

import json
import re
from typing import Final

from mcp_types import INVALID_REQUEST, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,36}")
"""As long as a UUID; an id that is longer, and could be a key, is not repeated."""

NOT_A_MESSAGE: Final = "this is not a JSON-RPC 2.0 message"
UNUSABLE_ID: Final = "the id of a JSON-RPC request is a string or an integer"


def fault_of(text: str | bytes) -> str | None:
    """Why `text` is not a message that can be answered or obeyed, or None. Never quotes it.

    The library takes a request whose id it cannot use for a notification, which nobody answers.
    """
    try:
        jsonrpc_message_adapter.validate_json(text, by_name=False)
        message = json.loads(text)
    except (ValidationError, ValueError, RecursionError):
        return NOT_A_MESSAGE
    usable = isinstance(message.get("id", ""), str | int) and not isinstance(message.get("id"), bool)
    return None if usable else UNUSABLE_ID


def refusal(message: str, text: str) -> JSONRPCError:
    """The error for a message that cannot be used, with its id if that can be read, so that no client waits for it."""
    return JSONRPCError(jsonrpc="2.0", id=_id_of(text), error=ErrorData(code=INVALID_REQUEST, message=message))


def _id_of(text: str) -> str | int | None:
    """The id of a JSON object, if it is one that JSON-RPC allows and cannot be a key."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = message.get("id") if isinstance(message, dict) else None
    usable = isinstance(found, int) and not isinstance(found, bool)
    return found if usable or (isinstance(found, str) and _PLAIN_ID.fullmatch(found)) else None
