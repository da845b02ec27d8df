"""Makes moto's DynamoDB transactions cost only as much as the items they touch.

To roll back, moto copies the whole table once for each action of a transaction: with one day of health samples for
twenty providers, a change took a third of a second, and longer every day. Here the copy of a table shares its items;
on rollback, the items that the transaction updated (the only ones that moto changes in place) are restored.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

_transact: Final = DynamoDBBackend.transact_write_items


def quick_transactions() -> None:
    """Patch moto in this process."""
    Table.__deepcopy__ = _sharing_items  # type: ignore[attr-defined]
    DynamoDBBackend.transact_write_items = _transact_and_put_back  # type: ignore[method-assign]


def _sharing_items(table: Table, _: dict[int, Any]) -> Table:
    """Return a copy with its own collections but the same items; every table here has a sort key."""
    copied = copy.copy(table)
    copied.items = table.items.copy()
    for partition, items in table.items.items():
        copied.items[partition] = items.copy()
    return copied


def _transact_and_put_back(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    updates = [action["Update"] for action in transact_items if "Update" in action]
    found = [(update["TableName"], self.get_item(update["TableName"], update["Key"])) for update in updates]
    held = [(name, item) for name, item in found if item is not None]
    for name, item in held:
        _put(self, name, copy.deepcopy(item))
    try:
        _transact(self, transact_items)
    except Exception:
        for name, item in held:
            _put(self, name, item)
        raise


def _put(backend: DynamoDBBackend, table: str, item: Item) -> None:
    backend.tables[table].items[item.hash_key][item.range_key] = item
