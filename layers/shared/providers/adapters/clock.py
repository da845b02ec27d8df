"""The machine's clock, and ids that sort by time."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """Time and identity of a running system."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def new_id(self) -> str:
        """Return a new ULID."""
        from ulid import ULID  # late: what only reads makes no id

        return str(ULID())
