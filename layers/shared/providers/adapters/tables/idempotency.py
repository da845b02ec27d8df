"""Idempotency records: one item for each Idempotency-Key of an organization."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from providers.adapters.tables.attributes import Item, epoch, to_text
from providers.adapters.tables.keys import idempotency_key
from providers.adapters.tables.transactions import delete, get, put, write
from providers.model.idempotency import Claim, Completed, Found, Recorded
from providers.ports import ClaimLost, StaleWrite

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

    def claim(self, claim: Claim, now: datetime) -> Found | None:
        """Take the key, or say what stands in the way."""
        taking = put(self._main, claim_item(claim), _FREE, now=to_text(now), request=claim.request)["Put"]
        for _ in range(_CLAIM_TRIES):
            try:
                write(self._client, "put_item", taking)
            except StaleWrite:
                found = get(self._client, self._main, idempotency_key(claim.org, claim.key))
            else:
                return None
            if found is not None:  # else it was released between the two calls
                return None if found["lease_owner"] == claim.owner else found_from(found)
        return Found(claim.request, claim.until, None)  # others come and go: let them finish

    def complete(self, completed: Completed) -> None:
        """Record an answer by itself."""
        try:
            write(self._client, "put_item", completion(self._main, completed)["Put"])
        except StaleWrite:
            claim = completed.claim
            found = get(self._client, self._main, idempotency_key(claim.org, claim.key))
            if found is None or found["lease_owner"] != claim.owner or "answer" not in found:
                raise ClaimLost from None  # else it is recorded: botocore sent it twice, the first answer got lost

    def release(self, claim: Claim) -> None:
        """Free the key."""
        freeing = release(self._main, claim)["Delete"]
        try:
            write(self._client, "delete_item", freeing)
        except StaleWrite:
            return


def completion(main: str, completed: Completed) -> dict[str, Any]:
    """A Put action that records an answer, if the claim is still this request's."""
    claim = completed.claim
    return put(main, claim_item(claim, completed.answer), _OWNED, owner=claim.owner)


def release(main: str, claim: Claim) -> dict[str, Any]:
    """A Delete action that frees an idempotency key, if the claim is still this request's and has no answer."""
    return delete(main, idempotency_key(claim.org, claim.key), _OWNED, owner=claim.owner)


def claim_item(claim: Claim, answer: Recorded | None = None) -> Item:
    """What stands for an idempotency key: a claim, and its answer once there is one."""
    recorded = answer and {"status": answer.status, "headers": dict(answer.headers), "body": answer.body}
    return idempotency_key(claim.org, claim.key) | {
        "request_digest": claim.request,
        "lease_owner": claim.owner,
        "lease_until": to_text(claim.until),
        "expires_at": to_text(claim.expires_at),
        "answer": recorded,
        "ttl": epoch(claim.expires_at),
    }


def found_from(item: Item) -> Found:
    """What another request has left."""
    answer = item.get("answer")
    return Found(
        request=item["request_digest"],
        until=datetime.fromisoformat(item["lease_until"]),
        answer=Recorded(answer["status"], answer["headers"], answer["body"]) if answer else None,
    )
