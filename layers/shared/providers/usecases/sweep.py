"""The sweep: who is due goes to a queue; workers check them, set one slot for each, and tell what has changed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from providers.model.events import health_event
from providers.model.health import Sample, floor_minute, next_health, replayed
from providers.model.policy import SHARDS
from providers.model.provider import Provider, Status, Verification
from providers.model.secret import Secret
from providers.model.verdict import Reason, Verdict
from providers.ports import Ports, Probed, StaleWrite, TamperedCredential
from providers.usecases.events import drain_outbox, publish

BATCH: Final = 50
"""Providers in one message."""

STALE_AFTER: Final = timedelta(minutes=15)
"""A message about a minute this long ago is dropped: the provider has been swept again since."""

LONGEST_BACK_OFF_MINUTES: Final = 60


@dataclass(frozen=True, slots=True)
class Batch:
    """A message: check these providers for this minute. It holds ids only."""

    minute: datetime
    places: tuple[tuple[str, str], ...]

    def to_json(self) -> str:
        """The message's body."""
        return json.dumps({"minute": self.minute.isoformat(), "providers": self.places}, separators=(",", ":"))

    @classmethod
    def from_json(cls, body: str) -> Batch:
        """The batch in a body. Raises ValueError for anything else."""
        try:
            found = json.loads(body)
            minute = datetime.fromisoformat(found["minute"])
            places = tuple((str(org), str(provider_id)) for org, provider_id in found["providers"])
        except (KeyError, TypeError) as error:
            raise ValueError("not a batch of providers") from error
        if minute.tzinfo is None or minute != floor_minute(minute):
            raise ValueError("not a minute in UTC")
        return cls(minute, places)


def dispatch(ports: Ports, now: datetime) -> int:
    """Queue every provider that is due in this minute, and return how many. Raises Unavailable.

    With an interval of several minutes each shard has its own minute of it. Events that a crash left unpublished
    are published first.
    """
    drain_outbox(ports)
    minute = floor_minute(now)
    interval = ports.policy.thresholds.interval_minutes
    turn = int(minute.timestamp() // 60) % interval
    places = [
        (due.org, due.provider_id)
        for shard in range(turn, SHARDS, interval)
        for due in ports.probes.due(shard)
        if due.probe_after is None or due.probe_after <= minute
    ]
    batches = [Batch(minute, tuple(places[start : start + BATCH])) for start in range(0, len(places), BATCH)]
    ports.queue.send([batch.to_json() for batch in batches])
    return len(places)


async def probe_message(ports: Ports, body: str, turns: asyncio.Semaphore, end: float) -> bool:
    """`probe_batch` for a message's body. Raises ValueError for a body that is none of ours."""
    return await probe_batch(ports, Batch.from_json(body), turns, end)


async def probe_batch(ports: Ports, batch: Batch, turns: asyncio.Semaphore, end: float) -> bool:
    """Check the batch's providers, and say whether all are done. What `end` leaves no time for is not begun.

    Args:
        turns: bounds how many providers are being checked at once.
        end: when to stop beginning new ones, on the event loop's clock.

    A provider whose slot is set already was done by an earlier delivery and is not asked again. Raises Unavailable
    where what it needs cannot be read: then nothing was done.
    """
    if floor_minute(ports.clock.now()) - batch.minute > STALE_AFTER:
        return True
    found = await asyncio.to_thread(_load, ports, batch)
    done = await asyncio.gather(
        *(_probe_in_turn(ports, each, batch.minute, turns, end) for each in found), return_exceptions=True
    )
    failed = [each for each in done if isinstance(each, BaseException)]
    if failed:
        raise failed[0]  # after the others: none of them is kept from its check by a neighbour
    return all(done)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A provider to be checked: `secret` is None where the row does not open; `recent` are an hour's samples or two."""

    provider: Provider
    secret: Secret | None
    recent: list[Sample]


def _load(ports: Ports, batch: Batch) -> list[_Subject]:
    found = [
        each
        for each in ports.probes.load(batch.places)
        if each.sealed is not None and each.provider.status is not Status.DISABLED
    ]
    recent = ports.health.recent([each.provider.id for each in found], batch.minute)
    return [
        _Subject(
            each.provider,
            _open(ports, each),
            [sample for sample in recent[each.provider.id] if sample.version == each.provider.active.number],
        )
        for each in found
    ]


def _open(ports: Ports, probed: Probed) -> Secret | None:
    try:
        return ports.cipher.open(probed.sealed) if probed.sealed else None
    except TamperedCredential:
        return None


async def _probe_in_turn(
    ports: Ports, subject: _Subject, minute: datetime, turns: asyncio.Semaphore, end: float
) -> bool:
    async with turns:
        if asyncio.get_running_loop().time() >= end:
            return False
        if any(sample.at == minute for sample in subject.recent):  # an earlier delivery asked; it may not have finished
            await asyncio.to_thread(_judge_anew, ports, subject, subject.recent, minute, None)
            return True
        verdict = await _ask(ports, subject)
        await asyncio.to_thread(_record, ports, subject, minute, verdict)
        return True


async def _ask(ports: Ports, subject: _Subject) -> Verdict:
    provider = subject.provider
    if subject.secret is None:
        return Verdict(Reason.CREDENTIAL_REJECTED)
    vendor = ports.vendors(provider.vendor)
    credential = vendor.parse(subject.secret, provider.base_url)
    return await ports.probe(vendor, credential, provider.base_url)


def _record(ports: Ports, subject: _Subject, minute: datetime, verdict: Verdict) -> None:
    """Set the slot, then what follows from it. Whoever finds the slot set has nothing left to do."""
    sample = Sample(minute, subject.provider.active.number, verdict.reason, verdict.latency_ms)
    if ports.health.record(subject.provider.id, sample):
        samples = sorted([*subject.recent, sample], key=lambda each: each.at)
        _judge_anew(ports, subject, samples, minute, verdict)


def _judge_anew(
    ports: Ports, subject: _Subject, samples: list[Sample], minute: datetime, verdict: Verdict | None
) -> None:
    """Write the state that `samples` give, where it is another one; `verdict` is the check's, if it was just made."""
    provider, limits = subject.provider, ports.policy.thresholds
    in_order = verdict is not None and samples[-1].at == minute
    judge = next_health if in_order else replayed
    after = replace(provider, health=judge(provider.health, samples, limits))
    if verdict is not None:
        after = _throttled(after, verdict, minute)
    try:
        _write_health(ports, provider, after)
        if verdict is not None and provider.status is Status.PENDING and verdict.outcome.promotes:
            _activate(ports, provider, verdict)
    except StaleWrite:
        return  # rotated, deleted or judged by another delivery meanwhile: the next check sees what is so then


def _write_health(ports: Ports, before: Provider, after: Provider) -> None:
    if _told(before) == _told(after):
        return
    events = []
    if before.health.state is not after.health.state:
        events = [health_event(ports.clock.new_id(), ports.clock.now(), before, before.health, after.health)]
    ports.probes.set_health(before, after, events)
    publish(ports, events)


def _told(provider: Provider) -> tuple[Any, ...]:
    """What of a provider's health the head tells; a check that changes nothing of it writes nothing there."""
    return provider.health, provider.probe_after, provider.throttled


def _throttled(provider: Provider, verdict: Verdict, minute: datetime) -> Provider:
    """The provider with its next check put off while its vendor throttles, and not once it does not.

    A check must not use up what a throttled owner has left: 2, 4, 8 … minutes, an hour at most, or what the vendor
    asks for where that is more.
    """
    if verdict.reason is not Reason.RATE_LIMITED:
        return replace(provider, probe_after=None, throttled=0)
    throttled = provider.throttled + 1
    minutes = min(2**throttled, LONGEST_BACK_OFF_MINUTES)
    wait = max(timedelta(minutes=minutes), timedelta(seconds=min(verdict.retry_after_s or 0.0, 86_400.0)))
    return replace(provider, probe_after=floor_minute(minute + wait), throttled=throttled)


def _activate(ports: Ports, provider: Provider, verdict: Verdict) -> None:
    now = ports.clock.now()
    after = replace(
        provider,
        status=Status.ACTIVE,
        verification=Verification(verdict.outcome, verdict.reason, now),
        account=verdict.account or provider.account,
        updated_at=now,
        revision=provider.revision + 1,
    )
    ports.providers.change(provider, after)
