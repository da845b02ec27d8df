"""Messages that the protocol's library would swallow or quote, found before it sees them."""

from __future__ import annotations

import json
from typing import Final

from mcp_types import INVALID_REQUEST, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

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


def refusal(message: str) -> JSONRPCError:
    """The answer to a message without a usable id."""
    return JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=INVALID_REQUEST, message=message))
