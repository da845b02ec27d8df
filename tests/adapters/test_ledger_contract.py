"""The contract of what surrounds changes, over fakes, moto and DynamoDB Local: all of it is committed, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from providers.adapters.tables.audit import DynamoAudit
from providers.adapters.tables.counters import DynamoVerifications
from providers.adapters.tables.expiry import DynamoExpired
from providers.adapters.tables.idempotency import DynamoIdempotency
from providers.adapters.tables.outbox import DynamoOutbox
from providers.adapters.tables.providers import DynamoProviders
from providers.adapters.tables.routing import DynamoRouting
from providers.adapters.tables.uploads import DynamoUploads
from providers.model.audit import KEPT as TRAIL_KEPT
from providers.model.audit import SYSTEM, Actor, Entry
from providers.model.idempotency import KEPT, LEASE, Completion, ExistingRecord, Lease, StoredResponse
from providers.model.policy import Limits
from providers.model.provider import Provider
from providers.model.upload import Upload
from providers.ports import (
    NO_SIDE_WRITES,
    AuditFilter,
    AuditStore,
    Expired,
    ExpiredStore,
    IdempotencyStore,
    LeaseLost,
    LimitReached,
    MissingProvider,
    NameTaken,
    Outbox,
    ProviderStore,
    RoutingStore,
    SideWrites,
    StaleWrite,
    UploadStore,
    UploadUsed,
    VerificationCounter,
)
from providers_contract.vocabulary import Action
from tests.adapters.test_store_contract import NOW, config, event, provider, rotated, sealed
from tests.kit.aws import Tables, dynamodb_local_tables, moto_tables
from tests.kit.fakes import (
    Database,
    MemoryAudit,
    MemoryExpired,
    MemoryIdempotency,
    MemoryOutbox,
    MemoryProviders,
    MemoryRouting,
    MemoryUploads,
    MemoryVerifications,
    waiting,
)

SECOND = timedelta(seconds=1)


@dataclass
class Stores:
    """Stores over one database; `tables` is None where that is a fake."""

    providers: ProviderStore
    routing: RoutingStore
    outbox: Outbox
    idempotency: IdempotencyStore
    audit: AuditStore
    uploads: UploadStore
    expired: ExpiredStore
    verifications: VerificationCounter
    tables: Tables | None = None


def fake_stores() -> Stores:
    """Empty fakes."""
    database = Database()
    return Stores(
        MemoryProviders(database),
        MemoryRouting(database),
        MemoryOutbox(database),
        MemoryIdempotency(database),
        MemoryAudit(database),
        MemoryUploads(database),
        MemoryExpired(database),
        MemoryVerifications(),
    )


def dynamo_stores(tables: Tables) -> Stores:
    """The real stores."""
    return Stores(
        DynamoProviders(tables.client, tables.main, tables.secrets),
        DynamoRouting(tables.client, tables.main),
        DynamoOutbox(tables.client, tables.main),
        DynamoIdempotency(tables.client, tables.main),
        DynamoAudit(tables.client, tables.main),
        DynamoUploads(tables.client, tables.main),
        DynamoExpired(tables.client, tables.main, tables.secrets),
        DynamoVerifications(tables.client, tables.main),
        tables,
    )


@pytest.fixture(params=["fake", "moto", "dynamodb-local"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Empty stores of each kind."""
    if request.param == "fake":
        yield fake_stores()
        return
    with ExitStack() as opened:
        kind = moto_tables if request.param == "moto" else dynamodb_local_tables
        yield dynamo_stores(opened.enter_context(kind()))


ANSWER = StoredResponse(201, {"ETag": '"1"', "Content-Type": "application/json"}, '{"data":{"name":"Größe"}}\n')


def lease(owner: str = "try-1", at: datetime = NOW, **members: Any) -> Lease:
    """A try of a request that begins at `at`."""
    return replace(Lease("org_a", "k" * 64, "a" * 64, owner, at + LEASE, at + KEPT), **members)


def entry(number: int = 1, **members: Any) -> Entry:
    """An entry of the trail whose id ends in `number`."""
    actor = Actor("management_key", "01test")
    base = Entry(f"{number:026d}", NOW, "org_a", actor, Action.CREATED, "provider", provider().id)
    return replace(base, **members)


def upload(number: int = 1, **members: Any) -> Upload:
    """An upload link whose id ends in `number`."""
    ends = NOW + timedelta(minutes=10)
    return replace(Upload(f"up_{number}", "org_a", "01test", "openai", "Prod", None, None, NOW, ends), **members)


def claimed(stores: Stores, *owners: str) -> None:
    """Claim the key for each of `owners` in turn, the lease of the one before being over each time."""
    for number, owner in enumerate(owners):
        at = NOW + number * LEASE
        assert stores.idempotency.acquire(lease(owner, at), at) is None


def answer_of(stores: Stores, at: datetime = NOW) -> StoredResponse | None:
    """What a repeated request is answered; None where the first has not ended."""
    found = stores.idempotency.acquire(lease("asks", request="another"), at)
    assert found is not None
    return found.response


# side writes


@dataclass(frozen=True)
class Write:
    """A write of one kind, and how another comes in its way.

    Args:
        prepare: what has to be there before it.
        write: makes the change, with its side writes.
        done: whether it is made.
        spoil: makes what the write was conditioned on untrue.
        failure: what the write then raises.
    """

    prepare: Callable[[Stores], object]
    write: Callable[[Stores, SideWrites], None]
    done: Callable[[Stores], bool]
    spoil: Callable[[Stores], object]
    failure: type[Exception]


ONE = provider()
NEW_NAME = replace(ONE, name="New", revision=2)
ROTATED = rotated(ONE, NOW + timedelta(hours=1))


def create(stores: Stores, one: Provider = ONE, side_writes: SideWrites = NO_SIDE_WRITES) -> None:
    """Create a provider."""
    stores.providers.create(one, sealed(one), side_writes)


def rename(stores: Stores, name: str = "Other") -> None:
    """A change that comes between."""
    stores.providers.change(ONE, replace(ONE, name=name, revision=2))


def attach(stores: Stores) -> None:
    """A provider and a config that names it."""
    create(stores)
    stores.routing.put(None, config("@a", ONE.id))


def replace_config(stores: Stores) -> None:
    """A change of the config that comes between."""
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
    """The side writes that were committed: events, entries, the answer, and whether the upload link is used."""
    events = [each.id for each in waiting(stores.outbox)]
    entries = list(stores.audit.list("org_a", AuditFilter(), NOW - TRAIL_KEPT, 10, None)[0])
    return events, entries, answer_of(stores), stores.uploads.get("up_9") is None


@pytest.fixture(params=list(WRITES.values()), ids=list(WRITES))
def write(request: pytest.FixtureRequest, stores: Stores) -> Write:
    """Each kind of write, about to be made by a request that has claimed its key and came by an upload link."""
    found: Write = request.param
    claimed(stores, "try-1")
    stores.uploads.put(upload(9))
    found.prepare(stores)
    return found


def test_all_that_goes_with_a_change_is_committed_with_it(stores: Stores, write: Write) -> None:
    """Its events, its entry, its answer for whoever asks again, and its upload link is used up."""
    write.write(stores, ALL)
    assert write.done(stores)
    assert left(stores) == ([event(1).id, event(2).id], [entry()], ANSWER, True)


def test_nothing_is_committed_where_one_condition_fails(stores: Stores, write: Write) -> None:
    """Whichever fails: a lost lease is told before a used link, and that before the change's own condition."""
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


def test_a_change_of_a_plain_request_goes_by_itself(stores: Stores, write: Write) -> None:
    """Without a key, a link or anything to tell, the change alone is committed."""
    write.write(stores, NO_SIDE_WRITES)
    assert write.done(stores)
    assert left(stores) == ([], [], None, False)


def released(stores: Stores) -> None:
    """Claim the key and free it."""
    claimed(stores, "try-1")
    stores.idempotency.release(lease())


def answered(stores: Stores) -> None:
    """Claim the key and make the change."""
    claimed(stores, "try-1")
    create(stores, provider(2), SideWrites(completion=Completion(lease(), ANSWER)))


LOST: dict[str, Callable[[Stores], None]] = {
    "never claimed": lambda stores: None,
    "taken over": lambda stores: claimed(stores, "try-1", "try-2"),
    "released": released,
    "answered": answered,
}


@pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
def test_a_request_that_has_lost_its_claim_changes_nothing(stores: Stores, lose: Callable[[Stores], None]) -> None:
    """However it was lost: another try may have made the change."""
    lose(stores)
    with pytest.raises(LeaseLost):
        create(stores, side_writes=SideWrites(completion=Completion(lease(), ANSWER)))
    assert stores.providers.get("org_a", ONE.id) is None


# idempotency keys


def completion(owner: str) -> Completion:
    """An answer of one try."""
    return Completion(lease(owner), ANSWER)


RUNNING = ExistingRecord("a" * 64, NOW + LEASE, None)
ANSWERED = replace(RUNNING, response=ANSWER)
CLAIMS = {
    "the same request, running": (False, {}, LEASE - SECOND, RUNNING),
    "another request, running": (False, {"request": "b" * 64}, LEASE - SECOND, RUNNING),
    "the same request, its lease over": (False, {}, LEASE, None),
    "another request, its lease over": (False, {"request": "b" * 64}, LEASE, RUNNING),
    "the same request, answered": (True, {}, SECOND, ANSWERED),
    "the same request, answered, its lease over": (True, {}, KEPT - SECOND, ANSWERED),
    "another request, answered": (True, {"request": "b" * 64}, KEPT - SECOND, ANSWERED),
    "another request, the record expired": (False, {"request": "b" * 64}, KEPT, None),
    "another request, the answer expired": (True, {"request": "b" * 64}, KEPT, None),
    "the same request, the answer expired": (True, {}, KEPT, None),
    "another key": (True, {"key": "l" * 64}, SECOND, None),
    "another organization": (True, {"org": "org_b"}, SECOND, None),
}


@pytest.mark.parametrize(("has_answer", "members", "later", "found"), CLAIMS.values(), ids=CLAIMS)
def test_who_gets_a_key(
    stores: Stores, has_answer: bool, members: dict[str, str], later: timedelta, found: ExistingRecord | None
) -> None:
    """A free key is taken; a taken one shows whose it is, and what it was answered."""
    claimed(stores, "try-1")
    if has_answer:
        stores.idempotency.complete(completion("try-1"))
    second = lease("try-2", NOW + later, **members)
    assert stores.idempotency.acquire(second, NOW + later) == found
    third = replace(second, owner="try-3")
    until = NOW + later + LEASE
    assert stores.idempotency.acquire(third, NOW + later) == (found or ExistingRecord(second.request, until, None))


def test_who_was_taken_over_has_no_say_any_more(stores: Stores) -> None:
    """It neither records its answer nor frees the key; the one that goes on does."""
    claimed(stores, "try-1", "try-2")
    with pytest.raises(LeaseLost):
        stores.idempotency.complete(completion("try-1"))
    stores.idempotency.release(lease("try-1"))
    assert answer_of(stores) is None
    stores.idempotency.complete(completion("try-2"))
    assert answer_of(stores) == ANSWER


def test_a_released_key_is_free_for_any_request(stores: Stores) -> None:
    """Whoever failed may send another body under the same key."""
    claimed(stores, "try-1")
    stores.idempotency.release(lease("try-1"))
    assert stores.idempotency.acquire(lease("try-2", request="b" * 64), NOW) is None


def test_an_answered_key_is_not_released(stores: Stores) -> None:
    """Also by its owner: the change is made."""
    claimed(stores, "try-1")
    stores.idempotency.complete(completion("try-1"))
    stores.idempotency.release(lease("try-1"))
    assert answer_of(stores) == ANSWER


def test_releasing_what_is_not_there_does_nothing(stores: Stores) -> None:
    """Nor is it an error: the record may have expired."""
    stores.idempotency.release(lease("try-1"))
    claimed(stores, "try-2")


def test_an_answer_needs_a_claim(stores: Stores) -> None:
    """Recording one without it is refused."""
    with pytest.raises(LeaseLost):
        stores.idempotency.complete(completion("try-1"))
    claimed(stores, "try-1")


def test_asking_twice_for_the_same_try_is_asking_once(stores: Stores) -> None:
    """A client of AWS sends a call again when its answer got lost; the second time finds the first one's work."""
    for _ in range(2):
        claimed(stores, "try-1")
    for _ in range(2):
        stores.idempotency.complete(completion("try-1"))
    assert answer_of(stores) == ANSWER


def lose_first_answer(client: Any, operation: str) -> list[str]:
    """Let the answer of the client's next `operation` get lost once it is done; the list tells of each sending."""
    sent: list[str] = []

    def lose(request: Any, **_: Any) -> None:
        sent.append(operation)
        if len(sent) > 1:
            return
        client.meta.events.unregister(name, lose)
        played = client.meta.events.emit(name, request=request)
        if not any(answer is not None for _, answer in played):
            client._endpoint.http_session.send(request)
        client.meta.events.register_first(name, lose)
        raise ConnectionClosedError(endpoint_url=request.url)

    name = f"before-send.dynamodb.{operation}"
    client.meta.events.register_first(name, lose)
    return sent


@pytest.mark.parametrize("stores", ["moto", "dynamodb-local"], indirect=True)
def test_an_answer_that_got_lost_on_the_way_changes_nothing(stores: Stores) -> None:
    """The lease and the record are made once, and whoever made them is told so."""
    assert stores.tables is not None
    sent = lose_first_answer(stores.tables.client, "PutItem")
    claimed(stores, "try-1")
    assert len(sent) == 2
    sent = lose_first_answer(stores.tables.client, "PutItem")
    stores.idempotency.complete(completion("try-1"))
    assert len(sent) == 2
    assert answer_of(stores) == ANSWER


@pytest.mark.parametrize("stores", ["dynamodb-local"], indirect=True)
def test_a_transaction_whose_answer_got_lost_is_not_made_twice(stores: Stores) -> None:
    """DynamoDB knows it again by its token, and says that it is done; moto does not."""
    assert stores.tables is not None
    claimed(stores, "try-1")
    stores.uploads.put(upload(9))
    sent = lose_first_answer(stores.tables.client, "TransactWriteItems")
    create(stores, side_writes=ALL)
    assert len(sent) == 2
    assert left(stores) == ([event(1).id, event(2).id], [entry()], ANSWER, True)


# the audit trail


def trail(stores: Stores, *entries: Entry) -> None:
    """Commit entries, each with a change of its own."""
    for number, each in enumerate(entries, start=1):
        create(stores, provider(number, org=each.org), SideWrites(entry=each))


def ids(found: Any) -> list[int]:
    """The numbers of entries."""
    return [int(each.id) for each in found]


def test_an_entry_is_read_as_it_was_written(stores: Stores) -> None:
    """Every member, set or not, and members of its facts that are nothing."""
    full = entry(
        3,
        action=Action.UPDATED,
        before={"name": "Old", "base_url": None, "key_version": 1},
        after={"name": "Größe 数", "base_url": "https://proxy.example.com", "key_version": 2},
        request_id="request-1",
    )
    routing = entry(
        2,
        actor=SYSTEM,
        action=Action.ROUTING_CREATED,
        resource_type="routing_config",
        resource_id="@production",
        after={"strategy": "single", "attempts": [{"provider_id": ONE.id, "model": "m"}]},
    )
    nothing = entry(1, before={}, after={})
    trail(stores, nothing, routing, full)
    found, end = stores.audit.list("org_a", AuditFilter(), NOW - SECOND, 10, None)
    assert end is None
    assert list(found) == [full, routing, nothing]


def test_a_trail_is_newest_first_and_continues_where_it_ended(stores: Stores) -> None:
    """Pages neither repeat nor miss, and another organization's entries are not among them."""
    trail(stores, *(entry(number) for number in range(1, 8)), entry(8, org="org_b"))
    first, position = stores.audit.list("org_a", AuditFilter(), NOW - SECOND, 3, None)
    assert position == first[-1].id
    rest, _ = stores.audit.list("org_a", AuditFilter(), NOW - SECOND, 10, position)
    assert (ids(first), ids(rest)) == ([7, 6, 5], [4, 3, 2, 1])
    assert ids(stores.audit.list("org_b", AuditFilter(), NOW - SECOND, 10, None)[0]) == [8]


FILTERS = [
    (AuditFilter(), [5, 4, 3, 2, 1]),
    (AuditFilter(resource_id="@a"), [3]),
    (AuditFilter(action=Action.DELETED), [5, 2]),
    (AuditFilter(key_id="02other"), [5, 4]),
    (AuditFilter(resource_id=ONE.id, action=Action.DELETED, key_id="02other"), [5]),
    (AuditFilter(resource_id="@a", action=Action.DELETED), []),
    (AuditFilter(resource_id=""), []),
]


@pytest.mark.parametrize(("wanted", "expected"), FILTERS)
def test_a_trail_is_filtered(stores: Stores, wanted: AuditFilter, expected: list[int]) -> None:
    """Filters combine, and a filtered page is as full as it can be."""
    other = Actor("management_key", "02other")
    trail(
        stores,
        entry(1),
        entry(2, action=Action.DELETED),
        entry(3, resource_type="routing_config", resource_id="@a", action=Action.ROUTING_CREATED),
        entry(4, actor=other),
        entry(5, actor=other, action=Action.DELETED),
    )
    assert ids(stores.audit.list("org_a", wanted, NOW - SECOND, 10, None)[0]) == expected
    assert ids(stores.audit.list("org_a", wanted, NOW - SECOND, 1, None)[0]) == expected[:1]


def test_what_is_older_than_the_trail_goes_back_is_not_shown(stores: Stores) -> None:
    """Rows that DynamoDB has not taken yet are as good as gone."""
    trail(stores, *(entry(number, at=NOW + number * SECOND) for number in range(1, 5)))
    assert ids(stores.audit.list("org_a", AuditFilter(), NOW + 2 * SECOND, 10, None)[0]) == [4, 3]
    assert ids(stores.audit.list("org_a", AuditFilter(), NOW + 2 * SECOND, 1, None)[0]) == [4]
    assert ids(stores.audit.list("org_a", AuditFilter(), NOW + 4 * SECOND, 10, None)[0]) == []


def test_a_resources_trail_is_read_without_the_others() -> None:
    """One Query of its own partition, however many entries there are of other things."""
    with moto_tables() as tables:
        trails = DynamoAudit(tables.client, tables.main)
        uploads = DynamoUploads(tables.client, tables.main)
        for number in range(1, 9):
            told = entry(number, resource_id=f"prov_{number % 4}")
            uploads.put(upload(number), SideWrites(entry=told))
        asked: list[dict[str, Any]] = []
        tables.client.meta.events.register(
            "provide-client-params.dynamodb.Query", lambda params, **_: asked.append(dict(params))
        )
        found, end = trails.list("org_a", AuditFilter(resource_id="prov_1"), NOW - SECOND, 10, None)
        assert (ids(found), end) == ([5, 1], None)
        assert [each["ExpressionAttributeValues"][":pk"]["S"] for each in asked] == ["AUDIT#org_a#prov_1"]
        assert "FilterExpression" not in asked[0]


def test_a_filter_looks_at_a_bounded_number_of_entries(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages can be empty before the end; together they have what matches, once each."""
    for module in ("providers.adapters.tables.transactions", "tests.kit.fakes"):
        monkeypatch.setattr(f"{module}.READ_AT_MOST", 2)
    trail(stores, *(entry(n, action=Action.DELETED if n in (1, 8) else Action.UPDATED) for n in range(1, 9)))
    pages, position = [], None
    while True:
        page, position = stores.audit.list("org_a", AuditFilter(action=Action.DELETED), NOW - SECOND, 5, position)
        pages.append(ids(page))
        if position is None:
            break
    assert [number for page in pages for number in page] == [8, 1]
    assert [] in pages


def test_links_have_a_limit_in_their_ten_minutes(stores: Stores) -> None:
    """Told with the count; another organization and the next window are not affected."""
    few = Limits(upload_links=1)
    stores.uploads.put(upload(1), limits=few)
    with pytest.raises(LimitReached) as caught:
        stores.uploads.put(upload(2), limits=few)
    assert (caught.value.what, caught.value.count) == ("upload_links", 1)
    assert stores.uploads.get("up_2") is None
    stores.uploads.put(upload(3, org="org_b"), limits=few)
    stores.uploads.put(upload(4, created_at=NOW + timedelta(minutes=10)), limits=few)


def test_a_link_is_used_up_once(stores: Stores) -> None:
    """Without a change that goes with it, too."""
    stores.uploads.put(upload(1))
    stores.uploads.use("up_1")
    with pytest.raises(UploadUsed):
        stores.uploads.use("up_1")


# upload links


@pytest.mark.parametrize("members", [{}, {"base_url": "https://a.openai.azure.com", "provider_id": ONE.id}])
def test_an_upload_link_is_read_as_it_was_written(stores: Stores, members: dict[str, Any]) -> None:
    """Every member, set or not; an id is given out once."""
    stores.uploads.put(upload(**members))
    assert stores.uploads.get("up_1") == upload(**members)
    assert stores.uploads.get("up_2") is None
    with pytest.raises(StaleWrite):
        stores.uploads.put(upload(org="org_b"))
    assert stores.uploads.get("up_1") == upload(**members)


def test_tries_at_a_link_are_counted(stores: Stores) -> None:
    """Until it is used; a link that is gone has no more of them, and does not come back."""
    stores.uploads.put(upload())
    assert [stores.uploads.count_attempt("up_1") for _ in range(3)] == [1, 2, 3]
    assert stores.uploads.get("up_1") == upload(tries=3)
    create(stores, side_writes=SideWrites(consumed_link=upload()))
    for gone in ("up_1", "up_2"):
        with pytest.raises(UploadUsed):
            stores.uploads.count_attempt(gone)
        assert stores.uploads.get(gone) is None


# versions that retire

HOUR = timedelta(hours=1)


def retiring(stores: Stores, number: int, at: datetime, org: str = "org_a") -> Expired:
    """A provider whose first version retires at `at`."""
    before = provider(number, org=org)
    after = rotated(before, at)
    create(stores, before)
    stores.providers.change(before, after, sealed(after, 2))
    return Expired(at, org, before.id, 1)


def rows(stores: Stores, expired: Expired) -> list[bool]:
    """Which of a provider's first two versions have a row."""
    return [stores.providers.sealed(expired.org, expired.provider_id, number) is not None for number in (1, 2)]


def test_versions_come_due_in_the_order_of_their_time(stores: Stores) -> None:
    """Those whose time has come, the oldest first, to the moment."""
    late, early, middle = (retiring(stores, number, NOW + hours * HOUR) for number, hours in [(1, 3), (2, 1), (3, 2)])
    assert list(stores.expired.list_due(NOW + HOUR - SECOND, 10)) == []
    assert list(stores.expired.list_due(NOW + HOUR, 10)) == [early]
    assert list(stores.expired.list_due(NOW + 3 * HOUR, 10)) == [early, middle, late]
    assert list(stores.expired.list_due(NOW + 3 * HOUR, 2)) == [early, middle]


def test_a_destroyed_version_is_gone_and_the_others_are_not(stores: Stores) -> None:
    """Its row and its place in the order; doing it twice is doing it once."""
    one, two = retiring(stores, 1, NOW + HOUR), retiring(stores, 2, NOW + HOUR)
    for _ in range(2):
        stores.expired.destroy(one)
    assert (rows(stores, one), rows(stores, two)) == ([False, True], [True, True])
    assert list(stores.expired.list_due(NOW + HOUR, 10)) == [two]


def test_a_version_that_has_not_expired_is_not_destroyed(stores: Stores) -> None:
    """Whatever the order says of an active row, or of one that retires later; and it is said once only."""
    one = retiring(stores, 1, NOW + HOUR)
    for wrong in (replace(one, at=NOW + HOUR - SECOND), replace(one, version=2)):
        stores.expired.destroy(wrong)
        assert rows(stores, one) == [True, True]
    assert list(stores.expired.list_due(NOW + HOUR, 10)) == [one]


def test_a_wrong_place_in_the_order_is_forgotten() -> None:
    """It is not tried again each minute, for ever, in front of those that are right."""
    with moto_tables() as tables:
        stores = dynamo_stores(tables)
        one = retiring(stores, 1, NOW + HOUR)
        change = "SET expires_at = :later"
        key = {"PK": {"S": f"ORG#org_a#PROV#{one.provider_id}"}, "SK": {"S": "V#00000001"}}
        later = {":later": {"S": (NOW + 2 * HOUR).isoformat()}}
        tables.client.update_item(
            TableName=tables.secrets, Key=key, UpdateExpression=change, ExpressionAttributeValues=later
        )
        stores.expired.destroy(one)
        assert rows(stores, one) == [True, True]
        assert list(stores.expired.list_due(NOW + HOUR, 10)) == []


def test_an_organization_may_be_called_anything(stores: Stores) -> None:
    """Its name has a place in the key, between separators that it may hold itself."""
    one = retiring(stores, 1, NOW + HOUR, org="acme#2#eu")
    assert list(stores.expired.list_due(NOW + HOUR, 10)) == [one]
    stores.expired.destroy(one)
    assert rows(stores, one) == [False, True]


def test_a_deleted_provider_leaves_nothing_to_be_read_or_destroyed(stores: Stores) -> None:
    """No row of it is left, the reaped one included, and what the order still says of it goes without harm."""
    before = provider()
    create(stores, before)
    second = rotated(before, NOW + HOUR)
    stores.providers.change(before, second, sealed(second, 2))
    third = rotated(second, NOW + 2 * HOUR)
    stores.providers.change(second, third, sealed(third, 3))
    stores.expired.destroy(Expired(NOW + HOUR, "org_a", before.id, 1))
    stores.providers.delete(third)
    assert [stores.providers.sealed("org_a", before.id, number) for number in (1, 2, 3)] == [None] * 3
    for each in stores.expired.list_due(NOW + 2 * HOUR, 10):
        stores.expired.destroy(each)
    assert list(stores.expired.list_due(NOW + 2 * HOUR, 10)) == []
    if stores.tables is not None:
        assert stores.tables.everything(stores.tables.secrets) == []


# when a version was last used


def test_a_use_is_recorded_once_a_minute(stores: Stores) -> None:
    """A use within the minute after a recorded one is not, whatever the caller has read."""
    create(stores)
    row = sealed(ONE)
    recorded = []
    for second in (0, 1, 59, 60, 119, 120.5):
        stores.providers.record_use(row, NOW + second * SECOND)
        recorded.append(stores.providers.last_used("org_a", ONE.id)[1] - NOW)
    assert [each.total_seconds() for each in recorded] == [0, 0, 0, 60, 60, 120.5]
    found = stores.providers.sealed("org_a", ONE.id, 1)
    assert found == replace(row, last_used_at=NOW + 120.5 * SECOND)


def test_the_use_of_a_version_that_is_gone_brings_nothing_back(stores: Stores) -> None:
    """Half a row would be left of it."""
    stores.providers.record_use(sealed(ONE), NOW)
    assert stores.providers.sealed("org_a", ONE.id, 1) is None
    assert stores.providers.last_used("org_a", ONE.id) == {}


def test_each_version_has_its_own_last_use(stores: Stores) -> None:
    """A new version is unused, and one that is replaced keeps what is known of it."""
    create(stores)
    stores.providers.record_use(sealed(ONE), NOW)
    stores.providers.change(ONE, ROTATED, sealed(ROTATED, 2))
    assert stores.providers.last_used("org_a", ONE.id) == {1: NOW}
    stores.providers.record_use(sealed(ROTATED, 2), NOW + SECOND)
    assert stores.providers.last_used("org_a", ONE.id) == {1: NOW, 2: NOW + SECOND}
    assert stores.providers.last_used("org_b", ONE.id) == {}


@pytest.mark.parametrize("stores", ["moto", "dynamodb-local"], indirect=True)
def test_telling_the_last_use_reads_no_credential(stores: Stores) -> None:
    """What comes from the database is the version and the time."""
    assert stores.tables is not None
    create(stores)
    stores.providers.record_use(sealed(ONE), NOW)
    read: list[dict[str, Any]] = []
    stores.tables.client.meta.events.register(
        "after-call.dynamodb.*", lambda parsed, **_: read.extend(parsed.get("Items", []))
    )
    assert stores.providers.last_used("org_a", ONE.id) == {1: NOW}
    assert [set(item) for item in read] == [{"SK", "last_used_at"}]


# limits


def test_verifications_are_counted_by_the_minute(stores: Stores) -> None:
    """For each organization by itself, and for the stack by itself."""
    counts = [
        stores.verifications.count(org, minute)
        for org, minute in [("a", 7), ("a", 7), ("b", 7), (None, 7), ("a", 8), ("a", 7), (None, 7), (None, 8)]
    ]
    assert counts == [1, 2, 1, 1, 1, 3, 2, 1]
