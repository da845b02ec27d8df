"""Retired key versions, ordered by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Expired:
    """A key version whose grace window has ended, or will at `at`."""

    at: datetime
    org: str
    provider_id: str
    version: int


class ExpiredStore(Protocol):
    """Retired versions, ordered by time. Every method raises Unavailable."""

    def list_due(self, now: datetime, limit: int) -> Sequence[Expired]:
        """Return up to `limit` versions that have expired, oldest first."""
        ...

    def destroy(self, expired: Expired) -> None:
        """Delete the version's row and its entry in this order. Idempotent.

        If the row has not expired at the given time, only the entry is deleted: it is out of date. Raises StaleWrite if
        other writers keep interfering.
        """
        ...
