"""What surrounds changes, in DynamoDB: who made them, which were asked for twice, links, expiry, and limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from providers.adapters import items, ledger_items
from providers.adapters.alongside import commit, completion, release
from providers.adapters.counts import counting, limit_reached
from providers.adapters.transactions import (
    ConditionFailed,
    delete,
    get,
    put,
    query,
    query_page,
    transact,
    update,
    write,
)
from providers.model.audit import Entry
from providers.model.idempotency import Claim, Completed, Found
from providers.model.policy import LIMITS, Limits
from providers.model.upload import LIFETIME, Upload
from providers.ports import NOTHING, Alongside, AuditFilter, ClaimLost, Expired, StaleWrite, UploadUsed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_FREE: Final = (
    "attribute_not_exists(PK) OR expires_at <= :now OR "
    "(request_digest = :request AND attribute_not_exists(answer) AND lease_until <= :now)"
)
_CLAIM_TRIES: Final = 3
_COUNTER_KEPT_S: Final = 300


class DynamoAudit:
    """The audit trail: a partition for each organization, in the order of time."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def list(
        self, org: str, wanted: AuditFilter, since: datetime, limit: int, before: str | None
    ) -> tuple[Sequence[Entry], str | None]:
        """Up to `limit` entries, newest first, of the organization or of one resource."""
        found, last = query_page(
            self._client,
            self._main,
            str(items.audit_key(org, "", wanted.resource_id)["PK"]),
            "",
            limit=limit,
            start=None if before is None else items.audit_key(org, before, wanted.resource_id),
            equals={"action": wanted.action, "key_id": wanted.key_id},
        )
        entries = [entry for entry in map(ledger_items.entry_from, found) if entry.at > since]
        return entries, last if len(entries) == len(found) else None  # what is older than `since` goes by its TTL


class DynamoIdempotency:
    """Idempotency records: one item for each key of an organization."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def claim(self, claim: Claim, now: datetime) -> Found | None:
        """Take the key, or say what stands in the way."""
        taking = put(self._main, ledger_items.claim_item(claim), _FREE, now=items.to_text(now), request=claim.request)[
            "Put"
        ]
        for _ in range(_CLAIM_TRIES):
            try:
                write(self._client, "put_item", taking)
            except StaleWrite:
                found = get(self._client, self._main, items.idempotency_key(claim.org, claim.key))
            else:
                return None
            if found is not None:  # else it was released between the two calls
                return None if found["lease_owner"] == claim.owner else ledger_items.found_from(found)
        return Found(claim.request, claim.until, None)  # others come and go: let them finish

    def complete(self, completed: Completed) -> None:
        """Record an answer by itself."""
        try:
            write(self._client, "put_item", completion(self._main, completed)["Put"])
        except StaleWrite:
            claim = completed.claim
            found = get(self._client, self._main, items.idempotency_key(claim.org, claim.key))
            if found is None or found["lease_owner"] != claim.owner or "answer" not in found:
                raise ClaimLost from None  # else it is recorded: botocore sent it twice, the first answer got lost

    def release(self, claim: Claim) -> None:
        """Free the key."""
        freeing = release(self._main, claim)["Delete"]
        try:
            write(self._client, "delete_item", freeing)
        except StaleWrite:
            return


class DynamoUploads:
    """Upload links."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def put(self, upload: Upload, alongside: Alongside = NOTHING, limits: Limits = LIMITS) -> None:
        """Store a new link, and count it in its ten minutes."""
        window = int(upload.created_at.timestamp() // LIFETIME.total_seconds())
        key = items.links_key(upload.org, window)
        counted = counting(self._main, key, "upload_links", limits, ttl=items.epoch(upload.created_at + 2 * LIFETIME))
        new = put(self._main, ledger_items.upload_item(upload), "attribute_not_exists(PK)")
        try:
            commit(self._client, self._main, [new, counted], alongside)
        except ConditionFailed as error:
            if 1 in error.failed:
                raise limit_reached(error, 1, "upload_links") from None
            raise StaleWrite from None

    def get(self, upload_id: str) -> Upload | None:
        """The link as it is now."""
        found = get(self._client, self._main, items.upload_key(upload_id))
        return None if found is None else ledger_items.upload_from(found)

    def use(self, upload_id: str) -> None:
        """Delete the link."""
        gone = delete(self._main, items.upload_key(upload_id), "attribute_exists(PK)")
        try:
            write(self._client, "delete_item", gone["Delete"])
        except StaleWrite:
            raise UploadUsed from None

    def tried(self, upload_id: str) -> int:
        """Count a try."""
        counting = update(self._main, items.upload_key(upload_id), "ADD tries :one", "attribute_exists(PK)", one=1)
        try:
            answer = write(self._client, "update_item", counting["Update"] | {"ReturnValues": "UPDATED_NEW"})
        except StaleWrite:
            raise UploadUsed from None
        return int(items.unmarshal(answer["Attributes"])["tries"])


class DynamoExpired:
    """Versions in the order in which they expire; they come into it with the rotation that replaces them."""

    def __init__(self, client: DynamoDBClient, main: str, secrets: str) -> None:
        self._client = client
        self._main = main
        self._secrets = secrets

    def due(self, now: datetime, limit: int) -> Sequence[Expired]:
        """The oldest whose time has come."""
        found = query(self._client, self._main, ledger_items.EXPIRED, "", limit=limit)
        return [each for each in map(ledger_items.expired_from, found) if each.at <= now]

    def destroy(self, expired: Expired) -> None:
        """Delete the row and its place in the order; where the row may still be read, its place alone."""
        row = items.secret_key(expired.org, expired.provider_id, expired.version)
        condition = "attribute_not_exists(PK) OR expires_at <= :at"
        place = delete(self._main, ledger_items.expired_key(expired))
        try:
            transact(self._client, [delete(self._secrets, row, condition, at=items.to_text(expired.at)), place])
        except ConditionFailed:
            write(self._client, "delete_item", place["Delete"])


class DynamoVerifications:
    """Counts verifications, a minute at a time."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def count(self, org: str | None, minute: int) -> int:
        """Count one for the organization, or for the stack."""
        key = items.verifications_key(org, minute)
        return count(self._client, self._main, key, minute * 60 + _COUNTER_KEPT_S)


def count(client: DynamoDBClient, table: str, key: items.Item, ttl: int) -> int:
    """Count one on the counter `key`, which is kept until `ttl` (seconds since 1970), and return the count."""
    counter: dict[str, Any] = update(table, key, "ADD requests :one SET #ttl = :ttl", one=1, ttl=ttl)["Update"]
    counter |= {"ExpressionAttributeNames": {"#ttl": "ttl"}, "ReturnValues": "UPDATED_NEW"}
    return int(items.unmarshal(write(client, "update_item", counter)["Attributes"])["requests"])
