"""The trail of who changed what. An entry is committed with its change, and holds nothing of a credential but hints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from providers.model.provider import Provider
from providers.model.routing import RoutingConfig
from providers_contract.vocabulary import Action

KEPT: Final = timedelta(days=400)
"""How long an entry can be read: a year, and a month to look back at it."""


Facts = dict[str, Any] | None
"""Members of a thing by name; None for a thing that is not there."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a management key, a person with an upload link (made with that key), or the sweep (no key)."""

    type: str
    key_id: str | None = None


SYSTEM: Final = Actor("system")


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of the organization's things. `id` is a ULID; `before` and `after` hold what differs."""

    id: str
    at: datetime
    org: str
    actor: Actor
    action: Action
    resource_type: str
    resource_id: str
    before: Facts = None
    after: Facts = None
    request_id: str | None = None


def provider_facts(provider: Provider) -> dict[str, Any]:
    """What an entry tells of a provider."""
    return {
        "vendor": provider.vendor,
        "name": provider.name,
        "base_url": provider.base_url,
        "status": provider.status.value,
        "key_version": provider.active.number,
        "key_hint": provider.active.hint,
        "key_expires_at": _seconds(provider.active.key_expires_at),
    }


def _seconds(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def routing_facts(config: RoutingConfig) -> dict[str, Any]:
    """What an entry tells of a routing config."""
    attempts = [{"provider_id": each.provider_id, "model": each.model} for each in config.attempts]
    return {"strategy": config.strategy, "attempts": attempts}


def difference(before: Facts, after: Facts) -> tuple[Facts, Facts]:
    """The members that differ, on both sides; one side whole where the other is None."""
    if before is None or after is None:
        return before, after
    changed = [name for name in before if before[name] != after[name]]
    return {name: before[name] for name in changed}, {name: after[name] for name in changed}
