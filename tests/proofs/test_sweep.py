"""Sweeps killed between any two calls, and messages repeated in any order: each probe counts once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final

import pytest

from providers.adapters.tables.attributes import marshal
from providers.adapters.tables.keys import QUARANTINE, outbox_shard_of
from providers.adapters.tables.outbox import event_item
from providers.edge.background import queue_worker
from providers.model.events import Event, EventType
from providers.model.health import MINUTE
from providers.model.provider import PENDING_FOR
from providers.model.vendor import Credential
from providers.model.verdict import Verdict
from providers.usecases import events as drain
from providers.usecases import probe
from providers.usecases.probe import probe_messages
from providers.usecases.probe_batch import Batch
from providers.usecases.sweep import run_minute
from providers_contract.vocabulary import Reason
from providers_data_plane.stored import provider_key
from tests.kit.figures import SOAK, Figure
from tests.kit.memory.outbox import waiting
from tests.proofs.killing import Killed, Killer
from tests.proofs.world import BEGAN, ORG, WORLDS, Call, Gate, Process, World, add, at_once
from tests.proofs.world import POISON as REFUSED

PROOF: Final = "Sweep"
POISON: Final = "{"
Moods = dict[str, Reason | None]

LAST: Final[Moods] = {
    "Good": None,
    "Pending": None,
    "Limited": Reason.RATE_LIMITED,
    "Refused": Reason.CREDENTIAL_REJECTED,
    "Healthy": None,
    "Long": Reason.DNS_FAILED,
    "Waiting": Reason.TIMEOUT,
    "Expired": Reason.TIMEOUT,
}
"""The vendors' responses in the disturbed minute. Each has another result: a first state with its event,
an activation with its audit entry, a back-off, an outage after two failures, nothing but a bucket, the back-off of
a provider that has been unhealthy for an hour and of a pending one, and the end of one that was pending for a day."""

STORED: Final[dict[str, dict[str, str]]] = {
    "Pending": {"status": "pending"},
    "Waiting": {"status": "pending"},
    "Expired": {"status": "pending", "updated_at": (BEGAN - PENDING_FOR).isoformat(timespec="microseconds")},
    "Long": {
        "health_state": "unhealthy",
        "health_reason": "timeout",
        "health_since": (BEGAN - timedelta(hours=1)).isoformat(timespec="microseconds"),
    },
}
"""What the provider items say before that minute, apart from what the requests and sweeps before have written."""


@pytest.fixture(scope="module", params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Return a world of each kind."""
    with WORLDS[request.param]() as made:
        yield made


@pytest.fixture(autouse=True)
def _in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's and a drain's calls come one after another, always in the same order."""
    monkeypatch.setattr(probe, "THREADS", 1)
    monkeypatch.setattr(drain, "THREADS", 1)


class Queue:
    """A fake SQS that records messages."""

    def __init__(self, gate: Gate, sent: list[str]) -> None:
        self._gate = gate
        self._sent = sent

    def send(self, bodies: Sequence[str]) -> None:
        self._gate(Call("sqs", "SendMessageBatch"), lambda: self._sent.extend(bodies))


def process(world: World, minute: int, moods: Moods, gate: Gate = at_once) -> Process:
    """Return a new process in that minute, without cached data keys."""

    def mood(credential: Credential) -> Verdict:
        return Verdict(moods[credential.secret.reveal().split("-")[2]], latency_ms=100 + minute)

    made = world.process(gate, clock=world.clock(minute * MINUTE), cold=True)
    made.mood = mood
    return made


def message(world: World, minute: int, names: Sequence[str]) -> str:
    """Return the queued message for these providers."""
    return Batch(BEGAN + minute * MINUTE, tuple((ORG, world.ids[name]) for name in names)).to_json()


def deliver(worker: Process, *bodies: str) -> list[str]:
    """Deliver messages to a worker; return the failed ones, which SQS redelivers."""
    records = [{"messageId": body, "body": body} for body in bodies]
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    response = queue_worker(lambda: worker, probe_messages)({"Records": records}, context)
    return [each["itemIdentifier"] for each in response["batchItemFailures"]]


def facts(world: World) -> dict[str, Any]:
    """Provider items, samples and audit entries, when all events have been published."""
    world.sweep()
    found = {}
    for name, provider_id in world.ids.items():
        stored = world.auditor.providers.get(ORG, provider_id)
        assert stored is not None
        samples = world.auditor.health.read(provider_id, BEGAN, BEGAN + timedelta(hours=1))
        found[name] = (stored.status, stored.verification, stored.health, stored.probe_after, stored.throttled, samples)
    audited = [item["PK"]["S"] for item in world.items().values() if item["PK"]["S"].startswith("AUDIT#")]
    assert not waiting(world.auditor.outbox)
    return found | {"audit": len(audited)}


def events(world: World) -> Counter[tuple[str, str, str]]:
    """Return how many distinct events report each change of state."""
    published = {each["id"]: each for each in world.published}
    return Counter((each["name"], each.get("from", each["type"]), each.get("to", "")) for each in published.values())


def prepare(world: World) -> str:
    """Providers before the disturbed minute, the third; the message about them all."""
    world.begin_with([add(name) for name in LAST])
    for minute in (0, 1):
        worker = process(world, minute, LAST)
        assert deliver(worker, message(world, minute, ["Refused", "Healthy"])) == []
    for name, members in STORED.items():
        key = provider_key(ORG, world.ids[name])
        found = world.items()[world.tables.main, key["PK"], key["SK"]]
        world.tables.client.put_item(TableName=world.tables.main, Item=found | marshal(members))
    world.sweep()
    world.keep()
    return message(world, 2, list(LAST))


def calls_of(world: World, run: Callable[[Gate], None]) -> list[Call]:
    """Return the calls of an undisturbed process."""
    calls: list[Call] = []

    def noting(call: Call, make: Callable[[], Any]) -> Any:
        calls.append(call)
        return make()

    world.reset()
    run(noting)
    return calls


@pytest.mark.prove
def test_a_worker_that_dies_anywhere_leaves_nothing_undone_and_counts_nothing_twice(
    world: World, figure: Figure
) -> None:
    """A worker killed before or after any call to AWS or a vendor, and its redelivered message, count each probe once.

    Seen to fail: behind a worker that died when it had set the buckets, a provider stayed pending, and a vendor that
    throttled was asked again in the next minute.
    """
    body = prepare(world)

    def run(gate: Gate) -> None:
        assert deliver(process(world, 2, LAST, gate), body) == []

    calls = calls_of(world, run)
    assert {call.service for call in calls} == {"dynamodb", "kms", "vendor"}
    wanted, reported = facts(world), events(world)
    assert {name for name, _, _ in reported} == {"Good", "Pending", "Limited", "Refused", "Expired"}
    assert reported["Expired", "provider.pending_expired", ""] == 1
    assert [wanted[name][4] for name in ("Limited", "Long", "Waiting", "Healthy")] == [1, 1, 1, 0]
    assert [wanted[name][0].value for name in ("Pending", "Waiting", "Expired")] == ["active", "pending", "disabled"]
    for number in range(1, len(calls) + 1):
        for after in (False, True):
            world.reset()
            with pytest.raises(Killed):
                run(Killer(number, after))
            run(at_once)
            assert facts(world) == wanted, (calls[number - 1], after)
            assert events(world) == reported, (calls[number - 1], after)
    figure(PROOF, "kills of a worker before or after a call", 2 * len(calls))


@pytest.mark.prove
def test_a_dispatcher_that_dies_anywhere_is_made_up_for(world: World, figure: Figure) -> None:
    """A dispatcher killed before or after a call, and restarted, counts duplicates once and publishes waiting events.

    Of its queries of the index's sixty shards every seventh is tried, and every other call.

    Seen to fail: with events that are forgotten before they are published, the waiting one gets lost.
    """
    prepare(world)
    detail = {"name": "Earlier", "from": "unknown", "to": "healthy"}
    waiting = Event("01", EventType.HEALTH_CHANGED, BEGAN, ORG, world.ids["Good"], detail)
    world.tables.client.put_item(TableName=world.tables.main, Item=marshal(event_item(waiting)))
    world.keep()
    queued: list[str] = []

    def run(gate: Gate) -> None:
        dispatcher = process(world, 2, LAST, gate)
        dispatcher.queue = Queue(gate, queued)
        now = dispatcher.clock.now()
        assert run_minute(dispatcher, now, now + MINUTE)["due"] == len(LAST)

    def work_off() -> None:
        while queued:
            assert deliver(process(world, 2, LAST), queued.pop()) == []

    calls = calls_of(world, run)
    assert {call.service for call in calls} == {"dynamodb", "sqs", "events"}
    work_off()
    wanted, reported = facts(world), events(world)
    assert reported["Earlier", "unknown", "healthy"] == 1
    step = 1 if SOAK else 7
    others = {number for number, call in enumerate(calls, 1) if call.operation != "Query"}
    numbers = sorted({*range(1, len(calls) + 1, step), *others})
    for number in numbers:
        for after in (False, True):
            world.reset()
            with pytest.raises(Killed):
                run(Killer(number, after))
            run(at_once)
            work_off()
            assert (facts(world), events(world)) == (wanted, reported), (calls[number - 1], after)
    figure(PROOF, "kills of a dispatcher before or after a call", 2 * len(numbers))


@pytest.mark.prove
def test_a_drain_that_dies_anywhere_loses_no_event_and_quarantines_each_poison_once(
    world: World, figure: Figure
) -> None:
    """A drain killed before or after any call, and restarted, publishes its backlog and quarantines refused events.

    What a dead drain has published and not forgotten comes twice, a page of one shard at most.

    Seen to fail: with events that are forgotten before they are published, some get lost; with a refused event that is
    deleted before it is quarantined, it gets lost.
    """
    world.begin_with([add("Good")])
    backlog = [waiting_event(number, "Good") for number in range(1, 61)]
    poison = [waiting_event(number, REFUSED) for number in (61, 62, 63)]
    for event in backlog + poison:
        world.tables.client.put_item(TableName=world.tables.main, Item=marshal(event_item(event)))
    world.keep()

    def run(gate: Gate) -> None:
        dispatcher = process(world, 2, LAST, gate)
        drain.drain_outbox(dispatcher, dispatcher.clock.now() + MINUTE)

    calls = calls_of(world, run)
    assert {call.operation for call in calls} == {"Query", "PutEvents", "BatchWriteItem", "TransactWriteItems"}
    world.items()  # what the reset will find
    page = max(Counter(outbox_shard_of(event.provider_id) for event in backlog).values())
    for number in range(1, len(calls) + 1):
        for after in (False, True):
            world.reset()
            with pytest.raises(Killed):
                run(Killer(number, after))
            run(at_once)
            times = Counter(each["id"] for each in world.published)
            assert set(times) == {event.id for event in backlog}, (calls[number - 1], after)
            assert sum(times.values()) <= len(backlog) + page, (calls[number - 1], after)
            assert not waiting(world.auditor.outbox)
            quarantined = [sk for _, pk, sk in world.items() if pk == QUARANTINE]
            assert sorted(quarantined) == [event.id for event in poison], (calls[number - 1], after)
    figure(PROOF, "kills of a drain before or after a call", 2 * len(calls))


def waiting_event(number: int, name: str) -> Event:
    """Return an event that was committed but not published."""
    detail = {"name": name, "from": "unknown", "to": "healthy"}
    return Event(f"{number:026d}", EventType.HEALTH_CHANGED, BEGAN, ORG, f"prov_{number}", detail)


@pytest.mark.prove
@pytest.mark.parametrize("hours", [0, 1, 25])
def test_a_backed_off_provider_is_disturbed_by_no_redelivery(world: World, hours: int, figure: Figure) -> None:
    """Each message delivered three times in any order gives the state of one delivery, while a provider stays down."""
    chance = random.Random(hours)
    world.begin_with([add("One")])
    key = provider_key(ORG, world.ids["One"])
    found = world.items()[world.tables.main, key["PK"], key["SK"]]
    updated = (BEGAN - timedelta(hours=hours)).isoformat(timespec="microseconds")
    members = marshal({"status": "pending", "updated_at": updated})
    world.tables.client.put_item(TableName=world.tables.main, Item=found | members)
    world.keep()
    down: Moods = {"One": Reason.CONNECTION_FAILED}
    minutes = [0, 2, 6, 14, 30]

    def run(times: int) -> dict[str, Any]:
        world.reset()
        earlier: list[int] = []
        for minute in minutes:
            earlier.append(minute)
            again = chance.sample(earlier * (times - 1), len(earlier) * (times - 1))
            for each in [minute, *again]:
                assert deliver(process(world, each, down), message(world, each, ["One"])) == []
        return facts(world)

    wanted = run(1)
    assert wanted["One"][0].value == ("disabled" if hours >= 24 else "pending")
    assert run(3) == wanted
    assert sum(each["type"] == "provider.pending_expired" for each in world.published) == (hours >= 24)
    figure(PROOF, "redeliveries to a backed-off provider", len(minutes) * (len(minutes) + 1))


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(60 if SOAK else 6))
def test_messages_that_come_three_times_in_any_order_give_the_health_of_one_delivery(
    world: World, seed: int, figure: Figure
) -> None:
    """Redelivered messages, with poison among them, give one event per change of state, and a consistent sequence."""
    chance, names, minutes = random.Random(seed), ["One", "Two", "Three"], range(10)
    kinds = [None, None, Reason.CREDENTIAL_REJECTED, Reason.TIMEOUT, Reason.INSUFFICIENT_PERMISSION]
    moods = [{name: chance.choice(kinds) for name in names} for _ in minutes]
    for name in names[:2]:  # streaks lead to more states than chance alone
        for minute in range(3, 6):
            moods[minute][name] = Reason.HTTP_5XX
    world.begin_with([add(name) for name in names])
    once = [(minute, message(world, minute, names)) for minute in minutes]

    def run(deliveries: Sequence[tuple[int, str]], *poison: str) -> dict[str, Any]:
        world.reset()
        for minute, body in deliveries:
            assert deliver(process(world, minute, moods[minute]), *poison, body) == list(poison)
            world.sweep()  # so that events are published in the order of their commits
        return facts(world)

    wanted = run(once)
    assert run(chance.sample(once * 3, 3 * len(once)), POISON) == wanted
    states = dict.fromkeys(names, "unknown")
    for event in world.published:
        assert event["from"] == states[event["name"]]
        states[event["name"]] = event["to"]
    assert states == {name: wanted[name][2].state.value for name in names}
    assert len({event["id"] for event in world.published}) == len(world.published)
    figure(PROOF, "deliveries, three of each message in any order", 3 * len(once))
