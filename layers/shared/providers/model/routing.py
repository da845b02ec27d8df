"""Routing configs: which providers to call, in which order, with which models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One step of a routing config: which provider, which of its models."""

    provider_id: str
    model: str


@dataclass(frozen=True, slots=True)
class RoutingConfig:
    """The least that a routing config needs in order to hold references to providers."""

    org: str
    slug: str
    strategy: str
    attempts: tuple[Attempt, ...]
    created_at: datetime
    updated_at: datetime
    revision: int = 1

    @property
    def provider_ids(self) -> frozenset[str]:
        """The providers it names."""
        return frozenset(attempt.provider_id for attempt in self.attempts)
