"""Routing configs, reduced to their references to providers, which protect a provider from deletion."""

from __future__ import annotations

from collections.abc import Sequence

from providers.model.errors import invalid_field, routing_config_not_found, validation_failed
from providers.model.routing import Attempt, RoutingConfig
from providers.ports import LimitReached, MissingProvider, Ports, StaleWrite
from providers.usecases.cursors import make_cursor, read_cursor
from providers.usecases.mutation import BY_SYSTEM, Mutation, limit_exceeded, unchanged
from providers.usecases.preconditions import TRIES, version_conflict
from providers_contract.ids import SLUG
from providers_contract.vocabulary import Action


def get_routing_config(ports: Ports, org: str, slug: str) -> RoutingConfig:
    """Return the config. Raises NotFound."""
    found = ports.routing.get(org, slug)
    if found is None:
        raise routing_config_not_found(slug)
    return found


def list_routing_configs(
    ports: Ports, org: str, limit: int, cursor: str | None
) -> tuple[Sequence[RoutingConfig], str | None]:
    """Return up to `limit` configs, ordered by slug, and the next cursor. Raises InvalidRequest."""
    scope = ("routing-configs", org)
    found = ports.routing.list(org, limit + 1, read_cursor(cursor, SLUG, *scope))
    page = found[:limit]
    return page, make_cursor(page[-1].slug, *scope) if len(found) > limit else None


def put_routing_config(
    ports: Ports,
    org: str,
    slug: str,
    strategy: str,
    attempts: Sequence[Attempt],
    *,
    mutation: Mutation[tuple[RoutingConfig, bool]] = BY_SYSTEM,
) -> tuple[RoutingConfig, bool]:
    """Create or replace the config, attaching and detaching providers; return it, and whether it is new.

    Raises Unprocessable if an attempt names a provider that the organization does not have, Conflict, Unavailable.
    """
    for _ in range(TRIES):
        before = ports.routing.get(org, slug)
        if before is not None and (before.strategy, before.attempts) == (strategy, tuple(attempts)):
            return unchanged(ports, mutation, (before, False))
        now = ports.clock.now()
        after = RoutingConfig(
            org=org,
            slug=slug,
            strategy=strategy,
            attempts=tuple(attempts),
            created_at=before.created_at if before else now,
            updated_at=now,
            revision=before.revision + 1 if before else 1,
        )
        action = Action.ROUTING_UPDATED if before else Action.ROUTING_CREATED
        entry = mutation.routing_entry(ports, action, now, before, after)
        try:
            side_writes = mutation.with_entry(entry, (after, before is None))
            ports.routing.put(before, after, side_writes, ports.policy.limits)
        except StaleWrite:
            continue
        except LimitReached as error:
            raise limit_exceeded(ports, error) from None
        except MissingProvider as missing:
            raise _unknown_providers(attempts, missing.provider_ids) from None
        return after, before is None
    raise version_conflict(slug)


def delete_routing_config(ports: Ports, org: str, slug: str, mutation: Mutation[str] = BY_SYSTEM) -> str:
    """Delete the config, detach its providers and return the slug. Raises NotFound, Conflict, Unavailable."""
    for _ in range(TRIES):
        config = get_routing_config(ports, org, slug)
        entry = mutation.routing_entry(ports, Action.ROUTING_DELETED, ports.clock.now(), config, None)
        try:
            ports.routing.delete(config, mutation.with_entry(entry, slug))
        except StaleWrite:
            continue
        return slug
    raise version_conflict(slug)


def _unknown_providers(attempts: Sequence[Attempt], missing: frozenset[str]) -> Exception:
    message = "no provider has this id"
    errors: list[dict[str, str | None]] = [
        {"param": f"attempts[{index}].provider_id", "message": message, "code": "unknown_provider"}
        for index, attempt in enumerate(attempts)
        if attempt.provider_id in missing
    ]
    return validation_failed(errors) if errors else invalid_field("attempts", message, "unknown_provider")
