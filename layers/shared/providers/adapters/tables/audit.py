"""The audit trail: who changed what, for the organization and for each resource."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from providers.adapters.tables.attributes import Item, epoch, to_text
from providers.adapters.tables.keys import audit_key
from providers.adapters.tables.transactions import query_page
from providers.model.audit import KEPT, Actor, Entry
from providers.ports import AuditFilter
from providers_contract.vocabulary import Action

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoAudit:
    """The audit trail: one partition for each organization, ordered by time."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def list(
        self, org: str, wanted: AuditFilter, since: datetime, limit: int, before: str | None
    ) -> tuple[Sequence[Entry], str | None]:
        """Return up to `limit` entries, newest first, of the organization or one resource."""
        found, last = query_page(
            self._client,
            self._main,
            str(audit_key(org, "", wanted.resource_id)["PK"]),
            "",
            limit=limit,
            start=None if before is None else audit_key(org, before, wanted.resource_id),
            equals={"action": wanted.action, "key_id": wanted.key_id},
        )
        entries = [entry for entry in map(entry_from, found) if entry.at > since]
        return entries, last if len(entries) == len(found) else None  # the TTL removes entries older than `since`


def entry_items(entry: Entry) -> list[Item]:
    """Return the items of an audit entry, one for the organization and one for the resource (decision 16)."""
    members = _entry_members(entry)
    return [audit_key(entry.org, entry.id, trail) | members for trail in (None, entry.resource_id)]


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
    """Return the audit entry in an item."""
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
