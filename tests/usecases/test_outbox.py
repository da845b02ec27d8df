"""The outbox: left-over events are published quickly, even if EventBridge rejects some."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from providers.adapters.messaging import EventBridgePublisher
from providers.adapters.metrics import EmfMetrics
from providers.edge.background import scheduled
from providers.model.errors import Unavailable
from providers.model.events import Event, EventType
from providers.model.policy import OUTBOX_SHARDS
from providers.ports import Published, Refused
from providers.usecases import events as drain
from providers.usecases.events import GIVE_UP_AFTER, drain_outbox
from providers.usecases.probe import probe_messages
from providers.usecases.sweep import dispatch, run_minute
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import Invocation
from tests.kit.memory.outbox import waiting
from tests.kit.requests import ORG, added

MINUTE = timedelta(minutes=1)
LEFT_S = 42.0
"""The part of the dispatcher's fifty seconds that is left for the outbox."""


def left_over(ports: FakePorts, count: int) -> list[Event]:
    """Return events of as many providers that were committed a minute ago and not published."""
    at = ports.clock.now() - MINUTE
    made = [Event(ports.clock.new_id(), EventType.CREATED, at, ORG, f"prov_{number}") for number in range(count)]
    ports.db.outbox |= {event.id: event for event in made}
    return made


def drained(ports: FakePorts, left_s: float = LEFT_S) -> dict[str, int]:
    """Drain the outbox for this many seconds."""
    return drain_outbox(ports, ports.clock.now() + timedelta(seconds=left_s))


class SlowPublisher:
    """Takes as long as EventBridge and DynamoDB: 30 ms per ten events, 20 ms per page, one call at a time."""

    def __init__(self, ports: FakePorts) -> None:
        self.ports = ports
        self.lock = threading.Lock()
        self.published: list[Event] = []
        self.times: list[datetime] = []

    def publish(self, events: Sequence[Event]) -> Published:
        with self.lock:
            self.ports.clock.pass_time(milliseconds=20 + 30 * -(-len(events) // 10))
            self.published += events
            self.times += [self.ports.clock.now()] * len(events)
        return Published(events)


def populated(count: int) -> FakePorts:
    """Add this many providers of a hundred organizations."""
    ports = FakePorts()
    first = added(ports)
    credential = ports.cipher.open(ports.db.rows[ORG, first.id, 1], first.destination(first.active))
    ports.db.providers.clear()
    for number in range(count):
        provider = replace(first, org=f"org_{number % 100:02d}", id=f"prov_{number:026d}", name=f"Provider {number}")
        key = provider.org, provider.id
        ports.db.providers[key] = provider
        destination = provider.destination(provider.active)
        ports.db.rows[*key, 1] = ports.cipher.seal(*key, 1, destination, credential)
    return ports


def test_ten_thousand_changes_in_a_minute_are_published_in_the_next_two() -> None:
    """Ten thousand events from an outage of EventBridge are published once each within two minutes.

    Seen to fail: with a hundred events a drain it takes a hundred minutes.
    """
    ports = populated(10_000)
    ports.db.outbox.clear()
    assert dispatch(ports, ports.clock.now()) == 10_000
    assert all(asyncio.run(probe_messages(ports, ports.queue.sent, 200, 1e12)))
    events = waiting(ports.outbox)
    assert len(events) == 10_000
    changed = ports.clock.now()
    publisher = SlowPublisher(ports)
    ports.publisher = publisher  # type: ignore[assignment]
    for minute in (1, 2):
        ports.clock.at = changed + minute * MINUTE
        drained(ports)
    assert Counter(event.id for event in publisher.published) == Counter(event.id for event in events)
    assert max(publisher.times) <= changed + 3 * MINUTE
    assert waiting(ports.outbox) == []


def test_events_spread_over_the_shards() -> None:
    """The events of a thousand providers are spread evenly over the partitions, which DynamoDB limits."""
    ports = FakePorts()
    left_over(ports, 1000)
    counts = [len(ports.outbox.pending(shard, 1000)) for shard in range(OUTBOX_SHARDS)]
    assert sum(counts) == 1000
    assert max(counts) < 2 * 1000 / OUTBOX_SHARDS


def test_a_drain_ends_when_its_time_is_up() -> None:
    """A drain stops in time, and the next one continues without publishing anything twice."""
    ports = FakePorts()
    events = left_over(ports, 2000)
    publisher = SlowPublisher(ports)
    ports.publisher = publisher  # type: ignore[assignment]
    first = drained(ports, left_s=1.0)["published"]
    assert 0 < first < 2000
    assert first + drained(ports)["published"] == 2000
    assert sorted(event.id for event in publisher.published) == [event.id for event in events]


def test_a_refused_event_does_not_block_others() -> None:
    """A permanently rejected event is quarantined, and all others are published."""
    ports = FakePorts()
    events = left_over(ports, 300)
    poison = events[:200:10]
    ports.publisher.refuses = {event.id: Refused(event, "MalformedDetail", final=True) for event in poison}
    assert drained(ports) == {"published": 280, "quarantined": 20}
    assert ports.db.quarantine == ports.publisher.refuses
    assert waiting(ports.outbox) == []
    assert drained(ports) == {"published": 0, "quarantined": 0}


def test_an_event_that_is_refused_for_now_is_tried_for_a_day() -> None:
    """Temporary rejections are retried for a day and block no other event."""
    ports = FakePorts()
    events = left_over(ports, 2000)
    stuck, good = events[:1900], events[1900:]
    ports.publisher.refuses = {event.id: Refused(event, "InternalFailure", final=False) for event in stuck}
    assert drained(ports) == {"published": len(good), "quarantined": 0}
    assert drained(ports) == {"published": 0, "quarantined": 0}
    recovered = stuck.pop()
    del ports.publisher.refuses[recovered.id]
    assert drained(ports) == {"published": 1, "quarantined": 0}
    ports.clock.at += GIVE_UP_AFTER
    assert drained(ports) == {"published": 0, "quarantined": len(stuck)}
    assert {each.code for each in ports.db.quarantine.values()} == {"InternalFailure"}


def test_a_throttled_drain_pauses() -> None:
    """Throttled events stay at any age, and their shard is skipped until the next drain."""
    ports = FakePorts()
    left_over(ports, 1000)
    ports.clock.at += 2 * GIVE_UP_AFTER
    calls: list[int] = []

    def throttle(events: Sequence[Event]) -> Published:
        calls.append(len(events))
        return Published(events[:1])

    ports.publisher.publish = throttle  # type: ignore[method-assign]
    assert drained(ports) == {"published": OUTBOX_SHARDS, "quarantined": 0}
    assert len(calls) == OUTBOX_SHARDS


def test_one_shards_failure_leaves_the_others_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing shard does not stop the others, and the error is raised at the end for retry and alarm."""
    ports = FakePorts()
    left_over(ports, 500)
    monkeypatch.setattr(drain, "THREADS", 1)
    pending = ports.outbox.pending

    def broken(shard: int, limit: int, after: Event | None = None) -> Sequence[Event]:
        if shard == 0:
            raise Unavailable("dependency_unavailable", "broken for a test")
        return pending(shard, limit, after)

    ports.outbox.pending = broken  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        drained(ports)
    assert waiting_without(ports, 0) == 0


def waiting_without(ports: FakePorts, shard: int) -> int:
    """Return how many events wait in all other shards."""
    return sum(len(ports.outbox.pending(each, 1000)) for each in range(OUTBOX_SHARDS) if each != shard)


@pytest.mark.parametrize("refused", [0, 3])
def test_quarantined_events_are_a_metric_without_ids(refused: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Quarantined events are one EMF metric without ids, emitted only if there are any."""
    ports = FakePorts()
    events = left_over(ports, 3)
    ports.publisher.refuses = {event.id: Refused(event, "MalformedDetail", final=True) for event in events[:refused]}
    ports.db.outbox = {event.id: event for event in events[:refused]}
    ports.metrics = EmfMetrics("stack")  # type: ignore[assignment]
    done = scheduled(lambda: ports, run_minute)({"time": ports.clock.now().isoformat()}, Invocation())
    assert done == {"due": 0, "published": 0, "quarantined": refused}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    quarantined = [line["EventsQuarantined"] for line in lines if "EventsQuarantined" in line]
    assert quarantined == [[3.0]] * bool(refused)
    for line in lines:
        (described,) = line["_aws"]["CloudWatchMetrics"]
        assert described["Namespace"]
        assert described["Dimensions"] in ([["service"]], [[]])
        assert "prov_" not in json.dumps(line)


# EventBridge


@dataclass
class Bridge:
    """An EventBridge client that rejects entries by id, and whole requests with an `invalid` event."""

    codes: dict[str, str] = field(default_factory=dict)
    invalid: frozenset[str] = frozenset()
    breaks_after: int = 1000
    calls: list[int] = field(default_factory=list)

    def put_events(self, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - botocore's name
        self.calls.append(len(Entries))
        ids = [json.loads(entry["Detail"])["id"] for entry in Entries]
        if len(self.calls) > self.breaks_after:
            raise ClientError({"Error": {"Code": "InternalException"}}, "PutEvents")
        if self.invalid.intersection(ids):
            raise ClientError({"Error": {"Code": "ValidationException"}}, "PutEvents")
        return {"Entries": [{"ErrorCode": self.codes[each]} if each in self.codes else {} for each in ids]}

    def publish(self, events: Sequence[Event]) -> Published:
        return EventBridgePublisher(cast(Any, self), "default").publish(events)


def outcome(published: Published) -> tuple[list[str], list[tuple[str, str, bool]]]:
    """Return which events were accepted, and why others were rejected and whether permanently."""
    return (
        [event.id for event in published.accepted],
        [(each.event.id, each.code, each.final) for each in published.refused],
    )


EVENTS = [
    Event(f"{number:02d}", EventType.CREATED, datetime(2026, 4, 14, tzinfo=UTC), ORG, "prov_1") for number in range(25)
]
IDS = [event.id for event in EVENTS]


def test_an_invalid_request_is_repeated_for_each_of_its_events() -> None:
    """An invalid request is retried event by event, so that only the event that is too large fails."""
    bridge = Bridge(invalid=frozenset({"13"}))
    accepted, refused = outcome(bridge.publish(EVENTS))
    assert accepted == [each for each in IDS if each != "13"]
    assert refused == [("13", "ValidationException", True)]
    assert bridge.calls == [10, 10, *[1] * 10, 5]


@pytest.mark.parametrize(
    ("code", "final"),
    [
        ("MalformedDetail", True),
        ("InvalidArgument", True),
        ("InternalFailure", False),
        ("AccessDeniedException", False),
    ],
)
def test_an_entry_is_refused_permanently_only_for_its_content(code: str, final: bool) -> None:
    """Only errors about the event itself are permanent, not missing permissions or outages."""
    accepted, refused = outcome(Bridge(codes={"03": code}).publish(EVENTS[:5]))
    assert (accepted, refused) == (["00", "01", "02", "04"], [("03", code, final)])


def test_a_throttled_entry_is_neither_accepted_nor_refused() -> None:
    """Throttled events are retried every minute."""
    accepted, refused = outcome(Bridge(codes={"03": "ThrottlingException"}).publish(EVENTS[:5]))
    assert (accepted, refused) == (["00", "01", "02", "04"], [])


def test_events_accepted_before_an_outage_are_not_repeated() -> None:
    """Events accepted before an outage are not published again; without any, the outage is raised."""
    accepted, refused = outcome(Bridge(breaks_after=2).publish(EVENTS))
    assert (accepted, refused) == (IDS[:20], [])
    with pytest.raises(Unavailable):
        Bridge(breaks_after=0).publish(EVENTS)
