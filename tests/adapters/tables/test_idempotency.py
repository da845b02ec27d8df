"""Idempotency records: the lease and the stored response of a key, and their expiry."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from providers.model.idempotency import KEPT, LEASE, Completion, ExistingRecord
from providers.ports import LeaseLost
from tests.adapters.tables.test_commit import lose_first_response
from tests.kit.stores import ANSWER, NOW, SECOND, Stores, claimed, lease, response_of


def completion(owner: str) -> Completion:
    """Return the response of one attempt."""
    return Completion(lease(owner), ANSWER)


RUNNING = ExistingRecord("a" * 64, NOW + LEASE, None)

COMPLETED = replace(RUNNING, response=ANSWER)

CLAIMS = {
    "the same request, running": (False, {}, LEASE - SECOND, RUNNING),
    "another request, running": (False, {"request": "b" * 64}, LEASE - SECOND, RUNNING),
    "the same request, its lease over": (False, {}, LEASE, None),
    "another request, its lease over": (False, {"request": "b" * 64}, LEASE, RUNNING),
    "the same request, completed": (True, {}, SECOND, COMPLETED),
    "the same request, completed, its lease over": (True, {}, KEPT - SECOND, COMPLETED),
    "another request, completed": (True, {"request": "b" * 64}, KEPT - SECOND, COMPLETED),
    "another request, the record expired": (False, {"request": "b" * 64}, KEPT, None),
    "another request, the response expired": (True, {"request": "b" * 64}, KEPT, None),
    "the same request, the response expired": (True, {}, KEPT, None),
    "another key": (True, {"key": "l" * 64}, SECOND, None),
    "another organization": (True, {"org": "org_b"}, SECOND, None),
}


@pytest.mark.parametrize(("has_response", "members", "later", "found"), CLAIMS.values(), ids=CLAIMS)
def test_acquiring_a_key_depends_on_its_record(
    stores: Stores, has_response: bool, members: dict[str, str], later: timedelta, found: ExistingRecord | None
) -> None:
    """A free key is leased; a taken one returns its holder and the stored response."""
    claimed(stores, "try-1")
    if has_response:
        stores.idempotency.complete(completion("try-1"))
    second = lease("try-2", NOW + later, **members)
    assert stores.idempotency.acquire(second, NOW + later) == found
    third = replace(second, owner="try-3")
    until = NOW + later + LEASE
    assert stores.idempotency.acquire(third, NOW + later) == (found or ExistingRecord(second.request, until, None))


def test_a_lost_lease_can_neither_complete_nor_release(stores: Stores) -> None:
    """A request that lost its lease can neither store a response nor release the key; its successor can."""
    claimed(stores, "try-1", "try-2")
    with pytest.raises(LeaseLost):
        stores.idempotency.complete(completion("try-1"))
    stores.idempotency.release(lease("try-1"))
    assert response_of(stores) is None
    stores.idempotency.complete(completion("try-2"))
    assert response_of(stores) == ANSWER


def test_a_released_key_is_free_for_any_request(stores: Stores) -> None:
    """A released key can be used with another body."""
    claimed(stores, "try-1")
    stores.idempotency.release(lease("try-1"))
    assert stores.idempotency.acquire(lease("try-2", request="b" * 64), NOW) is None


def test_a_completed_key_is_not_released(stores: Stores) -> None:
    """A key with a stored response cannot be released, even by its owner: the change was made."""
    claimed(stores, "try-1")
    stores.idempotency.complete(completion("try-1"))
    stores.idempotency.release(lease("try-1"))
    assert response_of(stores) == ANSWER


def test_releasing_a_missing_lease_does_nothing(stores: Stores) -> None:
    """Releasing an expired record is not an error."""
    stores.idempotency.release(lease("try-1"))
    claimed(stores, "try-2")


def test_a_response_needs_a_lease(stores: Stores) -> None:
    """A response cannot be stored without a lease."""
    with pytest.raises(LeaseLost):
        stores.idempotency.complete(completion("try-1"))
    claimed(stores, "try-1")


def test_acquiring_twice_with_one_owner_succeeds(stores: Stores) -> None:
    """A retried claim of the same attempt finds its own lease."""
    for _ in range(2):
        claimed(stores, "try-1")
    for _ in range(2):
        stores.idempotency.complete(completion("try-1"))
    assert response_of(stores) == ANSWER


@pytest.mark.parametrize("stores", ["moto", "dynamodb-local"], indirect=True)
def test_a_lost_response_of_dynamodb_changes_nothing(stores: Stores) -> None:
    """If DynamoDB's response is lost, the lease and the record are written once and the retry succeeds."""
    assert stores.tables is not None
    sent = lose_first_response(stores.tables.client, "PutItem")
    claimed(stores, "try-1")
    assert len(sent) == 2
    sent = lose_first_response(stores.tables.client, "PutItem")
    stores.idempotency.complete(completion("try-1"))
    assert len(sent) == 2
    assert response_of(stores) == ANSWER
