"""Suggests a word for a mistyped one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_SIMILARITY: Final = 0.76
"""difflib's default, 0.6, takes "nope" for "openai" and for "open"."""


def suggestion(word: str, known: Sequence[str]) -> str:
    """Return " Did you mean …?" with the closest known word, or nothing if none is close."""
    from difflib import get_close_matches  # late: only a mistyped word needs it

    close = get_close_matches(word, known, n=1, cutoff=_SIMILARITY)
    return f" Did you mean {close[0]!r}?" if close else ""
