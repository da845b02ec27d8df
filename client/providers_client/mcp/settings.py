"""Settings of the MCP server: the timeout, the retries, and the word that adds tools. Importing it needs no extra."""

from __future__ import annotations

from typing import Final

from providers_client.errors import ConfigurationError
from providers_client.sending import Backoff

BACKOFF: Final = Backoff(retries=2, total_s=8.0)
TIMEOUT_S: Final = 20.0
"""A call lasts 28 s at most: API Gateway waits 29 s for the function, and MCP clients for a minute or so."""

TOOLS_VARIABLE: Final = "PROVIDERS_MCP_TOOLS"
"""`undo` adds the tools that undo changes."""

UNDO: Final = "undo"
"""The word that asks for these tools."""


def undo_is_wanted(setting: str, value: str | None) -> bool:
    """Return whether `value` asks for the tools that undo changes. Raises ConfigurationError for another word.

    `setting` is its name in the error.
    """
    word = (value or "").strip()
    if word not in ("", UNDO):
        raise ConfigurationError(f"{setting} must be {UNDO}, or not set")
    return word == UNDO
