"""moto's DynamoDB transactions at the price of what they touch.

To be able to roll back, moto copies a table with all its items, once for each action of a transaction: with a day of
twenty providers' health in it, a change took a third of a second, and longer every day. Here the copy of a table shares
its items, and the items that a transaction updates (the only ones that moto changes in place) are put back by hand.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

_transact: Final = DynamoDBBackend.transact_write_items


def quick_transactions() -> None:
    """Let moto work so from now on, in this process."""
    Table.__deepcopy__ = _sharing_items  # type: ignore[attr-defined]
    DynamoDBBackend.transact_write_items = _transact_and_put_back  # type: ignore[method-assign]


def _sharing_items(table: Table, _: dict[int, Any]) -> Table:
    """A copy that items come into and go from without the other's knowing; every table here has a sort key."""
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
