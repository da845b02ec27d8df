"""What the sweep keeps in DynamoDB: who is due, samples, health states, and the outbox of events."""

from __future__ import annotations

import json
from binascii import a2b_base64
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from providers.adapters import items, slots
from providers.adapters.aws import available, json_object
from providers.adapters.transactions import ConditionFailed, delete, put, query, replace_members, transact, write
from providers.model.errors import Unavailable
from providers.model.events import Event
from providers.model.health import Recent, Sample
from providers.model.provider import Provider
from providers.ports import Due, Probed, Refused, StaleWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DUE_INDEX: Final = "DueIndex"
_BATCH: Final = 100
"""Keys that a BatchGetItem takes at most."""

_WRITE_BATCH: Final = 25
"""Requests that a BatchWriteItem takes at most."""

_UNPROCESSED_TRIES: Final = 5


class DynamoProbes:
    """What the sweep reads and writes of providers."""

    def __init__(self, client: DynamoDBClient, main: str, secrets: str) -> None:
        self._client = client
        self._main = main
        self._secrets = secrets
        _parse_items_quickly(client)

    def due(self, shard: int) -> Sequence[Due]:
        """The providers of one shard of the index."""
        found: list[Due] = []
        arguments: dict[str, Any] = {
            "TableName": self._main,
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "due = :due",
            "ExpressionAttributeValues": {":due": {"S": items.due_shard(shard)}},
        }
        while True:
            with available("DynamoDB"):
                page = self._client.query(**arguments)
            for item in map(items.unmarshal, page["Items"]):
                org, provider_id = item["PK"].removeprefix("ORG#"), item["SK"].removeprefix("PROV#")
                found.append(Due(org, provider_id, items.to_time(item.get("probe_after"))))
            if "LastEvaluatedKey" not in page:
                return found
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def load(self, places: Sequence[tuple[str, str]]) -> Sequence[Probed]:
        """Heads, then the rows of their active versions."""
        keys = [items.marshal(items.provider_key(org, provider_id)) for org, provider_id in places]
        heads = [items.provider_from(items.unmarshal(item)) for item in _get_many(self._client, self._main, keys)]
        rows = [items.marshal(items.secret_key(head.org, head.id, head.active.number)) for head in heads]
        sealed = [items.sealed_from(items.unmarshal(item)) for item in _get_many(self._client, self._secrets, rows)]
        by_place = {(row.org, row.provider_id): row for row in sealed}
        return [Probed(head, by_place.get((head.org, head.id))) for head in heads]

    def set_health(self, before: Provider, after: Provider, events: Sequence[Event] = ()) -> None:
        """Write health and back-off; a plain write where there is nothing to publish with it."""
        members = items.health_members(after)
        condition = "active = :active AND health_state = :state"
        values: dict[str, Any] = {"active": before.active.number, "state": before.health.state.value}
        if after.verification != before.verification:
            members |= items.verification_members(after)
            condition += " AND revision = :revision"
            values["revision"] = before.revision
        action = replace_members(self._main, items.provider_key(before.org, before.id), members, condition, **values)
        if not events:
            write(self._client, "update_item", action["Update"])
            return
        try:
            transact(self._client, [action, *(put(self._main, items.event_item(event)) for event in events)])
        except ConditionFailed:
            raise StaleWrite from None


class DynamoHealth:
    """Samples: an item an hour, an attribute a minute. A probe costs one write unit."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main
        _parse_items_quickly(client)

    def record(self, provider_id: str, sample: Sample) -> bool:
        """Set the slot if it is free."""
        try:
            write(
                self._client,
                "update_item",
                {
                    "TableName": self._main,
                    "Key": {"PK": {"S": _partition(provider_id)}, "SK": {"S": slots.hour_of(sample.at)}},
                    "UpdateExpression": "SET #slot = :sample, #ttl = :ttl",
                    "ConditionExpression": "attribute_not_exists(#slot)",
                    "ExpressionAttributeNames": {"#slot": slots.slot_of(sample.at), "#ttl": "ttl"},
                    "ExpressionAttributeValues": {
                        ":sample": {"B": slots.pack(sample)},
                        ":ttl": {"N": str(slots.expiry_of(sample.at))},
                    },
                },
            )
        except StaleWrite:
            return False
        return True

    def read(self, provider_id: str, since: datetime, until: datetime) -> Sequence[Sample]:
        """One Query over the hours; an answer of health may lag behind a write by a moment."""
        arguments: dict[str, Any] = {
            "TableName": self._main,
            "KeyConditionExpression": "PK = :pk AND SK BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": {"S": _partition(provider_id)},
                ":first": {"S": slots.hour_of(since)},
                ":last": {"S": slots.hour_of(until)},
            },
        }
        with available("DynamoDB"):
            hours = self._client.query(**arguments)["Items"]  # 8 days of hours are 80 KB, far below a page
        return [sample for hour in hours for sample in slots.samples_in(hour) if since <= sample.at <= until]

    def recent(self, provider_ids: Sequence[str], now: datetime) -> dict[str, Recent]:
        """This hour's items and the ones before, by BatchGetItem."""
        hours = (slots.hour_of(now - timedelta(hours=1)), slots.hour_of(now))
        keys = [
            {"PK": {"S": _partition(provider_id)}, "SK": {"S": hour}} for provider_id in provider_ids for hour in hours
        ]
        found: dict[str, list[dict[str, Any]]] = {provider_id: [] for provider_id in provider_ids}
        for item in sorted(
            _get_many(self._client, self._main, keys, consistent=False), key=lambda each: each["SK"]["S"]
        ):
            found[item["PK"]["S"].removeprefix("HEALTH#")].append(item)
        return {provider_id: slots.recent_in(items) for provider_id, items in found.items()}


class DynamoOutbox:
    """Events that are committed and not yet published."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def pending(self, shard: int, limit: int, after: Event | None = None) -> Sequence[Event]:
        """The oldest events of one shard, those later than `after`."""
        start = None if after is None else items.event_key(after)
        found = query(self._client, self._main, items.outbox_shard(shard), "", limit=limit, start=start)
        return [items.event_from(item) for item in found]

    def forget(self, events: Sequence[Event]) -> None:
        """Remove events by BatchWriteItem; each may be gone already."""
        requests = [{"DeleteRequest": {"Key": items.marshal(items.event_key(event))}} for event in events]
        for start in range(0, len(requests), _WRITE_BATCH):
            self._write({self._main: requests[start : start + _WRITE_BATCH]})

    def quarantine(self, refused: Sequence[Refused], at: datetime) -> None:
        """Move events from the outbox into a partition of their own."""
        for each in refused:
            action = put(self._main, items.quarantined_item(each.event, each.code, at))
            transact(self._client, [action, delete(self._main, items.event_key(each.event))])

    def _write(self, wanted: Any) -> None:
        for _ in range(_UNPROCESSED_TRIES):
            with available("DynamoDB"):
                wanted = self._client.batch_write_item(RequestItems=wanted).get("UnprocessedItems")
            if not wanted:
                return
        raise Unavailable("dependency_unavailable", "DynamoDB is throttling; try again", retry_after_s=1)


def _parse_items_quickly(client: DynamoDBClient) -> None:
    """Let `client` parse the items of Query and BatchGetItem in a tenth of the time, with the same result.

    botocore's parser looks for each of the ten kinds of value in every attribute: 0.1 s for a week of samples, and half
    of what a worker spent on loading a batch. What is not an item (errors, `UnprocessedKeys`) is still left to it.
    """
    for operation in ("Query", "BatchGetItem"):
        client.meta.events.register(
            f"before-parse.dynamodb.{operation}", _take_items, unique_id=f"providers-items-{operation}"
        )


def _take_items(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] != 200:
        return
    body = json_object(response_dict["body"])
    if "Items" in body:
        customized_response_dict["Items"] = [_typed(item) for item in body.pop("Items")]
    if "Responses" in body:
        customized_response_dict["Responses"] = {
            table: [_typed(item) for item in found] for table, found in body.pop("Responses").items()
        }
    response_dict["body"] = json.dumps(body).encode()


def _typed(item: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """An item as botocore gives it: as it was sent, but with bytes where it has base64."""
    for value in item.values():
        for kind, content in value.items():
            if kind == "B":
                value[kind] = a2b_base64(content)
            elif kind == "BS":
                value[kind] = [a2b_base64(each) for each in content]
            elif kind == "M":
                _typed(content)
            elif kind == "L":
                for number, each in enumerate(content):
                    content[number] = _typed({"_": each})["_"]
    return item


def _partition(provider_id: str) -> str:
    return f"HEALTH#{provider_id}"


def _get_many(
    client: DynamoDBClient, table: str, keys: Sequence[dict[str, Any]], *, consistent: bool = True
) -> Iterable[dict[str, Any]]:
    """The items with these keys, in any order, without those that are not there. Raises Unavailable."""
    for start in range(0, len(keys), _BATCH):
        wanted: Any = {table: {"Keys": keys[start : start + _BATCH], "ConsistentRead": consistent}}
        for _ in range(_UNPROCESSED_TRIES):
            with available("DynamoDB"):
                answer = client.batch_get_item(RequestItems=wanted)
            yield from answer["Responses"].get(table, [])
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                break
        else:
            raise Unavailable("dependency_unavailable", "DynamoDB is throttling; try again", retry_after_s=1)
