"""Time and new ids."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time and identity."""

    def now(self) -> datetime:
        """Return the time in UTC, with a time zone."""
        ...

    def new_id(self) -> str:
        """Return a new ULID: 26 characters, later ones sort after earlier ones (to the millisecond)."""
        ...
