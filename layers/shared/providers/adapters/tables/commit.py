"""Commits a change with its side writes: events, audit entry, idempotency record and the link it used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from providers.adapters.tables.keys import upload_key
from providers.adapters.tables.transactions import ConditionFailed, delete, put, transact
from providers.ports import LeaseLost, UploadUsed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from providers.ports import SideWrites


def commit(client: DynamoDBClient, main: str, actions: Sequence[dict[str, Any]], side_writes: SideWrites) -> None:
    """Write `actions` and their side writes, or nothing.

    Raises LeaseLost, UploadUsed, ConditionFailed (positions in `actions`), StaleWrite, Unavailable.
    """
    # late: functions that only read load this module, too
    from providers.adapters.tables.audit import entry_items
    from providers.adapters.tables.idempotency import put_completion
    from providers.adapters.tables.outbox import event_item

    conditional: list[tuple[dict[str, Any], type[Exception]]] = []
    if side_writes.completion is not None:
        conditional.append((put_completion(main, side_writes.completion), LeaseLost))
    if side_writes.consumed_link is not None:
        gone = delete(main, upload_key(side_writes.consumed_link.id), "attribute_exists(PK)")
        conditional.append((gone, UploadUsed))
    plain = [put(main, event_item(event)) for event in side_writes.events]
    if side_writes.entry is not None:
        plain += [put(main, item) for item in entry_items(side_writes.entry)]
    try:
        transact(client, [*actions, *(action for action, _ in conditional), *plain])
    except ConditionFailed as error:
        for position, (_, failure) in enumerate(conditional, start=len(actions)):
            if position in error.failed:
                raise failure from None
        raise
