"""Routing configs. A write also updates the `refs` of their providers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from providers.adapters.tables.attributes import Item, to_text
from providers.adapters.tables.commit import commit
from providers.adapters.tables.counters import counting, discounting, limit_reached
from providers.adapters.tables.keys import count_key, route_key
from providers.adapters.tables.transactions import (
    ABSENT,
    ConditionFailed,
    delete,
    get,
    put,
    query,
    returning_item,
    update,
)
from providers.model.policy import LIMITS, Limits
from providers.model.routing import Attempt, RoutingConfig
from providers.ports import NO_SIDE_WRITES, LimitReached, MissingProvider, SideWrites, StaleWrite
from providers_data_plane.stored import org_key, provider_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoRouting:
    """Routing configs, and the `refs` of their providers."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def get(self, org: str, slug: str) -> RoutingConfig | None:
        """Return the current config."""
        found = get(self._client, self._main, route_key(org, slug))
        return None if found is None else route_from(found)

    def list(self, org: str, limit: int, after: str | None) -> Sequence[RoutingConfig]:
        """Return up to `limit` configs, ordered by slug."""
        start = None if after is None else route_key(org, after)
        found = query(self._client, self._main, org_key(org), "ROUTE#", limit=limit, start=start)
        return [route_from(item) for item in found]

    def put(
        self,
        before: RoutingConfig | None,
        after: RoutingConfig,
        side_writes: SideWrites = NO_SIDE_WRITES,
        limits: Limits = LIMITS,
    ) -> None:
        """Create or replace, attaching and detaching providers in the same transaction."""
        item = route_item(after)
        config = (
            put(self._main, item, ABSENT)
            if before is None
            else put(self._main, item, "revision = :revision", revision=before.revision)
        )
        old = before.provider_ids if before else frozenset()
        attached = sorted(after.provider_ids - old)
        detached = sorted(old - after.provider_ids)
        actions = [
            config,
            *(self._refs("ADD", after, provider_id, limits.configs_per_provider) for provider_id in attached),
            *(self._refs("DELETE", after, provider_id) for provider_id in detached),
        ]
        if before is None:
            actions.append(counting(self._main, count_key(after.org), "routing_configs", limits))
        try:
            commit(self._client, self._main, actions, side_writes)
        except ConditionFailed as error:
            if 0 in error.failed:
                raise StaleWrite from None
            refused = [i for i in error.failed if 1 <= i <= len(attached)]
            missing = frozenset(attached[i - 1] for i in refused if i not in error.found)
            if missing:
                raise MissingProvider(missing) from None
            if refused:
                named, fullest = max((len(error.found[i]["refs"]), i) for i in refused)
                raise LimitReached("configs_per_provider", named, attached[fullest - 1]) from None
            raise limit_reached(error, len(actions) - 1, "routing_configs") from None

    def delete(self, config: RoutingConfig, side_writes: SideWrites = NO_SIDE_WRITES) -> None:
        """Delete the config and detach its providers."""
        key = route_key(config.org, config.slug)
        actions = [
            delete(self._main, key, "revision = :revision", revision=config.revision),
            *(self._refs("DELETE", config, provider_id) for provider_id in sorted(config.provider_ids)),
            discounting(self._main, count_key(config.org), "routing_configs"),
        ]
        try:
            commit(self._client, self._main, actions, side_writes)
        except ConditionFailed:
            raise StaleWrite from None

    def _refs(self, verb: str, config: RoutingConfig, provider_id: str, most: int | None = None) -> dict[str, Any]:
        key = provider_key(config.org, provider_id)
        condition = "attribute_exists(PK)"
        if most is not None:
            condition += " AND (attribute_not_exists(refs) OR size(refs) < :most)"
        return returning_item(update(self._main, key, f"{verb} refs :slug", condition, slug={config.slug}, most=most))


def route_item(config: RoutingConfig) -> Item:
    """Return the item of a routing config."""
    return route_key(config.org, config.slug) | {
        "strategy": config.strategy,
        "attempts": [{"provider_id": each.provider_id, "model": each.model} for each in config.attempts],
        "created_at": to_text(config.created_at),
        "updated_at": to_text(config.updated_at),
        "revision": config.revision,
    }


def route_from(item: Item) -> RoutingConfig:
    """Return the routing config in an item."""
    return RoutingConfig(
        org=item["PK"].removeprefix("ORG#"),
        slug=item["SK"].removeprefix("ROUTE#"),
        strategy=item["strategy"],
        attempts=tuple(Attempt(each["provider_id"], each["model"]) for each in item["attempts"]),
        created_at=datetime.fromisoformat(item["created_at"]),
        updated_at=datetime.fromisoformat(item["updated_at"]),
        revision=item["revision"],
    )
