"""The stores' calls to DynamoDB: actions, transactions, reads, queries and batches."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from providers.adapters.aws import available, error_code, unavailable, unconfirmed
from providers.adapters.tables.attributes import Item, marshal
from providers.model.errors import Conflict, Unavailable
from providers.ports import READ_AT_MOST, StaleWrite
from providers_data_plane.stored import unmarshal

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_ITEM_BYTES: Final = 400 * 1024
"""The size limit of an item, including attribute names (DynamoDB Developer Guide, "Quotas")."""

TRIES: Final = 6
"""Attempts at a conflicting transaction; the waits add up to about half a second."""

_THROTTLED_TRIES: Final = 2

_IN_PROGRESS_TRIES: Final = 3

_THROTTLED: Final = {"ThrottlingError", "ProvisionedThroughputExceeded"}

_BATCH: Final = 100
"""Maximum number of keys in a BatchGetItem."""

_WRITE_BATCH: Final = 25
"""Maximum number of requests in a BatchWriteItem."""

_UNPROCESSED_TRIES: Final = 5

ABSENT: Final = "attribute_not_exists(PK)"
"""The condition of a write that creates an item."""


class ConditionFailed(Exception):
    """Conditions of a transaction failed.

    Args:
        failed: the positions of their actions.
        found: the current items, at the positions of actions that return them (`returning_item`).
    """

    def __init__(self, failed: frozenset[int], found: Mapping[int, Item] = MappingProxyType({})) -> None:
        super().__init__(f"conditions of actions {sorted(failed)} failed")
        self.failed = failed
        self.found = found


def put(table: str, item: Item, condition: str | None = None, **values: Any) -> dict[str, Any]:
    """Return a Put action; `values` are the placeholders of `condition`, without their colons."""
    return {"Put": {"TableName": table, "Item": marshal(item), **_condition(condition, values)}}


def delete(table: str, key: Item, condition: str | None = None, **values: Any) -> dict[str, Any]:
    """Return a Delete action."""
    return {"Delete": {"TableName": table, "Key": marshal(key), **_condition(condition, values)}}


def update(table: str, key: Item, expression: str, condition: str | None = None, **values: Any) -> dict[str, Any]:
    """Return an Update action with its own expression."""
    action = {"TableName": table, "Key": marshal(key), "UpdateExpression": expression}
    return {"Update": {**action, **_condition(condition, values)}}


def replace_members(table: str, key: Item, members: Item, condition: str, **values: Any) -> dict[str, Any]:
    """Return an Update action that sets `members`, removes those that are None, and keeps all other attributes."""
    kept = [name for name, value in members.items() if value is not None]
    gone = [name for name, value in members.items() if value is None]
    expression = "SET " + ", ".join(f"#{name} = :{name}_new" for name in kept)
    if gone:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
    values |= {f"{name}_new": members[name] for name in kept}
    action = update(table, key, expression, condition, **values)
    action["Update"]["ExpressionAttributeNames"] = {f"#{name}": name for name in members}
    return action


def returning_item(action: dict[str, Any]) -> dict[str, Any]:
    """Return the action, extended to return the current item if its condition fails."""
    ((kind, members),) = action.items()
    return {kind: members | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}


def _condition(condition: str | None, values: Item) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if condition:
        found["ConditionExpression"] = condition
    if values:
        found["ExpressionAttributeValues"] = marshal({f":{name}": value for name, value in values.items()})
    return found


def transact(client: DynamoDBClient, actions: Sequence[dict[str, Any]]) -> None:
    """Write all `actions` or none of them.

    Raises ConditionFailed; StaleWrite if other transactions kept conflicting; Unavailable, whose message says whether
    the write may have been applied. A call keeps its ClientRequestToken when botocore retries it and while DynamoDB is
    still working on it, so a retry after a lost response is not a second write.
    """
    token = str(uuid.uuid4())
    for tried in range(1, TRIES + 1):
        try:
            client.transact_write_items(TransactItems=actions, ClientRequestToken=token)  # type: ignore[arg-type]
        except client.exceptions.TransactionCanceledException as error:
            cancelled = error.response.get("CancellationReasons", [])
            reasons = [reason.get("Code") for reason in cancelled]
            failed = frozenset(i for i, code in enumerate(reasons) if code == "ConditionalCheckFailed")
            if failed:
                found = {i: unmarshal(cancelled[i]["Item"]) for i in failed if cancelled[i].get("Item")}
                raise ConditionFailed(failed, found) from None
            if "ValidationError" in reasons:
                _refuse_too_large(cancelled)
            throttled = not _THROTTLED.isdisjoint(reasons) and tried < _THROTTLED_TRIES
            if "TransactionConflict" not in reasons and not throttled:
                raise unavailable("DynamoDB", error) from None
            token = str(uuid.uuid4())
        except (ClientError, BotoCoreError) as error:
            if error_code(error) == "ValidationException":
                _refuse_too_large([error.response["Error"]])  # type: ignore[union-attr]
            in_progress = error_code(error) == "TransactionInProgressException" and tried < _IN_PROGRESS_TRIES
            if error_code(error) != "TransactionConflictException" and not in_progress:
                raise unconfirmed(error) from None
        else:
            return
        if tried < TRIES:
            time.sleep(random.uniform(0.005, 0.02) * 2 ** (tried - 1))  # noqa: S311 - jitter, not a secret
    raise StaleWrite("other transactions on the same items kept conflicting")


def _refuse_too_large(reasons: Sequence[Mapping[str, Any]]) -> None:
    """Raise Conflict (`limit_exceeded`) if DynamoDB refused an item for its size: a retry would not help."""
    if any("size" in str(reason.get("Message", "")).lower() for reason in reasons):
        raise Conflict(
            "limit_exceeded",
            f"this would make a stored item larger than the {MAX_ITEM_BYTES // 1024} KB that DynamoDB takes",
            limit=MAX_ITEM_BYTES,
            count=None,
        ) from None


def get(client: DynamoDBClient, table: str, key: Item) -> Item | None:
    """Return the current item (a consistent read), or None. Raises Unavailable."""
    with available("DynamoDB"):
        found = client.get_item(TableName=table, Key=marshal(key), ConsistentRead=True).get("Item")
    return None if found is None else unmarshal(found)


def write(client: DynamoDBClient, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make a single conditional write (`put_item`, `update_item`). Raises StaleWrite if the condition fails."""
    try:
        response: dict[str, Any] = getattr(client, method)(**arguments)
    except (ClientError, BotoCoreError) as error:
        if error_code(error) == "ConditionalCheckFailedException":
            raise StaleWrite("the condition of a write failed") from None
        if error_code(error) == "ValidationException":
            _refuse_too_large([error.response["Error"]])  # type: ignore[union-attr]
        raise unavailable("DynamoDB", error) from None
    return response


def query(
    client: DynamoDBClient,
    table: str,
    partition: str,
    prefix: str,
    *,
    limit: int,
    start: Item | None = None,
    newest_first: bool = False,
) -> list[Item]:
    """Return up to `limit` items of a partition whose sort keys begin with `prefix`, by consistent reads.

    Reads as many pages as needed. `start` is the key after which to start; it need not exist. Raises Unavailable.
    """
    arguments = _query(table, partition, prefix, start, newest_first=newest_first) | {"Limit": limit}
    items: list[Item] = []
    while True:
        with available("DynamoDB"):
            page = client.query(**arguments)
        items.extend(unmarshal(item) for item in page["Items"])
        if len(items) >= limit or "LastEvaluatedKey" not in page:
            return items[:limit]
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def query_page(
    client: DynamoDBClient,
    table: str,
    partition: str,
    prefix: str,
    *,
    limit: int,
    start: Item | None,
    equals: Item,
    contains: Mapping[str, str | None] = MappingProxyType({}),
    keep: Callable[[Item], bool] | None = None,
) -> tuple[list[Item], str | None]:
    """Return up to `limit` items, newest first, and the sort key after which to continue, None at the end.

    At most two Queries of 1 MB are made, so that a page of large items is shorter, and fits into a response of 6 MB.
    `equals` and `contains` filter by the attributes whose values are not None, and `keep` by any rule: then one Query
    reads `READ_AT_MOST` items, and the matches are the page. Raises Unavailable.
    """
    filters = {f"#{name} = :{name}": (name, value) for name, value in equals.items() if value is not None}
    filters |= {f"contains(#{name}, :{name})": (name, value) for name, value in contains.items() if value is not None}
    whole = not filters and keep is None
    arguments = _query(table, partition, prefix, start, newest_first=True)
    arguments["Limit"] = limit + 1 if whole else READ_AT_MOST
    if filters:
        arguments["FilterExpression"] = " AND ".join(filters)
        arguments["ExpressionAttributeNames"] = {f"#{name}": name for name, _ in filters.values()}
        arguments["ExpressionAttributeValues"] |= marshal({f":{name}": value for name, value in filters.values()})
    found: list[Item] = []
    for _ in range(2 if whole else 1):
        with available("DynamoDB"):
            page = client.query(**arguments)
        found += [item for item in map(unmarshal, page["Items"]) if keep is None or keep(item)]
        last = page.get("LastEvaluatedKey")
        if last is None or len(found) > limit:
            break
        arguments["ExclusiveStartKey"] = last
    if len(found) > limit:
        return found[:limit], found[limit - 1]["SK"]
    return found, None if last is None else str(last["SK"]["S"])


def _query(table: str, partition: str, prefix: str, start: Item | None, *, newest_first: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "PK = :pk AND begins_with(SK, :prefix)" if prefix else "PK = :pk",
        "ExpressionAttributeValues": marshal({":pk": partition, ":prefix": prefix or None}),
        "ConsistentRead": True,
        "ScanIndexForward": not newest_first,
    }
    if start is not None:
        arguments["ExclusiveStartKey"] = marshal(start)
    return arguments


def scan(client: DynamoDBClient, table: str, *, prefix: str, equals: Item, attributes: Sequence[str]) -> list[Item]:
    """Return every item whose partition key begins with `prefix`, by consistent reads of the whole table.

    `equals` filters by the attributes whose values are not None. `attributes` are the ones to
    read: the caller's role allows no others. Raises Unavailable.
    """
    wanted = {name: value for name, value in equals.items() if value is not None}
    filters = ["begins_with(#PK, :pk)", *(f"#{name} = :{name}" for name in wanted)]
    arguments: dict[str, Any] = {
        "TableName": table,
        "FilterExpression": " AND ".join(filters),
        "ProjectionExpression": ", ".join(f"#{name}" for name in attributes),
        "Select": "SPECIFIC_ATTRIBUTES",
        "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
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


def get_many(
    client: DynamoDBClient, table: str, keys: Sequence[dict[str, Any]], *, consistent: bool = True
) -> Iterable[dict[str, Any]]:
    """Yield the existing items with these keys, in any order. Raises Unavailable."""
    for start in range(0, len(keys), _BATCH):
        wanted: Any = {table: {"Keys": keys[start : start + _BATCH], "ConsistentRead": consistent}}
        for _ in range(_UNPROCESSED_TRIES):
            with available("DynamoDB"):
                response = client.batch_get_item(RequestItems=wanted)
            yield from response["Responses"].get(table, [])
            wanted = response.get("UnprocessedKeys")
            if not wanted:
                break
        else:
            raise _throttling()


def delete_many(client: DynamoDBClient, table: str, keys: Sequence[Item]) -> None:
    """Delete the items with these keys. Idempotent. Raises Unavailable."""
    requests = [{"DeleteRequest": {"Key": marshal(key)}} for key in keys]
    for start in range(0, len(requests), _WRITE_BATCH):
        wanted: Any = {table: requests[start : start + _WRITE_BATCH]}
        for _ in range(_UNPROCESSED_TRIES):
            with available("DynamoDB"):
                wanted = client.batch_write_item(RequestItems=wanted).get("UnprocessedItems")
            if not wanted:
                break
        else:
            raise _throttling()


def _throttling() -> Unavailable:
    return Unavailable("dependency_unavailable", "DynamoDB is throttling; try again", retry_after_s=1)
