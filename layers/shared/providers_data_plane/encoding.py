"""Encodes several values as one unambiguous message."""

from __future__ import annotations

from datetime import UTC, datetime


def encode(*parts: str) -> bytes:
    """Return each part in UTF-8 after its length in four bytes: different parts never encode to the same bytes."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def time_text(at: datetime | None) -> str:
    """Return a time in UTC to the microsecond; empty for None."""
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")
