"""Idempotency records."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from providers.model.idempotency import Claim, Completed, Found


class IdempotencyStore(Protocol):
    """Which idempotency keys stand for a request. Every method raises Unavailable."""

    def claim(self, claim: Claim, now: datetime) -> Found | None:
        """Take the key for this request, or find what stands in the way.

        None where it is taken now: it was free, its time was over, or an earlier try of the same request has let its
        lease pass.
        """
        ...

    def complete(self, completed: Completed) -> None:
        """Record the answer of a request that changed nothing. Raises ClaimLost."""
        ...

    def release(self, claim: Claim) -> None:
        """Free the key again, unless the request has come to its end or another has taken over."""
        ...
