"""What providers and routing configs look like in an answer (api.md, Provider)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from providers.model.provider import Provider, RoutingConfig


def at(time: datetime | None) -> str | None:
    """RFC 3339 in UTC with seconds."""
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def provider_view(provider: Provider) -> dict[str, Any]:
    """A provider; nothing in it tells the credential."""
    verification = provider.verification
    return {
        "id": provider.id,
        "vendor": provider.vendor,
        "name": provider.name,
        "base_url": provider.base_url,
        "status": provider.status.value,
        "health": {"state": provider.health_state.value, "p50_latency_ms": None, "last_check_at": None},
        "created_at": at(provider.created_at),
        "updated_at": at(provider.updated_at),
        "key_hint": provider.active.hint,
        "key_version": provider.active.number,
        "key_rotated_at": at(provider.active.created_at),
        "key_expires_at": at(provider.key_expires_at),
        "verification": {
            "outcome": verification.outcome.value,
            "reason": verification.reason.value if verification.reason else None,
            "checked_at": at(verification.checked_at),
        },
    }


def routing_config_view(config: RoutingConfig) -> dict[str, Any]:
    """A routing config."""
    return {
        "slug": config.slug,
        "strategy": config.strategy,
        "attempts": [{"provider_id": each.provider_id, "model": each.model} for each in config.attempts],
        "created_at": at(config.created_at),
        "updated_at": at(config.updated_at),
    }
