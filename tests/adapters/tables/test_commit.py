"""A change and its side writes are committed together, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from providers.model.audit import KEPT as TRAIL_KEPT
from providers.model.audit import Entry
from providers.model.idempotency import Completion, StoredResponse
from providers.ports import (
    NO_SIDE_WRITES,
    AuditFilter,
    LeaseLost,
    MissingProvider,
    NameTaken,
    SideWrites,
    StaleWrite,
    UploadUsed,
)
from tests.kit.memory.outbox import waiting
from tests.kit.stores import (
    ANSWER,
    NOW,
    ONE,
    ROTATED,
    Stores,
    claimed,
    config,
    create,
    entry,
    event,
    lease,
    provider,
    response_of,
    sealed,
    upload,
)


@dataclass(frozen=True)
class Write:
    """A kind of write, and a competing change that makes it fail.

    Args:
        prepare: creates the items that the write needs.
        write: makes the change, with its side writes.
        done: whether it is made.
        spoil: makes the write's condition false.
        failure: the exception that the write then raises.
    """

    prepare: Callable[[Stores], object]
    write: Callable[[Stores, SideWrites], None]
    done: Callable[[Stores], bool]
    spoil: Callable[[Stores], object]
    failure: type[Exception]


NEW_NAME = replace(ONE, name="New", revision=2)


def rename(stores: Stores, name: str = "Other") -> None:
    """Rename the provider, as a competing request would."""
    stores.providers.change(ONE, replace(ONE, name=name, revision=2))


def attach(stores: Stores) -> None:
    """Add a routing config that references the provider."""
    create(stores)
    stores.routing.put(None, config("@a", ONE.id))


def replace_config(stores: Stores) -> None:
    """Replace the routing config, as a competing request would."""
    stores.routing.put(config("@a", ONE.id), config("@a", ONE.id, revision=2))


WRITES = {
    "create a provider": Write(
        prepare=lambda stores: None,
        write=lambda stores, side_writes: create(stores, side_writes=side_writes),
        done=lambda stores: stores.providers.get("org_a", ONE.id) == ONE,
        spoil=lambda stores: create(stores, provider(2, name=ONE.name.upper())),
        failure=NameTaken,
    ),
    "rename a provider": Write(
        prepare=create,
        write=lambda stores, side_writes: stores.providers.change(ONE, NEW_NAME, side_writes=side_writes),
        done=lambda stores: stores.providers.get("org_a", ONE.id) == NEW_NAME,
        spoil=lambda stores: create(stores, provider(2, name="nEW")),
        failure=NameTaken,
    ),
    "rotate a provider's credential": Write(
        prepare=create,
        write=lambda stores, side_writes: stores.providers.change(ONE, ROTATED, sealed(ROTATED, 2), side_writes),
        done=lambda stores: stores.providers.get("org_a", ONE.id) == ROTATED,
        spoil=rename,
        failure=StaleWrite,
    ),
    "delete a provider": Write(
        prepare=create,
        write=lambda stores, side_writes: stores.providers.delete(ONE, side_writes),
        done=lambda stores: stores.providers.get("org_a", ONE.id) is None,
        spoil=rename,
        failure=StaleWrite,
    ),
    "create a routing config": Write(
        prepare=create,
        write=lambda stores, side_writes: stores.routing.put(None, config("@a", ONE.id), side_writes),
        done=lambda stores: stores.routing.get("org_a", "@a") == config("@a", ONE.id),
        spoil=lambda stores: stores.providers.delete(ONE),
        failure=MissingProvider,
    ),
    "replace a routing config": Write(
        prepare=attach,
        write=lambda stores, side_writes: stores.routing.put(
            config("@a", ONE.id), config("@a", ONE.id, ONE.id, revision=2), side_writes
        ),
        done=lambda stores: stores.routing.get("org_a", "@a") == config("@a", ONE.id, ONE.id, revision=2),
        spoil=replace_config,
        failure=StaleWrite,
    ),
    "delete a routing config": Write(
        prepare=attach,
        write=lambda stores, side_writes: stores.routing.delete(config("@a", ONE.id), side_writes),
        done=lambda stores: stores.routing.get("org_a", "@a") is None,
        spoil=replace_config,
        failure=StaleWrite,
    ),
    "make an upload link": Write(
        prepare=lambda stores: None,
        write=lambda stores, side_writes: stores.uploads.put(upload(), side_writes),
        done=lambda stores: stores.uploads.get("up_1") == upload(),
        spoil=lambda stores: stores.uploads.put(upload(name="Other")),
        failure=StaleWrite,
    ),
}

ALL = SideWrites([event(1), event(2)], entry(), Completion(lease(), ANSWER), upload(9))


def left(stores: Stores) -> tuple[list[str], list[Entry], StoredResponse | None, bool]:
    """Return the committed side writes: events, audit entries, stored response, and whether the link is used."""
    events = [each.id for each in waiting(stores.outbox)]
    entries = list(stores.audit.list("org_a", AuditFilter(), NOW - TRAIL_KEPT, 10, None)[0])
    return events, entries, response_of(stores), stores.uploads.get("up_9") is None


@pytest.fixture(params=list(WRITES.values()), ids=list(WRITES))
def write(request: pytest.FixtureRequest, stores: Stores) -> Write:
    """Each kind of write, from a request that has claimed its idempotency key and came by an upload link."""
    found: Write = request.param
    claimed(stores, "try-1")
    stores.uploads.put(upload(9))
    found.prepare(stores)
    return found


def test_side_writes_are_committed_with_their_change(stores: Stores, write: Write) -> None:
    """A change is committed with its events, audit entry and stored response, and uses up its upload link."""
    write.write(stores, ALL)
    assert write.done(stores)
    assert left(stores) == ([event(1).id, event(2).id], [entry()], ANSWER, True)


def test_nothing_is_committed_if_one_condition_fails(stores: Stores, write: Write) -> None:
    """One failed condition cancels all writes. A lost lease is reported first, then a used link, then the rest."""
    lost = replace(ALL, completion=Completion(lease("try-0"), ANSWER))
    used = replace(ALL, consumed_link=upload(8))
    both = replace(lost, consumed_link=upload(8))
    refusals: list[tuple[SideWrites, type[Exception]]] = [(lost, LeaseLost), (used, UploadUsed), (both, LeaseLost)]
    for side_writes, failure in refusals:
        with pytest.raises(failure):
            write.write(stores, side_writes)
        assert not write.done(stores)
    write.spoil(stores)
    for side_writes, failure in [(ALL, write.failure), *refusals]:
        with pytest.raises(failure):
            write.write(stores, side_writes)
    assert left(stores) == ([], [], None, False)


def test_a_change_without_side_writes_is_committed(stores: Stores, write: Write) -> None:
    """A change without idempotency key, link, event or audit entry is committed alone."""
    write.write(stores, NO_SIDE_WRITES)
    assert write.done(stores)
    assert left(stores) == ([], [], None, False)


def released(stores: Stores) -> None:
    """Claim the key and release it."""
    claimed(stores, "try-1")
    stores.idempotency.release(lease())


def completed(stores: Stores) -> None:
    """Claim the key and make the change."""
    claimed(stores, "try-1")
    create(stores, provider(2), SideWrites(completion=Completion(lease(), ANSWER)))


LOST: dict[str, Callable[[Stores], None]] = {
    "never claimed": lambda stores: None,
    "taken over": lambda stores: claimed(stores, "try-1", "try-2"),
    "released": released,
    "completed": completed,
}


@pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
def test_a_request_that_has_lost_its_lease_changes_nothing(stores: Stores, lose: Callable[[Stores], None]) -> None:
    """A request whose lease was lost changes nothing, because another attempt may have made the change."""
    lose(stores)
    with pytest.raises(LeaseLost):
        create(stores, side_writes=SideWrites(completion=Completion(lease(), ANSWER)))
    assert stores.providers.get("org_a", ONE.id) is None


def lose_first_response(client: Any, operation: str) -> list[str]:
    """Drop the response to the client's next `operation` after it has run; the returned list records each attempt."""
    sent: list[str] = []

    def lose(request: Any, **_: Any) -> None:
        sent.append(operation)
        if len(sent) > 1:
            return
        client.meta.events.unregister(name, lose)
        played = client.meta.events.emit(name, request=request)
        if not any(response is not None for _, response in played):
            client._endpoint.http_session.send(request)
        client.meta.events.register_first(name, lose)
        raise ConnectionClosedError(endpoint_url=request.url)

    name = f"before-send.dynamodb.{operation}"
    client.meta.events.register_first(name, lose)
    return sent


@pytest.mark.parametrize("stores", ["dynamodb-local"], indirect=True)
def test_a_retried_transaction_is_not_applied_twice(stores: Stores) -> None:
    """DynamoDB recognizes a retried transaction by its token and reports success; moto does not."""
    assert stores.tables is not None
    claimed(stores, "try-1")
    stores.uploads.put(upload(9))
    sent = lose_first_response(stores.tables.client, "TransactWriteItems")
    create(stores, side_writes=ALL)
    assert len(sent) == 2
    assert left(stores) == ([event(1).id, event(2).id], [entry()], ANSWER, True)
