"""Upload links."""

from __future__ import annotations

from typing import Protocol

from providers.model.policy import LIMITS, Limits
from providers.model.upload import Upload
from providers.ports.side_writes import NO_SIDE_WRITES, SideWrites


class UploadStore(Protocol):
    """Upload links that were not used yet. Every method raises Unavailable."""

    def put(self, upload: Upload, side_writes: SideWrites = NO_SIDE_WRITES, limits: Limits = LIMITS) -> None:
        """Store a new one. Raises StaleWrite where the id exists, LeaseLost, LimitReached."""
        ...

    def get(self, upload_id: str) -> Upload | None:
        """The upload as it is now (a consistent read)."""
        ...

    def use(self, upload_id: str) -> None:
        """Use a link up without a change that goes with it. Raises UploadUsed if it is gone."""
        ...

    def count_attempt(self, upload_id: str) -> int:
        """Count a credential that is entered, and return how many there were. Raises UploadUsed where it is gone."""
        ...
