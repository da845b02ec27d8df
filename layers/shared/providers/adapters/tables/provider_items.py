"""Converts providers and their sealed credentials to DynamoDB items and back."""

from __future__ import annotations

from datetime import UTC, datetime

from providers.adapters.tables.attributes import Item, epoch, to_text, to_time
from providers.adapters.tables.keys import due_shard, shard_of
from providers.model.health import Health, HealthChange
from providers.model.provider import ExpiryNotice, KeyVersion, Provider, Verification
from providers_contract.vocabulary import HealthState, Outcome, Reason, Status
from providers_data_plane.sealed import SealedCredential
from providers_data_plane.stored import secret_key


def provider_members(provider: Provider) -> Item:
    """Return the attributes that an owner's change replaces: all of a provider item except its key, refs and health."""
    return {
        "vendor": provider.vendor,
        "name": provider.name,
        "tags": [*provider.tags] or None,
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
    """Return the last verification. The sweep also writes it, for a pending provider."""
    found = provider.verification
    reason = found.reason.value if found.reason else None
    return {"verification": {"outcome": found.outcome.value, "reason": reason, "checked_at": to_text(found.checked_at)}}


def health_members(provider: Provider) -> Item:
    """Return health and back-off on the provider item. The sweep writes them; a new key version resets them."""
    health = provider.health
    return {
        "health_state": health.state.value,
        "health_reason": health.reason.value if health.reason else None,
        "health_since": to_text(health.since),
        "health_version": health.version,
        "probe_after": to_text(provider.probe_after),
        "throttled": provider.throttled or None,
    }


def change_members(provider: Provider) -> Item:
    """Return the latest changes of state, as rows to keep the item small; an owner's change keeps them."""
    return {
        "health_changes": [
            [
                each.at.astimezone(UTC).isoformat(timespec="minutes"),
                each.before.value,
                each.after.value,
                each.reason.value if each.reason else None,
                each.version,
            ]
            for each in provider.health_changes
        ]
    }


def notice_member(notice: ExpiryNotice | None) -> Item | None:
    """Return the latest notice of an expiry as the sweep stores it; an owner's change keeps it."""
    return None if notice is None else {"days": notice.days, "key_expires_at": to_text(notice.key_expires_at)}


def provider_from(item: Item) -> Provider:
    """Return the provider in `item`."""
    verification = item["verification"]
    return Provider(
        org=item["PK"].removeprefix("ORG#"),
        id=item["SK"].removeprefix("PROV#"),
        vendor=item["vendor"],
        name=item["name"],
        status=Status(item["status"]),
        created_at=datetime.fromisoformat(item["created_at"]),
        updated_at=datetime.fromisoformat(item["updated_at"]),
        versions=tuple(_version_from(each) for each in item["versions"]),
        verification=Verification(
            Outcome(verification["outcome"]),
            _reason(verification["reason"]),
            datetime.fromisoformat(verification["checked_at"]),
        ),
        revision=item["revision"],
        refs=frozenset(item.get("refs", ())),
        health=Health(
            HealthState(item["health_state"]),
            _reason(item.get("health_reason")),
            to_time(item.get("health_since")),
            item["health_version"],
        ),
        tags=tuple(item.get("tags", ())),
        probe_after=to_time(item.get("probe_after")),
        throttled=item.get("throttled", 0),
        expiry_notice=_notice_from(item.get("expiry_notice")),
        health_changes=tuple(
            HealthChange(datetime.fromisoformat(at), HealthState(before), HealthState(after), _reason(reason), version)
            for at, before, after, reason, version in item.get("health_changes", ())
        ),
    )


def _notice_from(item: Item | None) -> ExpiryNotice | None:
    return None if item is None else ExpiryNotice(item["days"], datetime.fromisoformat(item["key_expires_at"]))


def _version_from(item: Item) -> KeyVersion:
    return KeyVersion(
        number=item["number"],
        hint=item["hint"],
        created_at=datetime.fromisoformat(item["created_at"]),
        retires_at=to_time(item["retires_at"]),
        base_url=item["base_url"],
        fingerprint=item["fingerprint"],
        key_expires_at=to_time(item["key_expires_at"]),
        account=item["account"],
    )


def _reason(text: str | None) -> Reason | None:
    """Return the reason; one of a later release (after a rollback) becomes `unexpected_answer`."""
    try:
        return Reason(text) if text else None
    except ValueError:
        return Reason.UNEXPECTED_ANSWER


def sealed_item(sealed: SealedCredential) -> Item:
    """Return the row of a sealed credential in the `secrets` table."""
    return secret_key(sealed.org, sealed.provider_id, sealed.version) | {
        "data_key_id": sealed.data_key_id,
        "nonce": sealed.nonce,
        "ciphertext": sealed.ciphertext,
        "created_at": to_text(sealed.created_at),
        "expires_at": to_text(sealed.expires_at),
        "last_used_at": to_text(sealed.last_used_at),
        "ttl": epoch(sealed.expires_at),
    }
