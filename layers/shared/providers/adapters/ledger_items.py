"""What is committed alongside changes, as DynamoDB items and back: audit entries, idempotency records, upload links."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from providers.adapters.items import (
    Item,
    audit_key,
    epoch,
    idempotency_key,
    to_text,
    upload_key,
)
from providers.model.audit import KEPT, Actor, Entry
from providers.model.idempotency import Claim, Found, Recorded
from providers.model.upload import Upload
from providers.ports import Expired
from providers_contract.vocabulary import Action

EXPIRED: Final = "EXPIRED"
"""The partition of the versions that retire."""


def entry_items(entry: Entry) -> list[Item]:
    """An entry of the audit trail, once for the organization and once for the resource (decision 16)."""
    members = _entry_members(entry)
    return [audit_key(entry.org, entry.id, place) | members for place in (None, entry.resource_id)]


def _entry_members(entry: Entry) -> Item:
    return {
        "at": to_text(entry.at),
        "actor": entry.actor.type,
        "key_id": entry.actor.key_id,
        "action": entry.action.value,
        "resource_type": entry.resource_type,
        "resource_id": entry.resource_id,
        "before": entry.before,
        "after": entry.after,
        "request_id": entry.request_id,
        "ttl": epoch(entry.at + KEPT),
    }


def entry_from(item: Item) -> Entry:
    """An entry as it was stored."""
    return Entry(
        id=item["SK"],
        at=datetime.fromisoformat(item["at"]),
        org=item["PK"].split("#")[1],
        actor=Actor(item["actor"], item.get("key_id")),
        action=Action(item["action"]),
        resource_type=item["resource_type"],
        resource_id=item["resource_id"],
        before=item.get("before"),
        after=item.get("after"),
        request_id=item.get("request_id"),
    )


def claim_item(claim: Claim, answer: Recorded | None = None) -> Item:
    """What stands for an idempotency key: a claim, and its answer once there is one."""
    recorded = answer and {"status": answer.status, "headers": dict(answer.headers), "body": answer.body}
    return idempotency_key(claim.org, claim.key) | {
        "request_digest": claim.request,
        "lease_owner": claim.owner,
        "lease_until": to_text(claim.until),
        "expires_at": to_text(claim.expires_at),
        "answer": recorded,
        "ttl": epoch(claim.expires_at),
    }


def found_from(item: Item) -> Found:
    """What another request has left."""
    answer = item.get("answer")
    return Found(
        request=item["request_digest"],
        until=datetime.fromisoformat(item["lease_until"]),
        answer=Recorded(answer["status"], answer["headers"], answer["body"]) if answer else None,
    )


def upload_item(upload: Upload) -> Item:
    """An upload link."""
    return upload_key(upload.id) | {
        "org": upload.org,
        "key_id": upload.key_id,
        "vendor": upload.vendor,
        "name": upload.name,
        "base_url": upload.base_url,
        "provider_id": upload.provider_id,
        "created_at": to_text(upload.created_at),
        "expires_at": to_text(upload.expires_at),
        "tries": upload.tries,
        "mac": upload.mac,
        "ttl": epoch(upload.expires_at),
    }


def upload_from(item: Item) -> Upload:
    """An upload link as it was stored."""
    return Upload(
        id=item["PK"].removeprefix("UPLOAD#"),
        org=item["org"],
        key_id=item["key_id"],
        vendor=item["vendor"],
        name=item["name"],
        base_url=item.get("base_url"),
        provider_id=item.get("provider_id"),
        created_at=datetime.fromisoformat(item["created_at"]),
        expires_at=datetime.fromisoformat(item["expires_at"]),
        tries=item["tries"],
        mac=item.get("mac", ""),
    )


def expired_key(expired: Expired) -> Item:
    """A version's place in the order of those that retire."""
    at, number = to_text(expired.at), f"{expired.version:08d}"
    return {"PK": EXPIRED, "SK": f"{at}#{expired.org}#{expired.provider_id}#{number}"}


def expired_from(item: Item) -> Expired:
    """The reverse of `expired_key`."""
    at, _, place = item["SK"].partition("#")
    org, provider_id, number = place.rsplit("#", 2)
    return Expired(datetime.fromisoformat(at), org, provider_id, int(number))
