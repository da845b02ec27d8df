"""Storage of management keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from providers.model.policy import LIMITS, Limits

if TYPE_CHECKING:
    from providers.model.management_key import ManagementKey


class ManagementKeyStore(Protocol):
    """Management keys and their counters."""

    def get(self, key_id: str) -> ManagementKey | None:
        """Return the current key (a consistent read)."""
        ...

    def put(self, key: ManagementKey, limits: Limits = LIMITS) -> None:
        """Store a new key. Raises StaleWrite if the id exists, LimitReached."""
        ...

    def revoke(self, revoked: ManagementKey) -> None:
        """Store `revoked_at` and the MAC of a key that was not revoked yet. Raises StaleWrite if there is none."""
        ...

    def list(self, org: str | None) -> Sequence[ManagementKey]:
        """Return every key of `org`, or of all organizations if None, oldest first.

        Reads the whole table: for operators only, never for a request of the API.
        """
        ...

    def count(self, key_id: str, minute: int) -> int:
        """Count one request in `minute` (minutes since 1970) and return the count, including this one."""
        ...

    def record_use(self, key_id: str, at: datetime) -> None:
        """Record `last_used_at`."""
        ...
