"""The map of both tables: the keys of all items are built here, except those that readers of credentials need.

`providers_data_plane/stored.py` builds the keys of providers, names, sealed credentials and data keys.

The `main` table:

| PK | SK | item | written by |
| --- | --- | --- | --- |
| `ORG#{org}` | `PROV#{provider id}` | a provider | providers, sweep (health), routing (`refs`) |
| `ORG#{org}` | `NAME#{name in lower case}` | the claim on a provider's name | providers |
| `ORG#{org}` | `FP#{fingerprint}#{provider id}` | the fingerprint of a provider's active credential | providers |
| `ORG#{org}` | `ROUTE#{slug}` | a routing config | routing |
| `HEALTH#{provider id}` | `H#{hour}` | an hour of health samples, an attribute per minute | health |
| `OUTBOX#{shard}` | `{event id}` | an event that waits to be published | outbox |
| `QUARANTINE` | `{event id}` | an event that cannot be published | outbox |
| `EXPIRED` | `{time}#{org}#{provider id}#{version}` | a key version to destroy then | providers, expiry |
| `IDLE` | `{time}#{org}#{provider id}#{version}` | a destroyed key version that no request uses from then on | expiry |
| `AUDIT#{org}` | `{entry id}` | an audit entry, in the organization's trail | audit |
| `AUDIT#{org}#{resource id}` | `{entry id}` | the same entry, in the resource's trail | audit |
| `IDEM#{org}#{digest}` | `-` | an idempotency record | idempotency |
| `UPLOAD#{upload id}` | `-` | an upload link | uploads |
| `MK#{key id}` | `-` | a management key | management_keys |
| `RL#{key id}#{minute}` | `-` | requests of a management key in a minute | management_keys |
| `VL#{minute}` | `-` | verifications in a minute, of the stack and of each organization | counters |
| `COUNT#{org}` | `-` | numbers of providers, routing configs and management keys | counters |
| `COUNT#{org}#LINKS#{window}` | `-` | upload links made in ten minutes | uploads |
| `STACK` | `KEY#00000001` | the stack's wrapped digest key | data_keys |

Providers that are not disabled are also in the index `DueIndex`, whose partition is the attribute `due`: `DUE#{shard}`.

The `secrets` table:

| PK | SK | item | written by |
| --- | --- | --- | --- |
| `ORG#{org}#PROV#{provider id}` | `V#{version}` | a sealed credential | providers; expiry destroys it |
| `ORG#{org}` | `KEY#{data key id}` | an organization's wrapped data key | data_keys |
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from providers.adapters.tables.attributes import Item, to_text
from providers.model.policy import OUTBOX_SHARDS, SHARDS
from providers_data_plane.stored import org_key

if TYPE_CHECKING:
    from providers.model.events import Event
    from providers.ports import Expired

MANAGEMENT_KEY_PREFIX: Final = "MK#"

OUTBOX: Final = "OUTBOX#"

QUARANTINE: Final = "QUARANTINE"
"""The partition of events that cannot be published."""

EXPIRED: Final = "EXPIRED"
"""The partition of retired versions."""

IDLE: Final = "IDLE"
"""The partition of destroyed versions."""

HEALTH: Final = "HEALTH#"
"""The prefix of the partitions of health samples."""


def fingerprint_key(org: str, fingerprint: str, provider_id: str = "") -> Item:
    """Return the key of a provider's fingerprint; without a provider, the prefix of all keys with this fingerprint."""
    return {"PK": org_key(org), "SK": f"FP#{fingerprint}#{provider_id}"}


def route_key(org: str, slug: str) -> Item:
    """Return the key of a routing config."""
    return {"PK": org_key(org), "SK": f"ROUTE#{slug}"}


def health_partition(provider_id: str) -> str:
    """Return the partition of a provider's health samples."""
    return f"{HEALTH}{provider_id}"


def health_key(provider_id: str, at: datetime) -> Item:
    """Return the key of the item with the samples of the hour of `at`."""
    return {"PK": health_partition(provider_id), "SK": hour_of(at)}


def hour_of(at: datetime) -> str:
    """Return the sort key of the item for the hour of `at`."""
    return f"H#{at.astimezone(UTC):%Y-%m-%dT%H}"


def outbox_shard(shard: int) -> str:
    """Return the partition of one shard of the outbox."""
    return f"{OUTBOX}{shard:02d}"


def event_key(event_id: str, shard: int) -> Item:
    """Return the key of an event in one shard of the outbox."""
    return {"PK": outbox_shard(shard), "SK": event_id}


def quarantine_key(event: Event) -> Item:
    """Return the key of an event that cannot be published."""
    return {"PK": QUARANTINE, "SK": event.id}


def outbox_shard_of(provider_id: str) -> int:
    """Return the shard of a provider's events: one, so that they are published in the order of their ids."""
    return zlib.crc32(provider_id.encode()) % OUTBOX_SHARDS


def expired_key(expired: Expired) -> Item:
    """Return the key of a version's entry in the order of retirement."""
    return {"PK": EXPIRED, "SK": _in_order(expired.at, expired)}


def idle_key(expired: Expired) -> Item:
    """Return the key of a destroyed version's entry."""
    return {"PK": IDLE, "SK": _in_order(expired.idle_at, expired)}


def _in_order(at: datetime, expired: Expired) -> str:
    return f"{to_text(at)}#{expired.org}#{expired.provider_id}#{expired.version:08d}"


def audit_key(org: str, entry_id: str, resource_id: str | None = None) -> Item:
    """Return the key of an entry in an organization's audit trail, or in the trail of one resource."""
    return {"PK": f"AUDIT#{org}" if resource_id is None else f"AUDIT#{org}#{resource_id}", "SK": entry_id}


def idempotency_key(org: str, digest: str) -> Item:
    """Return the key of the record of an organization's idempotency key."""
    return {"PK": f"IDEM#{org}#{digest}", "SK": "-"}


def upload_key(upload_id: str) -> Item:
    """Return the key of an upload link."""
    return {"PK": f"UPLOAD#{upload_id}", "SK": "-"}


def management_key_key(key_id: str) -> Item:
    """Return the key of a management key's item."""
    return {"PK": f"{MANAGEMENT_KEY_PREFIX}{key_id}", "SK": "-"}


def rate_key(key_id: str, minute: int) -> Item:
    """Return the key of a management key's counter for one minute."""
    return {"PK": f"RL#{key_id}#{minute}", "SK": "-"}


def verifications_key(minute: int) -> Item:
    """Return the key of the counts of verifications in one minute."""
    return {"PK": f"VL#{minute}", "SK": "-"}


def count_key(org: str) -> Item:
    """Return the key of the counts of an organization's resources."""
    return {"PK": f"COUNT#{org}", "SK": "-"}


def links_key(org: str, window: int) -> Item:
    """Return the key of the count of an organization's upload links in a window of ten minutes."""
    return {"PK": f"COUNT#{org}#LINKS#{window}", "SK": "-"}


def due_shard(shard: int) -> str:
    """Return the index's partition for a shard."""
    return f"DUE#{shard:02d}"


def shard_of(provider_id: str) -> int:
    """Return the shard of a provider. It never changes, so a provider item never moves in the index."""
    return zlib.crc32(provider_id.encode()) % SHARDS
