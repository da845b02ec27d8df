"""Tests that moto, patched to cost less, still responds the same, and that its transactions are still atomic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import moto.dynamodb.responses
import pytest
from moto import mock_aws
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node  # type: ignore[attr-defined]

from local import faster_moto
from tests.kit.aws import REGION, Tables, moto_tables

COUNT = 50
UNPATCHED = DepthFirstTraverser.traverse_node_recursively
"""moto's own; nothing is patched before the first test runs."""


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


EVERY_TYPE: dict[str, Any] = {
    "s": {"S": "é\n"},
    "n": {"N": "1.50"},
    "b": {"B": b"\x00\xff"},
    "bool": {"BOOL": False},
    "null": {"NULL": True},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2.5"]},
    "bs": {"BS": [b"\x01", b"\x02"]},
    "m": {"M": {"l": {"L": [{"B": b"\x03"}, {"M": {}}, {"N": "7"}]}}},
}


def responses(tables: Tables) -> list[dict[str, Any]]:
    """Return the responses to every kind of read, with pages, an index, a projection and nothing found."""
    dynamodb, name = tables.client, tables.main
    partition: dict[str, Any] = {
        "TableName": name,
        "KeyConditionExpression": "PK = :p",
        "ExpressionAttributeValues": {":p": {"S": "Q"}},
    }
    index = partition | {
        "IndexName": "DueIndex",
        "KeyConditionExpression": "due = :p",
        "ExpressionAttributeValues": {":p": {"S": "shard"}},
    }
    keys = [{"PK": {"S": "Q"}, "SK": {"S": f"{number}"}} for number in (1, 2, 99)]
    found = [
        *(dynamodb.get_item(TableName=name, Key=each) for each in keys),
        dynamodb.get_item(TableName=name, Key=keys[0], ProjectionExpression="b,m"),
        dynamodb.batch_get_item(RequestItems={name: {"Keys": keys}}),
        dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": name, "Key": each}} for each in keys]),
        dynamodb.scan(TableName=name, Limit=3),
        dynamodb.scan(TableName=name, Select="COUNT"),
        dynamodb.query(**partition, ScanIndexForward=False),
        dynamodb.query(**partition, Select="COUNT", ReturnConsumedCapacity="TOTAL"),
        dynamodb.query(**partition | {"ExpressionAttributeValues": {":p": {"S": "nothing"}}}),
        first := dynamodb.query(**partition, Limit=2),
        dynamodb.query(**partition, ExclusiveStartKey=first["LastEvaluatedKey"]),
        first := dynamodb.query(**index, Limit=2),
        dynamodb.query(**index, ExclusiveStartKey=first["LastEvaluatedKey"]),
    ]
    for each in found:
        del each["ResponseMetadata"]
    return found


def writes(tables: Tables) -> list[dict[str, Any]]:
    """Return the responses to every kind of write of one item, and the errors of updates; leave no item."""
    dynamodb, found = tables.client, list[dict[str, Any]]()
    item: dict[str, Any] = {"TableName": tables.main, "Key": {"PK": {"S": "W"}, "SK": {"S": "-"}}}

    def updated(expression: str, *values: Any, returned: str = "ALL_NEW", **names: str) -> None:
        given = {f":{number}": value for number, value in enumerate(values)}
        more: dict[str, Any] = {"ExpressionAttributeValues": given} if given else {}
        more |= {"ExpressionAttributeNames": {f"#{name}": value for name, value in names.items()}} if names else {}
        try:
            found.append(dynamodb.update_item(**item, **more, UpdateExpression=expression, ReturnValues=returned))
        except dynamodb.exceptions.ClientError as error:
            found.append(error.response)

    one, text, several = {"N": "1"}, {"S": "é"}, {"L": [{"S": "a"}, {"M": {"n": {"N": "7"}}}]}
    found.append(dynamodb.put_item(TableName=tables.main, Item=item["Key"] | WITHOUT_BYTES, ReturnValues="ALL_OLD"))
    found.append(dynamodb.put_item(TableName=tables.main, Item=item["Key"] | WITHOUT_BYTES, ReturnValues="ALL_OLD"))
    updated("ADD n :0, ss :1 SET #s = if_not_exists(#s, :2), t = if_not_exists(t, :2)", one, {"SS": ["c"]}, text, s="s")
    updated("SET l = list_append(if_not_exists(l, :0), :0), m.#x = :1, n = n + :1 REMOVE ns", several, one, x="x")
    updated("SET l[0] = :0, l[7] = l[1].n REMOVE l[2] DELETE ss :1", one, {"SS": ["a"]}, returned="UPDATED_NEW")
    updated("SET n = n - :0", one, returned="ALL_OLD")
    updated("SET n = n - :0", one, returned="UPDATED_OLD")
    updated("SET n = n - :0", one, returned="NONE")
    updated("SET n = absent + :0", one)
    updated("SET s = s + :0", one)
    updated("SET absent.inside = :0", one)
    updated("SET a = :1", one)
    updated("SET #a = :0", one, b="b")
    updated("SET a = :0, a = :0", one)
    updated("SET a = :0 SET b = :0", one)
    updated("SET PK = :0", text)
    updated("SET size = :0", one)
    updated("ADD s :0", one)
    found.append(dynamodb.delete_item(**item, ReturnValues="ALL_OLD"))
    found.append(dynamodb.delete_item(**item))
    for each in found:
        del each["ResponseMetadata"]
    return found


WITHOUT_BYTES = {name: value for name, value in EVERY_TYPE.items() if name not in ("b", "bs", "m")} | {"m": {"M": {}}}
"""moto encodes bytes twice in its responses to writes."""


def unpatch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(moto.dynamodb.responses, "DynamoResult", faster_moto._Result.__base__)
    patch.setattr(Table, "query", faster_moto._query)
    assert DepthFirstTraverser.traverse_node_recursively is not UNPATCHED
    patch.setattr(DepthFirstTraverser, "traverse_node_recursively", UNPATCHED)
    patch.delattr(Node, "__deepcopy__")


def test_reads_respond_as_unpatched_moto_does(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every read has the same response as without the patches, for each type of attribute."""
    for number in range(5):
        item = {"PK": {"S": "Q"}, "SK": {"S": f"{number}"}} | EVERY_TYPE
        tables.client.put_item(TableName=tables.main, Item=item | ({"due": {"S": "shard"}} if number else {}))
    patched = responses(tables)
    unpatch(monkeypatch)
    assert patched == responses(tables)


def test_writes_respond_as_unpatched_moto_does(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write has the same response, and every update that is refused the same error."""
    patched = writes(tables)
    assert sum("Error" in each for each in patched) == 10
    unpatch(monkeypatch)
    assert patched == writes(tables)


def test_a_write_returns_the_bytes_that_are_stored(tables: Tables) -> None:
    """Bytes are in the response to a write as they were sent."""
    item = key(0) | EVERY_TYPE
    tables.client.put_item(TableName=tables.main, Item=item)
    found = tables.client.update_item(
        TableName=tables.main, Key=key(0), UpdateExpression="REMOVE s", ReturnValues="ALL_NEW"
    )
    assert found["Attributes"] == {name: value for name, value in item.items() if name != "s"}


def test_a_query_compares_only_the_items_of_its_partition(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query compares no item of another partition; unpatched moto compares all of them with each other."""
    compared = []
    real = DynamoType.__eq__

    def counting(self: DynamoType, other: DynamoType) -> bool:
        compared.append(self.value)
        return real(self, other)

    monkeypatch.setattr(DynamoType, "__eq__", counting)
    found = tables.client.query(
        TableName=tables.main,
        KeyConditionExpression="PK = :p",
        ExpressionAttributeValues={":p": {"S": "P#7"}},
    )
    assert found["Count"] == 1
    assert set(compared) <= {"P#7", "-"}


@pytest.mark.parametrize(
    ("spec", "usage"), [("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), ("ECC_NIST_P256", "SIGN_VERIFY")]
)
def test_both_kinds_of_keys_work(spec: Any, usage: Any) -> None:
    """A key pair is generated only for a key that has one."""
    with mock_aws():
        kms = boto3.client("kms", region_name=REGION)
        made = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
        if usage == "SIGN_VERIFY":
            assert kms.get_public_key(KeyId=made["KeyId"])["PublicKey"]
        else:
            sealed = kms.encrypt(KeyId=made["KeyId"], Plaintext=b"plain")["CiphertextBlob"]
            assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"plain"
