"""The store of the sweep: the providers that are due, and the health of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from providers.adapters.aws import available
from providers.adapters.tables.attributes import Item, marshal, to_time
from providers.adapters.tables.keys import due_shard
from providers.adapters.tables.outbox import event_item
from providers.adapters.tables.provider_items import (
    change_members,
    health_members,
    notice_member,
    provider_from,
    verification_members,
)
from providers.adapters.tables.transactions import ConditionFailed, get_many, put, replace_members, transact, write
from providers.model.events import Event
from providers.model.provider import Provider
from providers.ports import Due, Probed, StaleWrite
from providers_data_plane.stored import provider_key, sealed_from, secret_key, unmarshal

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DUE_INDEX: Final = "DueIndex"


class DynamoProbes:
    """The store of the sweep."""

    def __init__(self, client: DynamoDBClient, main: str, secrets: str) -> None:
        self._client = client
        self._main = main
        self._secrets = secrets

    def list_due(self, shard: int) -> Sequence[Due]:
        """Return the providers of one shard of the index."""
        found: list[Due] = []
        arguments: dict[str, Any] = {
            "TableName": self._main,
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "due = :due",
            "ExpressionAttributeValues": {":due": {"S": due_shard(shard)}},
        }
        while True:
            with available("DynamoDB"):
                page = self._client.query(**arguments)
            for item in map(unmarshal, page["Items"]):
                org, provider_id = item["PK"].removeprefix("ORG#"), item["SK"].removeprefix("PROV#")
                found.append(Due(org, provider_id, to_time(item.get("probe_after"))))
            if "LastEvaluatedKey" not in page:
                return found
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def load(self, targets: Sequence[tuple[str, str]]) -> Sequence[Probed]:
        """Return provider items, then the rows of their active versions."""
        items = self._read(self._main, [provider_key(org, provider_id) for org, provider_id in targets])
        providers = [provider_from(item) for item in items]
        keys = [secret_key(provider.org, provider.id, provider.active.number) for provider in providers]
        sealed = [sealed_from(item) for item in self._read(self._secrets, keys)]
        rows = {(row.org, row.provider_id): row for row in sealed}
        return [Probed(provider, rows.get((provider.org, provider.id))) for provider in providers]

    def _read(self, table: str, keys: Sequence[Item]) -> list[Item]:
        """Return the items with `keys` by eventually consistent reads, which cost half.

        An item that these do not find may just have been written, so it is read again, consistently.
        """
        found = [unmarshal(item) for item in get_many(self._client, table, list(map(marshal, keys)), consistent=False)]
        known = {(item["PK"], item["SK"]) for item in found}
        missing = [marshal(key) for key in keys if (key["PK"], key["SK"]) not in known]
        return found + [unmarshal(item) for item in get_many(self._client, table, missing)]

    def set_health(self, before: Provider, after: Provider, events: Sequence[Event] = ()) -> None:
        """Write health and its changes, back-off and the notice of an expiry; without events, by a plain write."""
        members = health_members(after)
        condition = "active = :active AND health_state = :state"
        values: dict[str, Any] = {"active": before.active.number, "state": before.health.state.value}
        if after.verification != before.verification:
            members |= verification_members(after)
            condition += " AND revision = :revision"
            values["revision"] = before.revision
        if after.health_changes != before.health_changes:
            members |= change_members(after)
        if after.expiry_notice != before.expiry_notice:
            members["expiry_notice"] = notice_member(after.expiry_notice)
            sent = notice_member(before.expiry_notice)
            condition += " AND attribute_not_exists(expiry_notice)" if sent is None else " AND expiry_notice = :sent"
            values["sent"] = sent
        action = replace_members(self._main, provider_key(before.org, before.id), members, condition, **values)
        if not events:
            write(self._client, "update_item", action["Update"])
            return
        try:
            transact(self._client, [action, *(put(self._main, event_item(event)) for event in events)])
        except ConditionFailed:
            raise StaleWrite from None
