"""Models to DynamoDB items and back. The only place that knows attribute names and key shapes."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from boto3.dynamodb.types import TypeSerializer

from providers.model.events import Event, EventType
from providers.model.health import Health
from providers.model.management_key import ManagementKey
from providers.model.policy import OUTBOX_SHARDS, SHARDS
from providers.model.provider import KeyVersion, Provider, Verification
from providers.model.routing import Attempt, RoutingConfig
from providers.model.sealed import SealedCredential, WrappedKey
from providers_contract.vocabulary import HealthState, Outcome, Reason, Scope, Status

Item = dict[str, Any]

MANAGEMENT_KEY_PREFIX: Final = "MK#"

_serializer: Final = TypeSerializer()


def marshal(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Python values to DynamoDB's typed form; members that are None or an empty set are left out."""
    return {name: _serializer.serialize(value) for name, value in plain.items() if value is not None and value != set()}


def unmarshal(item: Mapping[str, Any]) -> Item:
    """DynamoDB's typed form to Python values. Ours, because boto3's takes several times the time of it all."""
    return {name: _plain(value) for name, value in item.items()}


def _plain(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "B" | "BOOL":
            return value
        case "N":
            return int(value) if value.lstrip("-").isdigit() else float(value)
        case "NULL":
            return None
        case "L":
            return [_plain(each) for each in value]
        case "M":
            return unmarshal(value)
        case "SS":
            return set(value)
    raise ValueError(f"an attribute of a type that is never written: {kind}")


def to_text(at: datetime | None) -> str | None:
    """A time in UTC as ISO 8601 with microseconds, so that text sorts as time does."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")


def to_time(text: str | None) -> datetime | None:
    """The reverse of `to_text`."""
    return None if text is None else datetime.fromisoformat(text)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def epoch(at: datetime | None) -> int | None:
    """Whole seconds since 1970, rounded up, as DynamoDB's TTL wants them."""
    return None if at is None else -int(-at.timestamp() // 1)


# keys of the `main` table


def org_key(org: str) -> str:
    """Partition of everything that belongs to an organization."""
    return f"ORG#{org}"


def provider_key(org: str, provider_id: str) -> Item:
    """A provider's head."""
    return {"PK": org_key(org), "SK": f"PROV#{provider_id}"}


def name_key(org: str, claim: str) -> Item:
    """A claim on a provider's name."""
    return {"PK": org_key(org), "SK": f"NAME#{claim}"}


def fingerprint_key(org: str, fingerprint: str, provider_id: str = "") -> Item:
    """A provider's fingerprint; without the provider, what the keys of all that share it begin with."""
    return {"PK": org_key(org), "SK": f"FP#{fingerprint}#{provider_id}"}


def route_key(org: str, slug: str) -> Item:
    """A routing config."""
    return {"PK": org_key(org), "SK": f"ROUTE#{slug}"}


def management_key_key(key_id: str) -> Item:
    """A management key."""
    return {"PK": f"{MANAGEMENT_KEY_PREFIX}{key_id}", "SK": "-"}


def rate_key(key_id: str, minute: int) -> Item:
    """The counter of one management key in one minute."""
    return {"PK": f"RL#{key_id}#{minute}", "SK": "-"}


def idempotency_key(org: str, digest: str) -> Item:
    """What stands for an organization's idempotency key."""
    return {"PK": f"IDEM#{org}#{digest}", "SK": "-"}


def audit_key(org: str, entry_id: str, resource_id: str | None = None) -> Item:
    """An entry of an organization's audit trail, or of the trail of one resource."""
    return {"PK": f"AUDIT#{org}" if resource_id is None else f"AUDIT#{org}#{resource_id}", "SK": entry_id}


def upload_key(upload_id: str) -> Item:
    """An upload link."""
    return {"PK": f"UPLOAD#{upload_id}", "SK": "-"}


def verifications_key(org: str | None, minute: int) -> Item:
    """The counter of an organization's verifications in one minute, or of all organizations' where that is None."""
    return {"PK": f"VL#{minute}" if org is None else f"VL#{org}#{minute}", "SK": "-"}


def count_key(org: str) -> Item:
    """How many things of each kind an organization has."""
    return {"PK": f"COUNT#{org}", "SK": "-"}


def links_key(org: str, window: int) -> Item:
    """How many upload links an organization has made in a window of ten minutes."""
    return {"PK": f"COUNT#{org}#LINKS#{window}", "SK": "-"}


# keys of the `secrets` table


def secret_key(org: str, provider_id: str, version: int) -> Item:
    """A sealed credential."""
    return {"PK": f"ORG#{org}#PROV#{provider_id}", "SK": f"V#{version:08d}"}


def data_key_key(owner: str, key_id: str) -> Item:
    """A wrapped data key of `owner` (`ORG#…` or `STACK`)."""
    return {"PK": owner, "SK": f"KEY#{key_id}"}


# heads


def provider_members(provider: Provider) -> Item:
    """What a head holds and its owner's changes replace: all but the keys, the refs and the health state."""
    return {
        "vendor": provider.vendor,
        "name": provider.name,
        "status": provider.status.value,
        "created_at": to_text(provider.created_at),
        "updated_at": to_text(provider.updated_at),
        "active": provider.active.number,
        "versions": [
            {
                "number": version.number,
                "hint": version.hint,
                "created_at": to_text(version.created_at),
                "retires_at": to_text(version.retires_at),
                "base_url": version.base_url,
                "fingerprint": version.fingerprint,
                "key_expires_at": to_text(version.key_expires_at),
                "account": version.account,
            }
            for version in provider.versions
        ],
        **verification_members(provider),
        "revision": provider.revision,
        "due": None if provider.status is Status.DISABLED else due_shard(shard_of(provider.id)),
    }


def verification_members(provider: Provider) -> Item:
    """The last verification; of a pending provider the sweep writes it, too."""
    found = provider.verification
    reason = found.reason.value if found.reason else None
    return {"verification": {"outcome": found.outcome.value, "reason": reason, "checked_at": to_text(found.checked_at)}}


def _version_from(item: Item) -> KeyVersion:
    return KeyVersion(
        number=item["number"],
        hint=item["hint"],
        created_at=_time(item["created_at"]),
        retires_at=to_time(item["retires_at"]),
        base_url=item["base_url"],
        fingerprint=item["fingerprint"],
        key_expires_at=to_time(item["key_expires_at"]),
        account=item["account"],
    )


def _reason(text: str | None) -> Reason | None:
    """One of a later release, which was rolled back, is an unexpected answer."""
    try:
        return Reason(text) if text else None
    except ValueError:
        return Reason.UNEXPECTED_ANSWER


def provider_from(item: Item) -> Provider:
    """A head as it was stored."""
    verification = item["verification"]
    return Provider(
        org=item["PK"].removeprefix("ORG#"),
        id=item["SK"].removeprefix("PROV#"),
        vendor=item["vendor"],
        name=item["name"],
        status=Status(item["status"]),
        created_at=_time(item["created_at"]),
        updated_at=_time(item["updated_at"]),
        versions=tuple(_version_from(each) for each in item["versions"]),
        verification=Verification(
            Outcome(verification["outcome"]),
            _reason(verification["reason"]),
            _time(verification["checked_at"]),
        ),
        revision=item["revision"],
        refs=frozenset(item.get("refs", ())),
        health=Health(
            HealthState(item["health_state"]),
            _reason(item.get("health_reason")),
            to_time(item.get("health_since")),
            item["health_version"],
        ),
        probe_after=to_time(item.get("probe_after")),
        throttled=item.get("throttled", 0),
    )


def health_members(provider: Provider) -> Item:
    """What a head holds of its health and back-off; the sweep writes it, and a new key version begins it anew."""
    health = provider.health
    return {
        "health_state": health.state.value,
        "health_reason": health.reason.value if health.reason else None,
        "health_since": to_text(health.since),
        "health_version": health.version,
        "probe_after": to_text(provider.probe_after),
        "throttled": provider.throttled or None,
    }


def due_shard(shard: int) -> str:
    """The index's partition for a shard."""
    return f"DUE#{shard:02d}"


def shard_of(provider_id: str) -> int:
    """The shard of a provider: static, so that a head is in one place of the index for its whole life."""
    return zlib.crc32(provider_id.encode()) % SHARDS


# the outbox

OUTBOX: Final = "OUTBOX#"
QUARANTINE: Final = "QUARANTINE"
"""Partition of the events that cannot be published."""


def outbox_shard(shard: int) -> str:
    """Partition of one shard of the outbox."""
    return f"{OUTBOX}{shard:02d}"


def event_key(event: Event) -> Item:
    """An event in the outbox. The shard is taken from the id, so that simultaneous writers spread over all shards."""
    return {"PK": outbox_shard(outbox_shard_of(event.id)), "SK": event.id}


def outbox_shard_of(event_id: str) -> int:
    """The shard of an event."""
    return zlib.crc32(event_id.encode()) % OUTBOX_SHARDS


def event_item(event: Event) -> Item:
    """An event that waits to be published."""
    return event_key(event) | {
        "type": event.type.value,
        "at": to_text(event.at),
        "org": event.org,
        "provider_id": event.provider_id,
        "detail": event.detail,
    }


def event_from(item: Item) -> Event:
    """An event as it was stored."""
    return Event(
        item["SK"], EventType(item["type"]), _time(item["at"]), item["org"], item["provider_id"], item["detail"]
    )


def quarantined_item(event: Event, code: str, at: datetime) -> Item:
    """An event that EventBridge refuses, with the error's code."""
    place = {"PK": QUARANTINE, "SK": event.id}
    return event_item(event) | place | {"error_code": code, "quarantined_at": to_text(at)}


def sealed_item(sealed: SealedCredential) -> Item:
    """A row of the `secrets` table."""
    return secret_key(sealed.org, sealed.provider_id, sealed.version) | {
        "data_key_id": sealed.data_key_id,
        "nonce": sealed.nonce,
        "ciphertext": sealed.ciphertext,
        "created_at": to_text(sealed.created_at),
        "expires_at": to_text(sealed.expires_at),
        "last_used_at": to_text(sealed.last_used_at),
        "ttl": epoch(sealed.expires_at),
    }


def sealed_from(item: Item) -> SealedCredential:
    """A row as it was stored. Its place is read from its key, so a row that was copied elsewhere does not open."""
    org, _, provider_id = item["PK"].removeprefix("ORG#").rpartition("#PROV#")
    return SealedCredential(
        org=org,
        provider_id=provider_id,
        version=int(item["SK"].removeprefix("V#")),
        data_key_id=item["data_key_id"],
        nonce=item["nonce"],
        ciphertext=item["ciphertext"],
        created_at=_time(item["created_at"]),
        expires_at=to_time(item.get("expires_at")),
        last_used_at=to_time(item.get("last_used_at")),
    )


def wrapped_item(owner: str, key: WrappedKey) -> Item:
    """A wrapped data key."""
    return data_key_key(owner, key.id) | {"ciphertext": key.ciphertext, "created_at": to_text(key.created_at)}


def wrapped_from(item: Item) -> WrappedKey:
    """A wrapped data key as it was stored."""
    return WrappedKey(item["SK"].removeprefix("KEY#"), item["ciphertext"], _time(item["created_at"]))


# routing configs and management keys


def route_item(config: RoutingConfig) -> Item:
    """A routing config."""
    return route_key(config.org, config.slug) | {
        "strategy": config.strategy,
        "attempts": [{"provider_id": each.provider_id, "model": each.model} for each in config.attempts],
        "created_at": to_text(config.created_at),
        "updated_at": to_text(config.updated_at),
        "revision": config.revision,
    }


def route_from(item: Item) -> RoutingConfig:
    """A routing config as it was stored."""
    return RoutingConfig(
        org=item["PK"].removeprefix("ORG#"),
        slug=item["SK"].removeprefix("ROUTE#"),
        strategy=item["strategy"],
        attempts=tuple(Attempt(each["provider_id"], each["model"]) for each in item["attempts"]),
        created_at=_time(item["created_at"]),
        updated_at=_time(item["updated_at"]),
        revision=item["revision"],
    )


def management_key_item(key: ManagementKey) -> Item:
    """A management key."""
    return management_key_key(key.id) | {
        "digest": key.digest,
        "org": key.org,
        "name": key.name,
        "scopes": {scope.value for scope in key.scopes},
        "created_at": to_text(key.created_at),
        "expires_at": to_text(key.expires_at),
        "revoked_at": to_text(key.revoked_at),
        "last_used_at": to_text(key.last_used_at),
        "mac": key.mac,
    }


def management_key_from(item: Item) -> ManagementKey:
    """A management key as it was stored."""
    return ManagementKey(
        id=item["PK"].removeprefix(MANAGEMENT_KEY_PREFIX),
        digest=item["digest"],
        org=item["org"],
        name=item["name"],
        scopes=frozenset(Scope(each) for each in item.get("scopes", ())),
        created_at=_time(item["created_at"]),
        expires_at=to_time(item.get("expires_at")),
        revoked_at=to_time(item.get("revoked_at")),
        last_used_at=to_time(item.get("last_used_at")),
        mac=item.get("mac", ""),
    )
