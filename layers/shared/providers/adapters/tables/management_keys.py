"""Management keys, and the number of requests of each in a minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from providers.adapters.tables.attributes import Item, to_text, to_time
from providers.adapters.tables.counters import COUNTER_KEPT_S, count, counting, discounting, limit_reached
from providers.adapters.tables.keys import MANAGEMENT_KEY_PREFIX, count_key, management_key_key, rate_key
from providers.adapters.tables.transactions import ABSENT, ConditionFailed, get, put, scan, transact, update, write
from providers.model.management_key import ManagementKey
from providers.model.policy import LIMITS, Limits
from providers.ports import StaleWrite
from providers_contract.vocabulary import Scope

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


ATTRIBUTES: Final = (
    *("PK", "SK", "digest", "org", "name", "scopes"),
    *("created_at", "expires_at", "revoked_at", "last_used_at", "mac"),
)
"""Attributes of a management key's item. The operator function may scan no others."""


class DynamoManagementKeys:
    """Management keys and their counters."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def get(self, key_id: str) -> ManagementKey | None:
        """Return the current key."""
        found = get(self._client, self._main, management_key_key(key_id))
        return None if found is None else management_key_from(found)

    def put(self, key: ManagementKey, limits: Limits = LIMITS) -> None:
        """Store a new key and count it."""
        counted = counting(self._main, count_key(key.org), "management_keys", limits)
        try:
            transact(self._client, [put(self._main, management_key_item(key), ABSENT), counted])
        except ConditionFailed as error:
            if 0 in error.failed:
                raise StaleWrite from None
            raise limit_reached(error, 1, "management_keys") from None

    def revoke(self, revoked: ManagementKey) -> None:
        """Mark the key revoked and count one less. Of two concurrent revocations, the first stays."""
        marked = update(
            self._main,
            management_key_key(revoked.id),
            "SET revoked_at = :at, mac = :mac",
            "attribute_exists(PK) AND attribute_not_exists(revoked_at)",
            at=to_text(revoked.revoked_at),
            mac=revoked.mac,
        )
        try:
            transact(self._client, [marked, discounting(self._main, count_key(revoked.org), "management_keys")])
        except ConditionFailed:
            raise StaleWrite from None

    def list(self, org: str | None) -> Sequence[ManagementKey]:
        """Return every key, or those of `org`, oldest first: a Scan of the whole table, for operators."""
        found = scan(self._client, self._main, prefix=MANAGEMENT_KEY_PREFIX, equals={"org": org}, attributes=ATTRIBUTES)
        return sorted(map(management_key_from, found), key=lambda key: (key.created_at, key.id))

    def count(self, key_id: str, minute: int) -> int:
        """Count one request."""
        return count(self._client, self._main, rate_key(key_id, minute), minute * 60 + COUNTER_KEPT_S)

    def record_use(self, key_id: str, at: datetime) -> None:
        """Record `last_used_at`. A deleted key stays deleted."""
        expression = "SET last_used_at = :at"
        try:
            self._update(management_key_key(key_id), expression, "attribute_exists(PK)", at=to_text(at))
        except StaleWrite:
            return

    def _update(self, key: Item, expression: str, condition: str, **values: Any) -> None:
        write(self._client, "update_item", update(self._main, key, expression, condition, **values)["Update"])


def management_key_item(key: ManagementKey) -> Item:
    """Return the item of a management key."""
    return management_key_key(key.id) | {
        "digest": key.digest,
        "org": key.org,
        "name": key.name,
        "scopes": {scope.value for scope in key.scopes},
        "created_at": to_text(key.created_at),
        "expires_at": to_text(key.expires_at),
        "revoked_at": to_text(key.revoked_at),
        "last_used_at": to_text(key.last_used_at),
        "mac": key.mac,
    }


def management_key_from(item: Item) -> ManagementKey:
    """Return the management key in an item."""
    return ManagementKey(
        id=item["PK"].removeprefix(MANAGEMENT_KEY_PREFIX),
        digest=item["digest"],
        org=item["org"],
        name=item["name"],
        scopes=frozenset(Scope(each) for each in item.get("scopes", ())),
        created_at=datetime.fromisoformat(item["created_at"]),
        expires_at=to_time(item.get("expires_at")),
        revoked_at=to_time(item.get("revoked_at")),
        last_used_at=to_time(item.get("last_used_at")),
        mac=item.get("mac", ""),
    )
