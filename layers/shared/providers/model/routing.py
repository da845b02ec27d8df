"""Routing configs: the providers to call, their order and models."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from providers_contract.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """One step of a routing config: a provider, and one of its models."""

    provider_id: str
    model: str


@dataclass(frozen=True, slots=True)
class RoutingConfig:
    """A routing config, reduced to the fields that hold references to providers."""

    org: str
    slug: str
    strategy: str
    attempts: tuple[Attempt, ...]
    created_at: datetime
    updated_at: datetime
    revision: int = 1

    @property
    def facts(self) -> dict[str, Any]:
        """The fields that the audit trail records."""
        attempts = [{"provider_id": each.provider_id, "model": each.model} for each in self.attempts]
        return {"strategy": self.strategy, "attempts": attempts}

    @property
    def provider_ids(self) -> frozenset[str]:
        """The ids of its providers."""
        return frozenset(attempt.provider_id for attempt in self.attempts)
