"""Sweeps that die between any two calls, and messages that come again and in any order: each check counts once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final

import pytest

from providers.adapters import items
from providers.edge.background import queue_worker
from providers.model.events import Event, EventType
from providers.model.health import MINUTE
from providers.model.vendor import Credential
from providers.model.verdict import Reason, Verdict
from providers.usecases import sweep
from providers.usecases.sweep import Batch, dispatch, probe_messages
from tests.kit.fakes import waiting
from tests.kit.figures import SOAK, Figure
from tests.proofs.killing import Killed, Killer
from tests.proofs.world import BEGAN, ORG, WORLDS, Call, Gate, Process, World, add, at_once

PROOF: Final = "Sweep"
POISON: Final = "{"
Moods = dict[str, Reason | None]

LAST: Final[Moods] = {
    "Good": None,
    "Pending": None,
    "Limited": Reason.RATE_LIMITED,
    "Refused": Reason.CREDENTIAL_REJECTED,
    "Healthy": None,
}
"""What the vendors answer in the minute that is disturbed. Each leads to something else: a first state with its event,
an activation with its audit entry, a back-off, an outage after two failures before, and nothing but a slot."""


@pytest.fixture(scope="module", params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world of each kind."""
    with WORLDS[request.param]() as made:
        yield made


@pytest.fixture(autouse=True)
def _in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's calls come one after another, always in the same order."""
    monkeypatch.setattr(sweep, "THREADS", 1)


class Queue:
    """SQS: keeps what is sent."""

    def __init__(self, gate: Gate, sent: list[str]) -> None:
        self._gate = gate
        self._sent = sent

    def send(self, bodies: Sequence[str]) -> None:
        self._gate(Call("sqs", "SendMessageBatch"), lambda: self._sent.extend(bodies))


def process(world: World, minute: int, moods: Moods, gate: Gate = at_once) -> Process:
    """A new process in that minute, which has no data key in its memory yet."""

    def mood(credential: Credential) -> Verdict:
        return Verdict(moods[credential.secret.reveal().split("-")[2]], latency_ms=100 + minute)

    made = world.process(gate, clock=world.clock(minute * MINUTE), cold=True)
    made.mood = mood
    return made


def message(world: World, minute: int, names: Sequence[str]) -> str:
    """What is queued of these providers."""
    return Batch(BEGAN + minute * MINUTE, tuple((ORG, world.ids[name]) for name in names)).to_json()


def deliver(worker: Process, *bodies: str) -> list[str]:
    """Hand messages to a worker; those that are to come again."""
    records = [{"messageId": body, "body": body} for body in bodies]
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    answer = queue_worker(lambda: worker, probe_messages)({"Records": records}, context)
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def facts(world: World) -> dict[str, Any]:
    """Heads, samples and audit entries, when all events have been published."""
    world.sweep()
    found = {}
    for name, provider_id in world.ids.items():
        head = world.auditor.providers.get(ORG, provider_id)
        assert head is not None
        samples = world.auditor.health.read(provider_id, BEGAN, BEGAN + timedelta(hours=1))
        found[name] = (head.status, head.verification, head.health, head.probe_after, head.throttled, samples)
    audited = [item["PK"]["S"] for item in world.items().values() if item["PK"]["S"].startswith("AUDIT#")]
    assert not waiting(world.auditor.outbox)
    return found | {"audit": len(audited)}


def events(world: World) -> Counter[tuple[str, str, str]]:
    """How often each change of a state was told of, by events with ids of their own."""
    told = {each["id"]: each for each in world.published if each["type"] == "provider.health_changed"}
    return Counter((each["name"], each["from"], each["to"]) for each in told.values())


def prepare(world: World) -> str:
    """Providers before the disturbed minute, the third; the message about them all."""
    world.begin_with([add(name) for name in LAST])
    for minute in (0, 1):
        worker = process(world, minute, LAST)
        assert deliver(worker, message(world, minute, ["Refused", "Healthy"])) == []
    head = items.marshal(items.provider_key(ORG, world.ids["Pending"]))
    world.tables.client.update_item(
        TableName=world.tables.main,
        Key=head,
        UpdateExpression="SET #status = :pending",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":pending": {"S": "pending"}},
    )
    world.keep()
    return message(world, 2, list(LAST))


def calls_of(world: World, run: Callable[[Gate], None]) -> list[Call]:
    """The calls of a process that nothing happens to."""
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
    """Killed before and after each call, to AWS and to vendors; its message comes again.

    Seen to fail: behind a worker that died when it had set the slots, a provider stayed pending, and a vendor that
    throttled was asked again in the next minute.
    """
    body = prepare(world)

    def run(gate: Gate) -> None:
        assert deliver(process(world, 2, LAST, gate), body) == []

    calls = calls_of(world, run)
    assert {call.service for call in calls} == {"dynamodb", "kms", "events", "vendor"}
    wanted, told = facts(world), events(world)
    assert {name for name, _, _ in told} == {"Good", "Pending", "Limited", "Refused"}
    for number in range(1, len(calls) + 1):
        for after in (False, True):
            world.reset()
            with pytest.raises(Killed):
                run(Killer(number, after))
            run(at_once)
            assert facts(world) == wanted, (calls[number - 1], after)
            assert events(world) == told, (calls[number - 1], after)
    figure(PROOF, "kills of a worker before or after a call", 2 * len(calls))


@pytest.mark.prove
def test_a_dispatcher_that_dies_anywhere_is_made_up_for(world: World, figure: Figure) -> None:
    """Killed before and after its calls, and begun again: what is queued twice counts once, what waits is published.

    Of its queries of the index's sixty shards every seventh is tried, and every other call.

    Seen to fail: with events that are forgotten before they are published, the waiting one gets lost.
    """
    prepare(world)
    detail = {"name": "Earlier", "from": "unknown", "to": "healthy"}
    waiting = Event("01", EventType.HEALTH_CHANGED, BEGAN, ORG, world.ids["Good"], detail)
    world.tables.client.put_item(TableName=world.tables.main, Item=items.marshal(items.event_item(waiting)))
    world.keep()
    queued: list[str] = []

    def run(gate: Gate) -> None:
        dispatcher = process(world, 2, LAST, gate)
        dispatcher.queue = Queue(gate, queued)
        assert dispatch(dispatcher, dispatcher.clock.now()) == len(LAST)

    def work_off() -> None:
        while queued:
            assert deliver(process(world, 2, LAST), queued.pop()) == []

    calls = calls_of(world, run)
    assert {call.service for call in calls} == {"dynamodb", "sqs", "events"}
    work_off()
    wanted, told = facts(world), events(world)
    assert told["Earlier", "unknown", "healthy"] == 1
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
            assert (facts(world), events(world)) == (wanted, told), (calls[number - 1], after)
    figure(PROOF, "kills of a dispatcher before or after a call", 2 * len(numbers))


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(60 if SOAK else 6))
def test_messages_that_come_three_times_in_any_order_give_the_health_of_one_delivery(
    world: World, seed: int, figure: Figure
) -> None:
    """With poison among them. Each change of a state is told of once, and the changes follow from one another."""
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
