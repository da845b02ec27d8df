"""The outbox: events that are committed and not yet published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from providers.adapters.tables.attributes import Item, to_text
from providers.adapters.tables.keys import event_key, outbox_shard, outbox_shard_of, quarantine_key
from providers.adapters.tables.transactions import delete, delete_many, put, query, transact
from providers.model.events import Event, EventType
from providers.ports import Refused

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoOutbox:
    """Events that are committed and not yet published."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def pending(self, shard: int, limit: int, after: Event | None = None) -> Sequence[Event]:
        """Return the oldest events of one shard, after `after`."""
        start = None if after is None else event_key(after.id, shard)
        found = query(self._client, self._main, outbox_shard(shard), "", limit=limit, start=start)
        return [event_from(item) for item in found]

    def forget(self, shard: int, events: Sequence[Event]) -> None:
        """Remove events by BatchWriteItem. Idempotent."""
        delete_many(self._client, self._main, [event_key(event.id, shard) for event in events])

    def quarantine(self, shard: int, refused: Sequence[Refused], at: datetime) -> None:
        """Move events from the outbox to the quarantine partition."""
        for each in refused:
            action = put(self._main, quarantined_item(each.event, each.code, at))
            transact(self._client, [action, delete(self._main, event_key(each.event.id, shard))])


def event_item(event: Event) -> Item:
    """Return the item of an event in the outbox."""
    return event_key(event.id, outbox_shard_of(event.provider_id)) | {
        "type": event.type.value,
        "at": to_text(event.at),
        "org": event.org,
        "provider_id": event.provider_id,
        "detail": event.detail,
    }


def event_from(item: Item) -> Event:
    """Return the event in an item."""
    return Event(
        item["SK"],
        EventType(item["type"]),
        datetime.fromisoformat(item["at"]),
        item["org"],
        item["provider_id"],
        item["detail"],
    )


def quarantined_item(event: Event, code: str, at: datetime) -> Item:
    """Return the item of an event that EventBridge rejects, with the error code."""
    return event_item(event) | quarantine_key(event) | {"error_code": code, "quarantined_at": to_text(at)}
