"""The sweep: every minute, queue the providers that are due for a probe, then publish the events in the outbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from providers.model.health import floor_minute
from providers.model.metrics import PROVIDERS_BACKED_OFF, PROVIDERS_DUE
from providers.model.policy import SHARDS
from providers.ports import Due, Ports
from providers.usecases.events import drain_outbox
from providers.usecases.probe_batch import BATCH, Batch


def run_minute(ports: Ports, now: datetime, until: datetime) -> dict[str, int]:
    """Queue the providers that are due, then drain the outbox until `until`; return the counts.

    The outbox comes last, so that providers are probed even if events cannot be published. Raises Unavailable.
    """
    due = dispatch(ports, now)
    return {"due": due, **drain_outbox(ports, until)}


def dispatch(ports: Ports, now: datetime) -> int:
    """Queue every provider that is due in this minute, and return their number. Raises Unavailable.

    If the interval is several minutes, each shard is due in one of them.
    """
    minute = floor_minute(now)
    interval = ports.policy.thresholds.interval_minutes
    turn = int(minute.timestamp() // 60) % interval
    listed = [each for shard in range(turn, SHARDS, interval) for each in ports.probes.list_due(shard)]
    targets = _in_turns(each for each in listed if each.probe_after is None or each.probe_after <= minute)
    batches = [Batch(minute, tuple(targets[start : start + BATCH])) for start in range(0, len(targets), BATCH)]
    ports.queue.send([batch.to_json() for batch in batches])
    ports.metrics.measure(PROVIDERS_DUE, len(targets))  # 0 too: without this value, an alarm reports the sweep
    ports.metrics.measure(PROVIDERS_BACKED_OFF, len(listed) - len(targets))
    return len(targets)


def _in_turns(due: Iterable[Due]) -> list[tuple[str, str]]:
    """Return the targets in queueing order: organizations take turns, each with up to one message.

    A large organization delays the others by one message only, and a worker unwraps few data keys. Providers with a
    back-off come last, because their hosts tend to hang.
    """
    taken: Counter[tuple[bool, str]] = Counter()
    ordered = []
    for each in sorted(due, key=lambda each: (each.org, each.provider_id)):
        suspect = each.probe_after is not None
        ordered.append((suspect, taken[suspect, each.org] // BATCH, each.org, each.provider_id))
        taken[suspect, each.org] += 1
    return [(org, provider_id) for _, _, org, provider_id in sorted(ordered)]
