"""What is written beside the things: retirements, audit trail, idempotency records, upload links, counters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from providers.model.audit import Entry
from providers.model.idempotency import Claim, Completed, Found
from providers.model.policy import LIMITS, Limits
from providers.model.upload import Upload
from providers.ports.changes import NOTHING, Alongside


@dataclass(frozen=True, slots=True)
class Expired:
    """A key version whose grace window has ended, or will at `at`."""

    at: datetime
    org: str
    provider_id: str
    version: int


class ExpiredStore(Protocol):
    """The versions that retire, in the order of their time. Every method raises Unavailable."""

    def due(self, now: datetime, limit: int) -> Sequence[Expired]:
        """Up to `limit` versions whose time has come, the oldest first."""
        ...

    def destroy(self, expired: Expired) -> None:
        """Delete the version's row and its place in this order; nothing where that is done already.

        A row that has not expired at the given time stays, and only the place goes: it is not this row's any more.
        Raises StaleWrite where others keep writing to the row at this moment.
        """
        ...


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What an audit trail is narrowed to; None means any."""

    resource_id: str | None = None
    action: str | None = None
    key_id: str | None = None


class AuditStore(Protocol):
    """The audit trail; entries come into it alongside the changes they tell of."""

    def list(
        self, org: str, wanted: AuditFilter, since: datetime, limit: int, before: str | None
    ) -> tuple[Sequence[Entry], str | None]:
        """Up to `limit` entries made after `since`, newest first, with ids below `before` where that is given.

        With them the id below which to go on, None at the end. A resource's entries are found without the others; any
        other filter looks at `READ_AT_MOST` entries at a time. Raises Unavailable.
        """
        ...


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


class UploadStore(Protocol):
    """Upload links that were not used yet. Every method raises Unavailable."""

    def put(self, upload: Upload, alongside: Alongside = NOTHING, limits: Limits = LIMITS) -> None:
        """Store a new one. Raises StaleWrite where the id exists, ClaimLost, LimitReached."""
        ...

    def get(self, upload_id: str) -> Upload | None:
        """The upload as it is now (a consistent read)."""
        ...

    def use(self, upload_id: str) -> None:
        """Use a link up without a change that goes with it. Raises UploadUsed if it is gone."""
        ...

    def tried(self, upload_id: str) -> int:
        """Count a credential that is entered, and return how many there were. Raises UploadUsed where it is gone."""
        ...


class VerificationCounter(Protocol):
    """How often vendors are asked on behalf of callers."""

    def count(self, org: str | None, minute: int) -> int:
        """Count a verification in `minute` (since 1970) and return how many there were, this one included.

        Those of the organization, or of the whole stack where `org` is None; each is counted by itself.
        Raises Unavailable.
        """
        ...
