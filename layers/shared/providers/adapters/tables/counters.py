"""Counters: an organization's resources, and verifications and requests in a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from providers.adapters.tables.keys import verifications_key
from providers.adapters.tables.transactions import ConditionFailed, returning_item, update, write
from providers.ports import LimitReached, StaleWrite
from providers_data_plane.stored import unmarshal

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from providers.adapters.tables.attributes import Item
    from providers.model.policy import Limits

COUNTER_KEPT_S: Final = 300


class DynamoVerifications:
    """Counts verifications: an item per minute, with a count of all and one of each organization."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def count(self, org: str, minute: int, limit: int) -> tuple[int, int] | None:
        """Count one verification for the organization and for the stack, by one conditional write."""
        key, ttl, own = verifications_key(minute), minute * 60 + COUNTER_KEPT_S, f"ORG#{org}"
        room = "attribute_not_exists(#own) OR #own < :limit"
        expression = "ADD requests :one, #own :one SET #ttl = :ttl"
        counter = update(self._main, key, expression, room, one=1, limit=limit, ttl=ttl)["Update"]
        counter |= {"ExpressionAttributeNames": {"#own": own, "#ttl": "ttl"}, "ReturnValues": "UPDATED_NEW"}
        try:
            counts = unmarshal(write(self._client, "update_item", counter)["Attributes"])
        except StaleWrite:
            return None
        return counts[own], counts["requests"]


def count(client: DynamoDBClient, table: str, key: Item, ttl: int) -> int:
    """Add one to the counter `key`, which expires at `ttl` (seconds since 1970), and return the count."""
    counter: dict[str, Any] = update(table, key, "ADD requests :one SET #ttl = :ttl", one=1, ttl=ttl)["Update"]
    counter |= {"ExpressionAttributeNames": {"#ttl": "ttl"}, "ReturnValues": "UPDATED_NEW"}
    return int(unmarshal(write(client, "update_item", counter)["Attributes"])["requests"])


def counting(table: str, key: Item, what: str, limits: Limits, *, ttl: int | None = None) -> dict[str, Any]:
    """Return an Update action that counts one more of `what`, a field of `Limits`, unless its limit is reached."""
    expression = f"ADD {what} :one" + ("" if ttl is None else " SET #ttl = :ttl")
    room = f"attribute_not_exists({what}) OR {what} < :limit"
    action = update(table, key, expression, room, one=1, limit=getattr(limits, what), ttl=ttl)
    if ttl is not None:
        action["Update"]["ExpressionAttributeNames"] = {"#ttl": "ttl"}
    return returning_item(action)


def discounting(table: str, key: Item, what: str) -> dict[str, Any]:
    """Return an Update action that counts one less."""
    return update(table, key, f"ADD {what} :one", one=-1)


def limit_reached(error: ConditionFailed, position: int, what: str) -> LimitReached:
    """Return the error for a reached limit, with the current count."""
    return LimitReached(what, error.found[position][what])
