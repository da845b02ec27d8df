"""Storage of routing configs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from providers.model.policy import LIMITS, Limits
from providers.ports.side_writes import NO_SIDE_WRITES, SideWrites

if TYPE_CHECKING:
    from providers.model.routing import RoutingConfig


class RoutingStore(Protocol):
    """Routing configs. A write also updates the `refs` of the providers that it adds or removes."""

    def get(self, org: str, slug: str) -> RoutingConfig | None:
        """Return the current config (a consistent read)."""
        ...

    def list(self, org: str, limit: int, after: str | None) -> Sequence[RoutingConfig]:
        """Return up to `limit` configs, ordered by slug, with slugs above `after` if given."""
        ...

    def put(
        self,
        before: RoutingConfig | None,
        after: RoutingConfig,
        side_writes: SideWrites = NO_SIDE_WRITES,
        limits: Limits = LIMITS,
    ) -> None:
        """Create (`before` None) or replace. Raises StaleWrite, MissingProvider, LimitReached."""
        ...

    def delete(self, config: RoutingConfig, side_writes: SideWrites = NO_SIDE_WRITES) -> None:
        """Delete, if unchanged. Raises StaleWrite."""
        ...
