"""Commits a change together with its events, its audit entry, its idempotency record and the link it was made with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from providers.adapters import items, ledger_items
from providers.adapters.transactions import ConditionFailed, delete, put, transact
from providers.ports import Alongside, ClaimLost, UploadUsed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from providers.model.idempotency import Claim, Completed

_OWNED: Final = "lease_owner = :owner AND attribute_not_exists(answer)"


def commit(client: DynamoDBClient, main: str, actions: Sequence[dict[str, Any]], alongside: Alongside) -> None:
    """Write `actions`, and what goes with them, or nothing.

    Raises ClaimLost, UploadUsed, ConditionFailed (positions in `actions`), StaleWrite, Unavailable.
    """
    conditional: list[tuple[dict[str, Any], type[Exception]]] = []
    if alongside.completed is not None:
        conditional.append((completion(main, alongside.completed), ClaimLost))
    if alongside.used is not None:
        gone = delete(main, items.upload_key(alongside.used.id), "attribute_exists(PK)")
        conditional.append((gone, UploadUsed))
    plain = [put(main, items.event_item(event)) for event in alongside.events]
    if alongside.entry is not None:
        plain += [put(main, item) for item in ledger_items.entry_items(alongside.entry)]
    try:
        transact(client, [*actions, *(action for action, _ in conditional), *plain])
    except ConditionFailed as error:
        for position, (_, failure) in enumerate(conditional, start=len(actions)):
            if position in error.failed:
                raise failure from None
        raise


def completion(main: str, completed: Completed) -> dict[str, Any]:
    """A Put action that records an answer, if the claim is still this request's."""
    claim = completed.claim
    return put(main, ledger_items.claim_item(claim, completed.answer), _OWNED, owner=claim.owner)


def release(main: str, claim: Claim) -> dict[str, Any]:
    """A Delete action that frees an idempotency key, if the claim is still this request's and has no answer."""
    return delete(main, items.idempotency_key(claim.org, claim.key), _OWNED, owner=claim.owner)
