"""How many things an organization has, counted in the transactions that add and delete them."""

from __future__ import annotations

from typing import Any

from providers.adapters.items import Item
from providers.adapters.transactions import ConditionFailed, telling, update
from providers.model.policy import Limits
from providers.ports import LimitReached


def counting(table: str, key: Item, what: str, limits: Limits, *, ttl: int | None = None) -> dict[str, Any]:
    """An Update action that counts one more of `what`, a member of `Limits`, if there may be one more."""
    expression = f"ADD {what} :one" + ("" if ttl is None else " SET #ttl = :ttl")
    room = f"attribute_not_exists({what}) OR {what} < :limit"
    action = update(table, key, expression, room, one=1, limit=getattr(limits, what), ttl=ttl)
    if ttl is not None:
        action["Update"]["ExpressionAttributeNames"] = {"#ttl": "ttl"}
    return telling(action)


def discounting(table: str, key: Item, what: str) -> dict[str, Any]:
    """An Update action that counts one less."""
    return update(table, key, f"ADD {what} :one", one=-1)


def limit_reached(error: ConditionFailed, position: int, what: str) -> LimitReached:
    """The error for a count that may not grow, with what it is now."""
    return LimitReached(what, error.found[position][what])
