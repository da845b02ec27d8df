"""Providers and their key versions."""

from __future__ import annotations

from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from providers.model.health import Health, HealthChange
from providers_contract.frozen import dataclass
from providers_contract.names import name_claim
from providers_contract.vocabulary import Outcome, Reason, Status
from providers_data_plane.sealed import Destination

PENDING_FOR: Final = timedelta(hours=24)
"""The time for which a provider may stay pending after its owner's last change; then the sweep disables it."""

IN_FLIGHT: Final = timedelta(minutes=10)
"""Maximum time a request uses a credential after reading it: the default timeout of OpenAI's and Anthropic's SDKs."""

EXPIRY_NOTICES: Final = (30, 7, 1)
"""Days before a known expiry at which the event `credential_expiring` is sent."""

MAX_LIVE_VERSIONS: Final = 5
"""Maximum live versions of a provider, including the active one; one more retires the oldest at once (api.md)."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The last verification that changed the provider; of a pending provider, the latest health check."""

    outcome: Outcome
    reason: Reason | None
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """One stored version of a credential, with all data that belongs to this credential only.

    `retires_at` is None while it is active. `base_url` is the host that its owner sent with it: when it is read or
    restored later, the credential is sent only there. `key_expires_at` is when the vendor will refuse it.
    """

    number: int
    hint: str
    created_at: datetime
    retires_at: datetime | None = None
    base_url: str | None = None
    fingerprint: str = ""
    key_expires_at: datetime | None = None
    account: str | None = None

    def live(self, now: datetime) -> bool:
        """Return whether a reader may still use it at `now`."""
        return self.retires_at is None or now < self.retires_at


@dataclass(frozen=True, slots=True)
class ExpiryNotice:
    """The latest event `credential_expiring`: sent `days` before `key_expires_at`."""

    days: int
    key_expires_at: datetime


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider without its credential, as stored in the provider item.

    `revision` counts the changes made by its owner; every change is conditioned on the revision that it read.
    `versions` has every version with a row in the `secrets` table, oldest first, the active one last; and those that
    expired since the last change, whose rows the reaper has destroyed.
    `refs` are the slugs of the routing configs that use this provider.
    `health_changes` are the newest changes of state, newest first, of every key version.
    `probe_after`: no health check before this time, because the last `throttled` ones requested a back-off.
    """

    org: str
    id: str
    vendor: str
    name: str
    status: Status
    created_at: datetime
    updated_at: datetime
    versions: tuple[KeyVersion, ...]
    verification: Verification
    revision: int = 1
    refs: frozenset[str] = field(default_factory=frozenset)
    health: Health = field(default_factory=Health)
    tags: tuple[str, ...] = ()
    probe_after: datetime | None = None
    throttled: int = 0
    expiry_notice: ExpiryNotice | None = None
    health_changes: tuple[HealthChange, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """The fields that the audit trail records."""
        expires_at = self.active.key_expires_at
        return {
            "vendor": self.vendor,
            "name": self.name,
            "tags": [*self.tags],
            "base_url": self.base_url,
            "status": self.status.value,
            "key_version": self.active.number,
            "key_hint": self.active.hint,
            "key_expires_at": None if expires_at is None else f"{expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }

    @property
    def pending_until(self) -> datetime:
        """The time at which the sweep disables it if it is pending and still unverified."""
        return self.updated_at + PENDING_FOR

    @property
    def active(self) -> KeyVersion:
        """The version that new requests use."""
        return self.versions[-1]

    @property
    def base_url(self) -> str | None:
        """The host to which the active version is sent, None for the vendor's own."""
        return self.active.base_url

    def destination(self, version: KeyVersion) -> Destination:
        """Return where the credential of `version` may be sent; its encryption context covers both parts."""
        return Destination(self.vendor, version.base_url)

    def due_notice(self, now: datetime) -> ExpiryNotice | None:
        """Return the notice of the active credential's expiry that is due and was not sent yet.

        None for a time before the version was created: a credential of twelve hours sends nothing each time it is
        rotated. After a pause, only the latest of several is due.
        """
        end = self.active.key_expires_at
        if end is None:
            return None
        left, lifetime = end - now, end - self.active.created_at
        due = [days for days in EXPIRY_NOTICES if left <= timedelta(days=days) <= lifetime]
        sent = self.expiry_notice
        if not due or (sent is not None and sent.key_expires_at == end and sent.days <= min(due)):
            return None
        return ExpiryNotice(min(due), end)

    def live_versions(self, now: datetime) -> tuple[KeyVersion, ...]:
        """Return the versions that can be read at `now`, oldest first, the active one last."""
        return tuple(version for version in self.versions if version.live(now))

    @property
    def name_claim(self) -> str:
        """The form of the name that is unique within the organization."""
        return name_claim(self.name)
