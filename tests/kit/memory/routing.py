"""Routing configs in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from providers.model.policy import LIMITS, Limits
from providers.model.routing import RoutingConfig
from providers.ports import NO_SIDE_WRITES, LimitReached, MissingProvider, SideWrites, StaleWrite
from tests.kit.memory.database import Database, refuse_more


class MemoryRouting:
    """The routing store in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def get(self, org: str, slug: str) -> RoutingConfig | None:
        return self.db.routes.get((org, slug))

    def list(self, org: str, limit: int, after: str | None) -> Sequence[RoutingConfig]:
        found = [
            config
            for (owner, slug), config in self.db.routes.items()
            if owner == org and (after is None or slug > after)
        ]
        return sorted(found, key=lambda config: config.slug)[:limit]

    def put(
        self,
        before: RoutingConfig | None,
        after: RoutingConfig,
        side_writes: SideWrites = NO_SIDE_WRITES,
        limits: Limits = LIMITS,
    ) -> None:
        with self.db.lock:
            self.db.check(side_writes)
            self._check(after.org, after.slug, before)
            old = before.provider_ids if before else frozenset()
            missing = frozenset(each for each in after.provider_ids - old if (after.org, each) not in self.db.providers)
            if missing:
                raise MissingProvider(missing)
            named = [(len(self.db.providers[after.org, each].refs), each) for each in after.provider_ids - old]
            fullest, provider_id = max(named, default=(0, None))
            if fullest >= limits.configs_per_provider:
                raise LimitReached("configs_per_provider", fullest, provider_id)
            if before is None:
                refuse_more("routing_configs", sum(org == after.org for org, _ in self.db.routes), limits)
            self.db.routes[after.org, after.slug] = after
            self._refs(after, after.provider_ids - old, lambda refs: refs | {after.slug})
            self._refs(after, old - after.provider_ids, lambda refs: refs - {after.slug})
            self.db.commit(side_writes)

    def delete(self, config: RoutingConfig, side_writes: SideWrites = NO_SIDE_WRITES) -> None:
        with self.db.lock:
            self.db.check(side_writes)
            self._check(config.org, config.slug, config)
            del self.db.routes[config.org, config.slug]
            self._refs(config, config.provider_ids, lambda refs: refs - {config.slug})
            self.db.commit(side_writes)

    def _check(self, org: str, slug: str, expected: RoutingConfig | None) -> None:
        found = self.db.routes.get((org, slug))
        if (found and found.revision) != (expected and expected.revision):
            raise StaleWrite

    def _refs(
        self, config: RoutingConfig, ids: frozenset[str], change: Callable[[frozenset[str]], frozenset[str]]
    ) -> None:
        for provider_id in ids:
            stored = self.db.providers[config.org, provider_id]
            self.db.providers[config.org, provider_id] = replace(stored, refs=change(stored.refs))
