"""Retired key versions: those to destroy, by expiry, and destroyed ones, by the time after which none is in use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from providers.adapters.tables.attributes import Item, to_text
from providers.adapters.tables.keys import EXPIRED, IDLE, expired_key, idle_key
from providers.adapters.tables.outbox import event_item
from providers.adapters.tables.transactions import ConditionFailed, delete, put, query, transact, write
from providers.model.events import Event
from providers.model.provider import IN_FLIGHT
from providers.ports import Expired, StaleWrite
from providers_data_plane.stored import secret_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoExpired:
    """Retired versions, ordered by expiry. The rotation that replaces a version adds it."""

    def __init__(self, client: DynamoDBClient, main: str, secrets: str) -> None:
        self._client = client
        self._main = main
        self._secrets = secrets

    def list_due(self, now: datetime, limit: int) -> Sequence[Expired]:
        """Return the oldest expired versions."""
        found = query(self._client, self._main, EXPIRED, "", limit=limit)
        return [each for each in map(expired_from, found) if each.at <= now]

    def destroy(self, expired: Expired) -> None:
        """Delete the row, and move its entry; only delete the entry if the row may still be read."""
        row = secret_key(expired.org, expired.provider_id, expired.version)
        condition = "attribute_not_exists(PK) OR expires_at <= :at"
        entry = delete(self._main, expired_key(expired))
        idle = put(self._main, idle_key(expired) | {"fingerprint": expired.fingerprint})
        try:
            transact(self._client, [delete(self._secrets, row, condition, at=to_text(expired.at)), entry, idle])
        except ConditionFailed:
            write(self._client, "delete_item", entry["Delete"])

    def list_idle(self, now: datetime, limit: int) -> Sequence[Expired]:
        """Return the destroyed versions that have been idle for longest."""
        found = query(self._client, self._main, IDLE, "", limit=limit)
        return [each for each in (expired_from(item, IN_FLIGHT) for item in found) if each.idle_at <= now]

    def announce(self, expired: Expired, events: Sequence[Event]) -> None:
        """Delete the entry, and add events to the outbox."""
        entry = delete(self._main, idle_key(expired), "attribute_exists(PK)")
        try:
            transact(self._client, [entry, *(put(self._main, event_item(event)) for event in events)])
        except ConditionFailed:
            raise StaleWrite from None


def expired_from(item: Item, after: timedelta = timedelta(0)) -> Expired:
    """Return the version in an item whose key has a time that is `after` its expiry; the reverse of its key."""
    at, _, rest = item["SK"].partition("#")
    org, provider_id, number = rest.rsplit("#", 2)
    return Expired(datetime.fromisoformat(at) - after, org, provider_id, int(number), item.get("fingerprint", ""))
