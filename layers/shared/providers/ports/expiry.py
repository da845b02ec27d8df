"""Retired key versions, ordered by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from providers.model.provider import IN_FLIGHT
from providers_contract.frozen import dataclass

if TYPE_CHECKING:
    from providers.model.events import Event


@dataclass(frozen=True, slots=True)
class Expired:
    """A key version whose grace window has ended, or will at `at`.

    `fingerprint` recognizes its credential; it is empty in entries of earlier releases.
    """

    at: datetime
    org: str
    provider_id: str
    version: int
    fingerprint: str = field(default="", compare=False)

    @property
    def idle_at(self) -> datetime:
        """The time at which no request that has read it can be running any more."""
        return self.at + IN_FLIGHT


class ExpiredStore(Protocol):
    """Retired versions, ordered by time. Every method raises Unavailable."""

    def list_due(self, now: datetime, limit: int) -> Sequence[Expired]:
        """Return up to `limit` versions that have expired, oldest first."""
        ...

    def destroy(self, expired: Expired) -> None:
        """Delete the version's row and its entry, and list it as destroyed. Idempotent.

        If the row has not expired at the given time, only the entry is deleted: it is out of date. Raises StaleWrite if
        other writers keep interfering.
        """
        ...

    def list_idle(self, now: datetime, limit: int) -> Sequence[Expired]:
        """Return up to `limit` destroyed versions that no request can be using at `now`, oldest first."""
        ...

    def announce(self, expired: Expired, events: Sequence[Event]) -> None:
        """Remove a destroyed version from the list and add `events` to the outbox, in one transaction.

        Raises StaleWrite if it is not listed any more: its events are in the outbox.
        """
        ...
