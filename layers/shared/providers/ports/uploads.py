"""Upload links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from providers.model.policy import LIMITS, Limits
from providers.ports.side_writes import NO_SIDE_WRITES, SideWrites

if TYPE_CHECKING:
    from providers.model.upload import Upload


class UploadStore(Protocol):
    """Unused upload links. Every method raises Unavailable."""

    def put(self, upload: Upload, side_writes: SideWrites = NO_SIDE_WRITES, limits: Limits = LIMITS) -> None:
        """Store a new link. Raises StaleWrite if the id exists, LeaseLost, LimitReached."""
        ...

    def get(self, upload_id: str) -> Upload | None:
        """Return the current link (a consistent read)."""
        ...

    def use(self, upload_id: str) -> None:
        """Use up a link without a change. Raises UploadUsed if it is gone."""
        ...

    def count_attempt(self, upload_id: str) -> int:
        """Count an attempt to enter a credential and return the count. Raises UploadUsed if the link is gone."""
        ...
