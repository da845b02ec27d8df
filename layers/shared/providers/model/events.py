"""The events that the stack publishes on EventBridge. The schemas are in docs/events.md."""

from __future__ import annotations

from dataclasses import field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from providers_contract.frozen import dataclass

if TYPE_CHECKING:
    from providers.model.health import Health
    from providers.model.provider import ExpiryNotice, Provider

SOURCE: Final = "providers-api"


class EventType(StrEnum):
    """EventBridge's `detail-type`."""

    CREATED = "provider.created"
    ROTATED = "provider.rotated"
    DELETED = "provider.deleted"
    HEALTH_CHANGED = "provider.health_changed"
    PENDING_EXPIRED = "provider.pending_expired"
    SAFE_TO_REVOKE = "provider.safe_to_revoke"
    CREDENTIAL_EXPIRING = "provider.credential_expiring"
    TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Event:
    """One event, committed with its change and published afterwards. `webhook_test_event` returns the only other one.

    `id` is a ULID, `at` the time of the commit. Delivery is at least once (a crash between publishing an event and
    deleting it from the outbox repeats it): consumers that must not act twice store the id.
    """

    id: str
    type: EventType
    at: datetime
    org: str
    provider_id: str
    detail: dict[str, Any] = field(default_factory=dict)


def provider_event(event_id: str, kind: EventType, at: datetime, provider: Provider) -> Event:
    """Return the event `created`, `rotated`, `deleted` or `pending_expired`."""
    detail = {
        "vendor": provider.vendor,
        "name": provider.name,
        "status": provider.status.value,
        "key_version": provider.active.number,
    }
    return Event(event_id, kind, at, provider.org, provider.id, detail)


def revocable_event(event_id: str, at: datetime, provider: Provider, version: int) -> Event:
    """Return the event `safe_to_revoke` of a version that was destroyed."""
    event = provider_event(event_id, EventType.SAFE_TO_REVOKE, at, provider)
    return replace(event, detail=event.detail | {"key_version": version})


def expiring_event(event_id: str, at: datetime, provider: Provider, notice: ExpiryNotice) -> Event:
    """Return the event `credential_expiring`."""
    event = provider_event(event_id, EventType.CREDENTIAL_EXPIRING, at, provider)
    expires_at = f"{notice.key_expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return replace(event, detail=event.detail | {"key_expires_at": expires_at, "within_days": notice.days})


def webhook_test_event(event_id: str, at: datetime) -> Event:
    """Return the event that an operator sends to test receivers. It is about no provider, and passes no outbox."""
    return Event(event_id, EventType.TEST, at, "", "")


def health_event(event_id: str, at: datetime, provider: Provider, before: Health, after: Health) -> Event:
    """Return the event `health_changed`."""
    detail = {
        "vendor": provider.vendor,
        "name": provider.name,
        "key_version": after.version,
        "from": before.state.value,
        "to": after.state.value,
        "reason": after.reason.value if after.reason else None,
    }
    return Event(event_id, EventType.HEALTH_CHANGED, at, provider.org, provider.id, detail)
