"""The sweep: who is due goes to a queue; workers check them, set one slot for each, and tell what has changed."""

from __future__ import annotations

import asyncio
import json
from bisect import insort
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, ParamSpec, TypeVar

from providers.model.audit import Action
from providers.model.errors import Unprocessable
from providers.model.events import health_event
from providers.model.health import Recent, Sample, floor_minute, next_health, replayed, stays_healthy
from providers.model.policy import SHARDS
from providers.model.provider import Provider, Status, Verification
from providers.model.secret import Secret
from providers.model.verdict import Reason, Verdict
from providers.ports import Ports, Probed, StaleWrite, TamperedCredential
from providers.usecases.base_url import check_base_url
from providers.usecases.events import drain_outbox, publish
from providers.usecases.mutation import BY_SYSTEM

P = ParamSpec("P")
T = TypeVar("T")

THREADS: Final = 16
"""That read and write: enough to hide DynamoDB's few milliseconds. None of them runs while vendors are asked."""

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
    are published last, so that health is checked where events cannot be published.
    """
    minute = floor_minute(now)
    interval = ports.policy.thresholds.interval_minutes
    turn = int(minute.timestamp() // 60) % interval
    places = sorted(  # an organization's providers go together, so that one worker unwraps its data key, and once
        (due.org, due.provider_id)
        for shard in range(turn, SHARDS, interval)
        for due in ports.probes.due(shard)
        if due.probe_after is None or due.probe_after <= minute
    )
    batches = [Batch(minute, tuple(places[start : start + BATCH])) for start in range(0, len(places), BATCH)]
    ports.queue.send([batch.to_json() for batch in batches])
    drain_outbox(ports)
    return len(places)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A provider to be checked for a minute.

    `secret` is None where the row does not open; `recent` are the samples of an hour or two, of every key version.
    """

    provider: Provider
    secret: Secret | None
    recent: Recent
    minute: datetime

    @property
    def asked_before(self) -> bool:
        """Whether an earlier delivery has set the slot; it may not have come to the end."""
        newest = self.recent.newest
        if newest is None or newest < self.minute:
            return False  # as it nearly always is, and then no sample has to be made
        return any(sample.at == self.minute for sample in self.samples())

    def samples(self) -> list[Sample]:
        """The active version's samples, oldest first."""
        active = self.provider.active.number
        return [sample for sample in self.recent if sample.version == active]


async def probe_messages(
    ports: Ports, bodies: Sequence[str], concurrency: int, end: float
) -> Sequence[bool | Exception]:
    """Check the providers of every message; for each message whether all are done, or what kept it from being done.

    Args:
        bodies: the messages, each of which stands for itself: one that cannot be read, or a provider whose check
            fails for a reason of ours, keeps none of the others from being done.
        concurrency: how many vendors are asked at once.
        end: when to stop asking, on the event loop's clock. What was not begun then is not done.

    It reads, asks and writes in three passes: while vendors are asked, no other thread competes for the CPU, so the
    latency that is recorded is the vendor's. A provider whose slot is set already is not asked again.
    """
    loaded = await asyncio.to_thread(_load_all, ports, bodies)
    subjects = [subject for found in loaded if not isinstance(found, Exception) for subject in found]
    turns = asyncio.Semaphore(concurrency)
    verdicts = await asyncio.gather(
        *(_ask_in_turn(ports, each, turns, end) for each in subjects), return_exceptions=True
    )
    outcomes = iter(await asyncio.to_thread(_write_all, ports, subjects, verdicts))
    done: list[bool | Exception] = []
    for found in loaded:
        if isinstance(found, Exception):
            done.append(found)
            continue
        own = [next(outcomes) for _ in found]
        done.append(next((each for each in own if isinstance(each, Exception)), all(own)))
    return done


def _attempt(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T | Exception:
    try:
        done: T = work(*given, **named)
    except Exception as error:  # noqa: BLE001 - it is the message's, and its neighbours go on; the edge logs it
        return error
    return done


def _load_all(ports: Ports, bodies: Sequence[str]) -> list[list[_Subject] | Exception]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda body: _attempt(_load, ports, body), bodies))


def _load(ports: Ports, body: str) -> list[_Subject]:
    """The providers of a message that are to be checked. Raises ValueError, Unavailable."""
    batch = Batch.from_json(body)
    if floor_minute(ports.clock.now()) - batch.minute > STALE_AFTER:
        return []
    found = [
        each
        for each in ports.probes.load(batch.places)
        if each.sealed is not None and each.provider.status is not Status.DISABLED
    ]
    recent = ports.health.recent([each.provider.id for each in found], batch.minute)
    return [_Subject(each.provider, _open(ports, each), recent[each.provider.id], batch.minute) for each in found]


def _open(ports: Ports, probed: Probed) -> Secret | None:
    try:
        destination = probed.provider.destination(probed.provider.active)
        return ports.cipher.open(probed.sealed, destination) if probed.sealed else None
    except TamperedCredential:
        return None


async def _ask_in_turn(ports: Ports, subject: _Subject, turns: asyncio.Semaphore, end: float) -> Verdict | None:
    """The verdict, or None for one that was not asked: it was before, or there was no time to."""
    async with turns:
        if subject.asked_before or asyncio.get_running_loop().time() >= end:
            return None
        if subject.secret is None:
            return Verdict(Reason.SEAL_BROKEN)
        provider = subject.provider
        vendor = ports.vendors(provider.vendor)
        try:
            check_base_url(vendor, provider.base_url, ports.policy)
        except Unprocessable:  # allowed when it was set, not any more
            return Verdict(Reason.BASE_URL_NOT_ALLOWED)
        credential = vendor.parse(subject.secret, provider.base_url)
        return await ports.probe(vendor, credential, provider.base_url)


def _write_all(
    ports: Ports, subjects: Sequence[_Subject], verdicts: Sequence[Verdict | BaseException | None]
) -> list[bool | Exception]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda subject, verdict: _attempt(_write, ports, subject, verdict), subjects, verdicts))


def _write(ports: Ports, subject: _Subject, verdict: Verdict | BaseException | None) -> bool:
    """Set the slot, then what follows from it; whether the provider is done. Raises what its check raised."""
    if isinstance(verdict, BaseException):
        raise verdict
    if verdict is None:
        if subject.asked_before:
            _judge_anew(ports, subject, subject.samples(), None)
        return subject.asked_before
    sample = Sample(subject.minute, subject.provider.active.number, verdict.reason, verdict.latency_ms)
    if not ports.health.record(subject.provider.id, sample):
        return True  # another delivery was faster, and has done the rest
    if not _changes_nothing(ports, subject, sample):
        samples = subject.samples()
        insort(samples, sample, key=lambda each: each.at)
        _judge_anew(ports, subject, samples, verdict)
    return True


def _changes_nothing(ports: Ports, subject: _Subject, sample: Sample) -> bool:
    """Whether it is plain that nothing follows from a check, without a look at the ones before."""
    provider = subject.provider
    return (
        provider.status is not Status.PENDING
        and (provider.probe_after, provider.throttled) == (None, 0)
        and stays_healthy(provider.health, subject.recent, sample, ports.policy.thresholds)
    )


def _judge_anew(ports: Ports, subject: _Subject, samples: list[Sample], verdict: Verdict | None) -> None:
    """Write what follows from `samples`, where it is not so yet.

    `verdict` is the check's; None where an earlier delivery made it, which may have died before it came to this. Then
    it is what the slot tells: all but the vendor's account, and for how long the vendor asked to be left alone.
    """
    provider, minute, limits = subject.provider, subject.minute, ports.policy.thresholds
    newest = samples[-1] if samples and samples[-1].at == minute else None
    judge = next_health if verdict is not None and newest is not None else replayed
    after = replace(provider, health=judge(provider.health, samples, limits))
    if verdict is None and newest is not None:
        verdict = Verdict(newest.reason, latency_ms=newest.latency_ms)
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
    asks for where that is more. So it is where something in front of the vendor throttles whoever comes. What is put
    off until later than `minute` was so by an earlier delivery of this check.
    """
    if verdict.reason not in (Reason.RATE_LIMITED, Reason.THROTTLED):
        return replace(provider, probe_after=None, throttled=0)
    if provider.probe_after is not None and provider.probe_after > minute:
        return provider
    throttled = provider.throttled + 1
    minutes = min(2**throttled, LONGEST_BACK_OFF_MINUTES)
    wait = max(timedelta(minutes=minutes), timedelta(seconds=min(verdict.retry_after_s or 0.0, 86_400.0)))
    return replace(provider, probe_after=floor_minute(minute + wait), throttled=throttled)


def _activate(ports: Ports, provider: Provider, verdict: Verdict) -> None:
    now, active = ports.clock.now(), provider.active
    after = replace(
        provider,
        status=Status.ACTIVE,
        verification=Verification(verdict.outcome, verdict.reason, now),
        versions=(*provider.versions[:-1], replace(active, account=verdict.account or active.account)),
        updated_at=now,
        revision=provider.revision + 1,
    )
    entry = BY_SYSTEM.entry(ports, Action.VERIFIED, now, provider, after)
    ports.providers.change(provider, after, alongside=BY_SYSTEM.with_entry(entry, None))
