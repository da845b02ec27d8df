"""Idempotency records."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from providers.model.idempotency import Completion, ExistingRecord, Lease


class IdempotencyStore(Protocol):
    """Idempotency keys and the requests that hold them. Every method raises Unavailable."""

    def acquire(self, lease: Lease, now: datetime) -> ExistingRecord | None:
        """Take the key for this request, or return the record that holds it.

        None means taken: the key was free or had expired, or the lease of an earlier attempt at this request ended.
        """
        ...

    def complete(self, completion: Completion) -> None:
        """Store the response of a request that changed nothing. Raises LeaseLost."""
        ...

    def release(self, lease: Lease) -> None:
        """Free the key again, unless the request is complete or another has taken over."""
        ...
