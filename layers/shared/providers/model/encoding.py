"""How several values become one message that can be read in one way only."""

from __future__ import annotations

from datetime import UTC, datetime


def encode(*parts: str) -> bytes:
    """An unambiguous encoding: each part in UTF-8, behind its length in four bytes."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def time_text(at: datetime | None) -> str:
    """A time in UTC to the microsecond; empty for None."""
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")
