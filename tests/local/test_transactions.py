"""Tests that moto's patched transactions are still atomic, and cost only as much as the items they touch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto.dynamodb.models.dynamo_type import Item

from tests.kit.aws import Tables, moto_tables

COUNT = 50


@pytest.fixture
def tables() -> Iterator[Tables]:
    """Yield a table with some items, each in its own partition."""
    with moto_tables() as found:
        for number in range(COUNT):
            found.client.put_item(TableName=found.main, Item=key(number) | {"n": {"N": "0"}, "l": {"L": []}})
        yield found


def key(number: int) -> dict[str, Any]:
    return {"PK": {"S": f"P#{number}"}, "SK": {"S": "-"}}


def update(tables: Tables, number: int) -> dict[str, Any]:
    """Return an action that changes an attribute, and one inside an attribute."""
    return {
        "Update": {
            "TableName": tables.main,
            "Key": key(number),
            "UpdateExpression": "SET n = :n, l = list_append(if_not_exists(l, :none), :l)",
            "ExpressionAttributeValues": {
                ":n": {"N": "7"},
                ":l": {"L": [{"S": "x"}]},
                ":none": {"L": []},
            },
        }
    }


def put(tables: Tables, number: int, condition: str) -> dict[str, Any]:
    return {"Put": {"TableName": tables.main, "Item": key(number), "ConditionExpression": condition}}


def test_a_transaction_that_fails_leaves_everything_as_it_was(tables: Tables) -> None:
    """If a condition fails, all earlier updates, puts and deletes are rolled back."""
    before = tables.everything(tables.main)
    actions = [
        update(tables, 0),
        update(tables, 999),
        put(tables, 1_000, "attribute_not_exists(PK)"),
        {"Delete": {"TableName": tables.main, "Key": key(1)}},
        put(tables, 2, "attribute_not_exists(PK)"),
    ]
    with pytest.raises(tables.client.exceptions.TransactionCanceledException):
        tables.client.transact_write_items(TransactItems=actions)
    assert tables.everything(tables.main) == before


def test_a_transaction_that_holds_is_made_whole(tables: Tables) -> None:
    """A transaction whose conditions hold is applied in full, and changes nothing else."""
    before = {item["PK"]["S"]: item for item in tables.everything(tables.main)}
    actions = [update(tables, 0), put(tables, 1_000, "attribute_not_exists(PK)")]
    tables.client.transact_write_items(TransactItems=[*actions, {"Delete": {"TableName": tables.main, "Key": key(1)}}])
    after = {item["PK"]["S"]: item for item in tables.everything(tables.main)}
    assert (after.pop("P#0")["l"], after.pop("P#1000")) == ({"L": [{"S": "x"}]}, key(1_000))
    assert after == {name: item for name, item in before.items() if name not in ("P#0", "P#1")}


def test_it_copies_only_what_it_updates(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction copies only the items that it updates; unpatched moto copies the table for each action."""
    copied = []
    real = Item.__deepcopy__

    def counting(self: Item, memo: dict[int, Any]) -> Item:
        copied.append(self.hash_key.value)
        return real(self, memo)

    monkeypatch.setattr(Item, "__deepcopy__", counting)
    tables.client.transact_write_items(TransactItems=[update(tables, 0), update(tables, 1)])
    assert set(copied) == {"P#0", "P#1"}
