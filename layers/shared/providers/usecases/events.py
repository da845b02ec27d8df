"""Publish committed events: the sweep drains the outbox once a minute (docs/decisions/0020)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from providers.model.errors import Unresponsive
from providers.model.events import Event
from providers.model.metrics import EVENTS_PUBLISHED, EVENTS_QUARANTINED, OUTBOX_AGE
from providers.model.policy import OUTBOX_SHARDS
from providers.ports import Ports

_AT_ONCE: Final = 50
"""Number of events that are read, published and deleted together; a crash can publish that many twice."""

THREADS: Final = 4
"""Shards that are drained in parallel: a few hundred events a second each, within every region's EventBridge quota."""

GIVE_UP_AFTER: Final = timedelta(days=1)
"""An event that EventBridge still rejects after this time is quarantined, for any error."""


def drain_outbox(ports: Ports, until: datetime) -> dict[str, int]:
    """Publish the events in the outbox until it is empty or it is `until`; return the counts.

    An event that EventBridge rejects permanently, or still rejects after a day, is quarantined and does not block the
    others. Raises Unavailable after trying every shard, or at once if the database does not respond at all.
    """
    silent = threading.Event()

    def drain(shard: int) -> tuple[int, int]:
        if silent.is_set():
            return 0, 0
        try:
            return _drain_shard(ports, shard, until)
        except Unresponsive:
            silent.set()
            raise

    with ThreadPoolExecutor(THREADS) as pool:
        shards = [pool.submit(drain, shard) for shard in range(OUTBOX_SHARDS)]
    counts = [shard.result() for shard in shards]
    return {
        "published": sum(published for published, _ in counts),
        "quarantined": sum(quarantined for _, quarantined in counts),
    }


def _drain_shard(ports: Ports, shard: int, until: datetime) -> tuple[int, int]:
    published = quarantined = 0
    last: Event | None = None
    while ports.clock.now() < until:
        now = ports.clock.now()
        events = ports.outbox.pending(shard, _AT_ONCE, last)
        if last is None:
            age = (now - events[0].at).total_seconds() if events else 0.0
            ports.metrics.measure(OUTBOX_AGE, max(0.0, age))
        if not events:
            break
        result = ports.publisher.publish(events)
        ports.metrics.count(EVENTS_PUBLISHED, len(result.accepted))
        ports.outbox.forget(shard, result.accepted)
        given_up = [each for each in result.refused if each.final or each.event.at <= now - GIVE_UP_AFTER]
        ports.outbox.quarantine(shard, given_up, now)
        ports.metrics.count(EVENTS_QUARANTINED, len(given_up))
        published += len(result.accepted)
        quarantined += len(given_up)
        if len(result.accepted) + len(result.refused) < len(events) or len(events) < _AT_ONCE:
            break  # EventBridge is throttling, or this was the last page
        last = events[-1]
    return published, quarantined
