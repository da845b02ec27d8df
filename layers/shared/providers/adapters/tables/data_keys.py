"""Wrapped data keys: the organizations' in `secrets`, the stack's digest key in `main`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from providers.adapters.tables.attributes import Item, to_text
from providers.adapters.tables.transactions import ABSENT, delete, get, put, query, write
from providers_data_plane.sealed import WrappedKey
from providers_data_plane.stored import data_key_key, wrapped_from

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDataKeys:
    """Wrapped data keys in one table, with `prefix` before the owners' names."""

    def __init__(self, client: DynamoDBClient, table: str, prefix: str = "") -> None:
        self._client = client
        self._table = table
        self._prefix = prefix

    def get(self, owner: str, key_id: str) -> WrappedKey | None:
        """Return the wrapped key."""
        found = get(self._client, self._table, data_key_key(self._prefix + owner, key_id))
        return None if found is None else wrapped_from(found)

    def list(self, owner: str, limit: int) -> Sequence[WrappedKey]:
        """Return up to `limit` wrapped keys, newest first."""
        found = query(self._client, self._table, self._prefix + owner, "KEY#", limit=limit, newest_first=True)
        return [wrapped_from(item) for item in found]

    def delete(self, owner: str, key_id: str) -> None:
        """Delete a wrapped key."""
        gone = delete(self._table, data_key_key(self._prefix + owner, key_id))
        write(self._client, "delete_item", gone["Delete"])

    def put(self, owner: str, key: WrappedKey) -> None:
        """Store a new key."""
        item = wrapped_item(self._prefix + owner, key)
        write(self._client, "put_item", put(self._table, item, ABSENT)["Put"])


def wrapped_item(owner: str, key: WrappedKey) -> Item:
    """Return the item of a wrapped data key."""
    return data_key_key(owner, key.id) | {"ciphertext": key.ciphertext, "created_at": to_text(key.created_at)}
