"""Renders providers, routing configs and other resources for the API's responses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from providers.edge.http import Reply
from providers.model.health import PERCENTILES
from providers.usecases.health import HealthSummary
from providers.usecases.preconditions import etag

if TYPE_CHECKING:  # a function renders the result of its own use case only
    from providers.edge.caller import Authorized
    from providers.model.audit import Entry
    from providers.model.health import Point, Sparkline, Window
    from providers.model.provider import Provider
    from providers.model.routing import RoutingConfig
    from providers.model.upload import Upload
    from providers.usecases.delete import Deleted
    from providers.usecases.health import Report
    from providers.usecases.verification import Changed
    from providers.usecases.versions import LiveVersion

T = TypeVar("T")


def at(time: datetime | None) -> str | None:
    """Return the time as RFC 3339 in UTC, to the second."""
    return None if time is None else f"{time.astimezone(UTC).isoformat()[:19]}Z"


_UNSEEN: Final = HealthSummary()


def provider_view(provider: Provider, summary: HealthSummary = _UNSEEN) -> dict[str, Any]:
    """Return a provider, without its credential."""
    verification = provider.verification
    return {
        "id": provider.id,
        "vendor": provider.vendor,
        "name": provider.name,
        "tags": [*provider.tags],
        "base_url": provider.base_url,
        "status": provider.status.value,
        "health": {
            "state": provider.health.state.value,
            "reason": _reason(provider),
            "p50_latency_ms": summary.p50_ms,
            "last_check_at": at(summary.last_check_at),
            **({} if summary.history is None else {"history": _history_view(summary.history)}),
            **({} if summary.sparkline is None else {"sparkline": _sparkline_view(summary.sparkline)}),
        },
        "created_at": at(provider.created_at),
        "updated_at": at(provider.updated_at),
        "key_hint": provider.active.hint,
        "key_version": provider.active.number,
        "key_rotated_at": at(provider.active.created_at),
        "key_expires_at": at(provider.active.key_expires_at),
        "verification": {
            "outcome": verification.outcome.value,
            "reason": verification.reason.value if verification.reason else None,
            "checked_at": at(verification.checked_at),
        },
    }


def changed_reply(changed: Changed, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return the response for a changed provider, with its ETag and any warnings."""
    provider, warnings = changed
    return Reply(
        provider_view(provider),
        status=status,
        headers={**(headers or {}), "ETag": etag(provider)},
        members={"warnings": warnings} if warnings else {},
    )


def deleted_reply(deleted: Deleted) -> Reply:
    """Return the response for a deleted provider."""
    dry_run = {"dry_run": True} if deleted.dry_run else {}
    return Reply({"id": deleted.provider_id, "deleted": not deleted.dry_run, **dry_run})


def page_reply(view: Callable[[T], dict[str, Any]]) -> Callable[[tuple[Sequence[T], str | None]], Reply]:
    """Return the function that renders a page of a list, with the cursor of the next page."""

    def reply(page: tuple[Sequence[T], str | None]) -> Reply:
        found, cursor = page
        return Reply([view(each) for each in found], members={"next_cursor": cursor})

    return reply


def versions_reply(found: Sequence[LiveVersion]) -> Reply:
    """Return the response for a provider's key versions."""
    return Reply([version_view(each) for each in found])


def routing_config_reply(config: RoutingConfig, status: int = 200) -> Reply:
    """Return the response for a routing config."""
    return Reply(routing_config_view(config), status=status)


def health_reply(report: Report) -> Reply:
    """Return the response for a provider's health."""
    return Reply(health_view(report))


def version_view(live: LiveVersion) -> dict[str, Any]:
    """Return a key version."""
    return {
        "number": live.version.number,
        "hint": live.version.hint,
        "created_at": at(live.version.created_at),
        "active": live.active,
        "retires_at": at(live.version.retires_at),
        "last_used_at": at(live.last_used_at),
        "safe_to_revoke": live.safe_to_revoke,
    }


def entry_view(entry: Entry) -> dict[str, Any]:
    """Return an entry of the audit trail."""
    return {
        "id": entry.id,
        "at": at(entry.at),
        "actor": {"type": entry.actor.type, "key_id": entry.actor.key_id},
        "action": entry.action.value,
        "resource": {"type": entry.resource_type, "id": entry.resource_id},
        "before": entry.before,
        "after": entry.after,
        "request_id": entry.request_id,
    }


def own_key_reply(caller: Authorized) -> Reply:
    """Return the response for the caller's own management key."""
    return Reply(
        {
            "id": caller.key_id,
            "org": caller.org,
            "name": caller.key_name,
            "scopes": sorted(caller.scopes),
            "expires_at": at(caller.key_expires_at),
        }
    )


def upload_view(upload: Upload) -> dict[str, Any]:
    """Return an upload link, without its URL."""
    return {
        "id": upload.id,
        "provider_id": upload.provider_id,
        "vendor": upload.vendor,
        "name": upload.name,
        "expires_at": at(upload.expires_at),
    }


def provider_etag(provider: Provider, summary: HealthSummary) -> str:
    """Return a provider's ETag, which includes the fields that the sweep writes: health, a pending verification."""
    verification = provider.verification
    health = (provider.health.state, provider.health.reason, summary.p50_ms, summary.last_check_at)
    swept = " ".join(map(str, (*health, verification.reason, verification.checked_at)))
    return f'"{provider.revision}-{hashlib.sha256(swept.encode()).hexdigest()[:8]}"'


def routing_config_view(config: RoutingConfig) -> dict[str, Any]:
    """Return a routing config."""
    return {
        "slug": config.slug,
        "strategy": config.strategy,
        "attempts": [{"provider_id": each.provider_id, "model": each.model} for each in config.attempts],
        "created_at": at(config.created_at),
        "updated_at": at(config.updated_at),
    }


def health_view(report: Report) -> dict[str, Any]:
    """Return a provider's health."""
    health = report.provider.health
    return {
        "provider_id": report.provider.id,
        "state": health.state.value,
        "reason": _reason(report.provider),
        "since": at(health.since),
        "last_check_at": at(report.last_check_at),
        "key_version": report.provider.active.number,
        "windows": {
            name: {
                "checks": window.checks,
                "success_rate": _rate(window),
                "latency_ms": {
                    f"p{percent}": window.percentiles[percent] if window.percentiles else None
                    for percent in PERCENTILES
                },
                "errors": window.errors,
            }
            for name, window in report.windows.items()
        },
        "history": _history_view(report.history),
        "changes": [
            {
                "at": at(change.at),
                "from": change.before.value,
                "to": change.after.value,
                "reason": change.reason.value if change.reason else None,
                "key_version": change.version,
            }
            for change in report.provider.health_changes
        ],
    }


def _reason(provider: Provider) -> str | None:
    return provider.health.reason.value if provider.health.reason else None


def _history_view(points: Sequence[Point]) -> list[dict[str, Any]]:
    return [
        {
            "at": at(point.at),
            "checks": point.window.checks,
            "success_rate": _rate(point.window),
            "p50_ms": point.window.percentiles[50] if point.window.percentiles else None,
            "p95_ms": point.window.percentiles[95] if point.window.percentiles else None,
        }
        for point in points
    ]


def _sparkline_view(line: Sparkline) -> dict[str, Any]:
    return {"since": at(line.since), "latency_ms": line.latencies, "failed": line.failed}


def _rate(window: Window) -> float | None:
    """Return the rate, rounded to four places: one failure in a week of minutes is still visible."""
    return None if window.success_rate is None else round(window.success_rate, 4)
