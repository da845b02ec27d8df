"""Retired key versions, ordered by the time at which they are destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from providers.adapters.tables.attributes import Item, to_text
from providers.adapters.tables.keys import EXPIRED, expired_key
from providers.adapters.tables.transactions import ConditionFailed, delete, query, transact, write
from providers.ports import Expired
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
        """Delete the row and its entry; only the entry if the row may still be read."""
        row = secret_key(expired.org, expired.provider_id, expired.version)
        condition = "attribute_not_exists(PK) OR expires_at <= :at"
        entry = delete(self._main, expired_key(expired))
        try:
            transact(self._client, [delete(self._secrets, row, condition, at=to_text(expired.at)), entry])
        except ConditionFailed:
            write(self._client, "delete_item", entry["Delete"])


def expired_from(item: Item) -> Expired:
    """Return the version in an item; the reverse of `expired_key`."""
    at, _, rest = item["SK"].partition("#")
    org, provider_id, number = rest.rsplit("#", 2)
    return Expired(datetime.fromisoformat(at), org, provider_id, int(number))
