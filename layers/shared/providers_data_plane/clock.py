"""The machine's clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

_COUNTS_SLEEP: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""A clock that also counts the time during which the machine was suspended; Linux's monotonic clock does not."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Return seconds since some moment, which no change of the time affects."""
        return time.monotonic() if _COUNTS_SLEEP is None else time.clock_gettime(_COUNTS_SLEEP)
