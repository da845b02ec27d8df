"""The few shapes of DynamoDB calls that the stores are made of."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from providers.adapters.aws import available, error_code, unavailable, unconfirmed
from providers.adapters.items import Item, marshal, unmarshal
from providers.ports import StaleWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TRIES: Final = 6
"""How often a transaction that met another one is called; the waits add up to half a second or so."""

_THROTTLED_TRIES: Final = 2
_IN_PROGRESS_TRIES: Final = 3
_THROTTLED: Final = {"ThrottlingError", "ProvisionedThroughputExceeded"}


class ConditionFailed(Exception):
    """Conditions of a transaction did not hold. `failed` are the positions of the actions they belong to."""

    def __init__(self, failed: frozenset[int]) -> None:
        super().__init__(f"conditions of actions {sorted(failed)} failed")
        self.failed = failed


def put(table: str, item: Item, condition: str | None = None, **values: Any) -> dict[str, Any]:
    """A Put action; `values` are the placeholders of `condition`, without their colons."""
    return {"Put": {"TableName": table, "Item": marshal(item), **_condition(condition, values)}}


def delete(table: str, key: Item, condition: str | None = None, **values: Any) -> dict[str, Any]:
    """A Delete action."""
    return {"Delete": {"TableName": table, "Key": marshal(key), **_condition(condition, values)}}


def update(table: str, key: Item, expression: str, condition: str | None = None, **values: Any) -> dict[str, Any]:
    """An Update action with an expression of its own."""
    action = {"TableName": table, "Key": marshal(key), "UpdateExpression": expression}
    return {"Update": {**action, **_condition(condition, values)}}


def replace_members(table: str, key: Item, members: Item, condition: str, **values: Any) -> dict[str, Any]:
    """An Update action that sets `members` and removes those that are None. Other attributes stay as they are."""
    kept = [name for name, value in members.items() if value is not None]
    gone = [name for name, value in members.items() if value is None]
    expression = "SET " + ", ".join(f"#{name} = :{name}_new" for name in kept)
    if gone:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
    values |= {f"{name}_new": members[name] for name in kept}
    action = update(table, key, expression, condition, **values)
    action["Update"]["ExpressionAttributeNames"] = {f"#{name}": name for name in members}
    return action


def _condition(condition: str | None, values: Item) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if condition:
        found["ConditionExpression"] = condition
    if values:
        found["ExpressionAttributeValues"] = marshal({f":{name}": value for name, value in values.items()})
    return found


def transact(client: DynamoDBClient, actions: Sequence[dict[str, Any]]) -> None:
    """Write all `actions` or none of them.

    Raises ConditionFailed; StaleWrite where other transactions kept getting in its way; Unavailable, whose message says
    so where the write may have been made all the same. A call keeps its ClientRequestToken when botocore repeats it and
    while DynamoDB is still at it, so that an answer that got lost is not a second write.
    """
    token = str(uuid.uuid4())
    for tried in range(1, TRIES + 1):
        try:
            client.transact_write_items(TransactItems=actions, ClientRequestToken=token)  # type: ignore[arg-type]
        except client.exceptions.TransactionCanceledException as error:
            reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
            failed = frozenset(i for i, code in enumerate(reasons) if code == "ConditionalCheckFailed")
            if failed:
                raise ConditionFailed(failed) from None
            throttled = not _THROTTLED.isdisjoint(reasons) and tried < _THROTTLED_TRIES
            if "TransactionConflict" not in reasons and not throttled:
                raise unavailable("DynamoDB", error) from None
            token = str(uuid.uuid4())
        except (ClientError, BotoCoreError) as error:
            in_progress = error_code(error) == "TransactionInProgressException" and tried < _IN_PROGRESS_TRIES
            if error_code(error) != "TransactionConflictException" and not in_progress:
                raise unconfirmed(error) from None
        else:
            return
        if tried < TRIES:
            time.sleep(random.uniform(0.005, 0.02) * 2 ** (tried - 1))  # noqa: S311 - spreads writers, guards nothing
    raise StaleWrite("other transactions on the same items kept getting in the way")


def get(client: DynamoDBClient, table: str, key: Item) -> Item | None:
    """One item as it is now (a consistent read), or None. Raises Unavailable."""
    with available("DynamoDB"):
        found = client.get_item(TableName=table, Key=marshal(key), ConsistentRead=True).get("Item")
    return None if found is None else unmarshal(found)


def write(client: DynamoDBClient, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A single conditional write (`put_item`, `update_item`). Raises StaleWrite where the condition fails."""
    try:
        answer: dict[str, Any] = getattr(client, method)(**arguments)
    except (ClientError, BotoCoreError) as error:
        if error_code(error) == "ConditionalCheckFailedException":
            raise StaleWrite("the condition of a write did not hold") from None
        raise unavailable("DynamoDB", error) from None
    return answer


def query(
    client: DynamoDBClient,
    table: str,
    partition: str,
    prefix: str,
    *,
    limit: int,
    start: Item | None = None,
    newest_first: bool = False,
    equals: Item | None = None,
) -> list[Item]:
    """Up to `limit` items of a partition whose sort keys begin with `prefix`, by consistent reads.

    As many pages as needed. `start` is the key after which to begin; it need not exist.
    `equals` filters by attribute. Raises Unavailable.
    """
    wanted = {name: value for name, value in (equals or {}).items() if value is not None}
    arguments: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "PK = :pk AND begins_with(SK, :prefix)" if prefix else "PK = :pk",
        "ExpressionAttributeValues": marshal(
            {":pk": partition, ":prefix": prefix or None} | {f":{name}": value for name, value in wanted.items()}
        ),
        "ConsistentRead": True,
        "ScanIndexForward": not newest_first,
    }
    if wanted:
        arguments["FilterExpression"] = " AND ".join(f"#{name} = :{name}" for name in wanted)
        arguments["ExpressionAttributeNames"] = {f"#{name}": name for name in wanted}
    else:
        arguments["Limit"] = limit
    if start is not None:
        arguments["ExclusiveStartKey"] = marshal(start)
    items: list[Item] = []
    while True:
        with available("DynamoDB"):
            page = client.query(**arguments)
        items.extend(unmarshal(item) for item in page["Items"])
        if len(items) >= limit or "LastEvaluatedKey" not in page:
            return items[:limit]
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def scan(client: DynamoDBClient, table: str, *, prefix: str, equals: Item) -> list[Item]:
    """Every item of a table whose partition key begins with `prefix`, by consistent reads of the whole table.

    `equals` filters by attribute where its values are not None. Raises Unavailable.
    """
    wanted = {name: value for name, value in equals.items() if value is not None}
    filters = ["begins_with(#pk, :pk)", *(f"#{name} = :{name}" for name in wanted)]
    arguments: dict[str, Any] = {
        "TableName": table,
        "FilterExpression": " AND ".join(filters),
        "ExpressionAttributeNames": {"#pk": "PK"} | {f"#{name}": name for name in wanted},
        "ExpressionAttributeValues": marshal({":pk": prefix} | {f":{name}": wanted[name] for name in wanted}),
        "ConsistentRead": True,
    }
    items: list[Item] = []
    while True:
        with available("DynamoDB"):
            page = client.scan(**arguments)
        items.extend(unmarshal(item) for item in page["Items"])
        if "LastEvaluatedKey" not in page:
            return items
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]
