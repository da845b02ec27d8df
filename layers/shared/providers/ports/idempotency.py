"""Idempotency records."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from providers.model.idempotency import Completion, ExistingRecord, Lease


class IdempotencyStore(Protocol):
    """Idempotency keys and the requests that have them. Every method raises Unavailable."""

    def acquire(self, lease: Lease, now: datetime) -> ExistingRecord | None:
        """Acquire the key for this request, or return the record that has it.

        None means acquired: the key was free or had expired, or the lease of an earlier attempt at this request
        expired.
        """
        ...

    def complete(self, completion: Completion) -> None:
        """Store the response of a request that changed nothing. Raises LeaseLost."""
        ...

    def release(self, lease: Lease) -> None:
        """Release the key, unless the request is complete or another has taken over."""
        ...
