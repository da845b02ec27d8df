"""Key versions that retire, in the order of their time."""

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
    """The versions that retire, in the order of their time. Every method raises Unavailable."""

    def list_due(self, now: datetime, limit: int) -> Sequence[Expired]:
        """Up to `limit` versions whose time has come, the oldest first."""
        ...

    def destroy(self, expired: Expired) -> None:
        """Delete the version's row and its place in this order; nothing where that is done already.

        A row that has not expired at the given time stays, and only the place goes: it is not this row's any more.
        Raises StaleWrite where others keep writing to the row at this moment.
        """
        ...
