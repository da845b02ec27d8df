"""Health samples."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from providers.model.samples import Sample, Samples


class HealthStore(Protocol):
    """Samples, one in each minute bucket. Every method raises Unavailable."""

    def record(self, provider_id: str, sample: Sample) -> bool:
        """Set the sample's minute bucket if it is free; return whether it was. A set bucket never changes."""
        ...

    def read(self, provider_id: str, since: datetime, until: datetime) -> Samples:
        """Return the samples of the minutes from `since` to `until`, both included, oldest first; one Query."""
        ...

    def recent(self, provider_ids: Sequence[str], now: datetime) -> dict[str, Samples]:
        """Return the samples of the hour of `now` and of the one before, for each provider, oldest first."""
        ...
