"""Idempotency records: one item for each Idempotency-Key of an organization.

The attribute `answer` contains the stored response; the name stays, so that older records can still be read.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from providers.adapters.tables.attributes import Item, epoch, to_text
from providers.adapters.tables.keys import idempotency_key
from providers.adapters.tables.transactions import delete, get, put, write
from providers.model.idempotency import Completion, ExistingRecord, Lease, StoredResponse
from providers.ports import LeaseLost, StaleWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_FREE: Final = (
    "attribute_not_exists(PK) OR expires_at <= :now OR "
    "(request_digest = :request AND attribute_not_exists(answer) AND lease_until <= :now)"
)

_OWNED: Final = "lease_owner = :owner AND attribute_not_exists(answer)"

_CLAIM_TRIES: Final = 3


class DynamoIdempotency:
    """Idempotency records: one item for each key of an organization."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def acquire(self, lease: Lease, now: datetime) -> ExistingRecord | None:
        """Acquire the key, or return the record that has it."""
        taking = put(self._main, record_item(lease), _FREE, now=to_text(now), request=lease.request)["Put"]
        for _ in range(_CLAIM_TRIES):
            try:
                write(self._client, "put_item", taking)
            except StaleWrite:
                found = get(self._client, self._main, idempotency_key(lease.org, lease.key))
            else:
                return None
            if found is not None:  # otherwise it was released between the two calls
                return None if found["lease_owner"] == lease.owner else existing_from(found)
        return ExistingRecord(lease.request, lease.until, None)  # other requests keep taking it: let them finish

    def complete(self, completion: Completion) -> None:
        """Store a response without a change."""
        try:
            write(self._client, "put_item", put_completion(self._main, completion)["Put"])
        except StaleWrite:
            lease = completion.lease
            found = get(self._client, self._main, idempotency_key(lease.org, lease.key))
            if found is None or found["lease_owner"] != lease.owner or "answer" not in found:
                raise LeaseLost from None  # otherwise it is recorded: botocore retried after a lost response

    def release(self, lease: Lease) -> None:
        """Release the key."""
        freeing = delete_lease(self._main, lease)["Delete"]
        try:
            write(self._client, "delete_item", freeing)
        except StaleWrite:
            return


def put_completion(main: str, completion: Completion) -> dict[str, Any]:
    """Return a Put action that stores the response, if this request still has the lease."""
    lease = completion.lease
    return put(main, record_item(lease, completion.response), _OWNED, owner=lease.owner)


def delete_lease(main: str, lease: Lease) -> dict[str, Any]:
    """Return a Delete action that releases a key, if this request still has the lease and has stored no response."""
    return delete(main, idempotency_key(lease.org, lease.key), _OWNED, owner=lease.owner)


def record_item(lease: Lease, response: StoredResponse | None = None) -> Item:
    """Return the record of an idempotency key: the lease, and the response if there is one."""
    stored = response and {"status": response.status, "headers": dict(response.headers), "body": response.body}
    return idempotency_key(lease.org, lease.key) | {
        "request_digest": lease.request,
        "lease_owner": lease.owner,
        "lease_until": to_text(lease.until),
        "expires_at": to_text(lease.expires_at),
        "answer": stored,
        "ttl": epoch(lease.expires_at),
    }


def existing_from(item: Item) -> ExistingRecord:
    """Return the record of an earlier request."""
    stored = item.get("answer")
    return ExistingRecord(
        request=item["request_digest"],
        until=datetime.fromisoformat(item["lease_until"]),
        response=StoredResponse(stored["status"], stored["headers"], stored["body"]) if stored else None,
    )
