"""The sweep: who is due goes to a queue; workers check them, set one slot for each, and tell what has changed."""

from __future__ import annotations

import asyncio
import json
from bisect import insort
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, ParamSpec, TypeVar

from providers.model.errors import Unprocessable
from providers.model.events import EventType, health_event, provider_event
from providers.model.health import Recent, Sample, floor_minute, next_health, replayed, stays_healthy
from providers.model.policy import PROBE_DEADLINE_S, SHARDS
from providers.model.provider import Provider, Verification
from providers.model.verdict import Verdict
from providers.ports import Due, Ports, Probed, StaleWrite, TamperedCredential
from providers.usecases.base_url import check_base_url
from providers.usecases.events import drain_outbox, publish
from providers.usecases.mutation import BY_SYSTEM
from providers_contract.secret import Secret
from providers_contract.vocabulary import Action, HealthState, Reason, Status

P = ParamSpec("P")
T = TypeVar("T")

THREADS: Final = 16
"""That read and write: enough to hide DynamoDB's few milliseconds. None of them runs while vendors are asked."""

BATCH: Final = 50
"""Providers in one message."""

STALE_AFTER: Final = timedelta(minutes=15)
"""A message about a minute this long ago is dropped: the provider has been swept again since."""

LONGEST_BACK_OFF_MINUTES: Final = 60

LONG_UNHEALTHY: Final = timedelta(minutes=10)
"""A provider that has been unhealthy for this long is checked less and less often, until a check succeeds."""

QUIET_S: Final = 1.0
"""When no vendor has answered for this long, all that are being asked are slow, and writing distorts no latency."""

WRITE_EVERY_S: Final = PROBE_DEADLINE_S
"""How long a verdict may wait to be written while vendors keep answering."""


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


def run_minute(ports: Ports, now: datetime, until: datetime) -> dict[str, int]:
    """Queue the providers that are due, then drain the outbox until `until`; return how many of each.

    The outbox comes last, so that health is checked even if events cannot be published. Raises Unavailable.
    """
    due = dispatch(ports, now)
    return {"due": due, **drain_outbox(ports, until)}


def dispatch(ports: Ports, now: datetime) -> int:
    """Queue every provider that is due in this minute, and return how many. Raises Unavailable.

    With an interval of several minutes each shard has its own minute of it.
    """
    minute = floor_minute(now)
    interval = ports.policy.thresholds.interval_minutes
    turn = int(minute.timestamp() // 60) % interval
    places = _in_turns(
        due
        for shard in range(turn, SHARDS, interval)
        for due in ports.probes.due(shard)
        if due.probe_after is None or due.probe_after <= minute
    )
    batches = [Batch(minute, tuple(places[start : start + BATCH])) for start in range(0, len(places), BATCH)]
    ports.queue.send([batch.to_json() for batch in batches])
    return len(places)


def _in_turns(due: Iterable[Due]) -> list[tuple[str, str]]:
    """The places in the order in which they are queued: organizations take turns of up to a message's length.

    So a large organization delays another by one message, and a worker still unwraps few data keys. Providers that were
    backed off come last: they are the ones that hang.
    """
    taken: Counter[tuple[bool, str]] = Counter()
    ordered = []
    for each in sorted(due, key=lambda each: (each.org, each.provider_id)):
        suspect = each.probe_after is not None
        ordered.append((suspect, taken[suspect, each.org] // BATCH, each.org, each.provider_id))
        taken[suspect, each.org] += 1
    return [(org, provider_id) for _, _, org, provider_id in sorted(ordered)]


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

    It reads, then asks, then writes: while vendors are asked, no other thread competes for the CPU, so the latency that
    is recorded is the vendor's. A provider whose slot is set already is not asked again.
    """
    loaded = await asyncio.to_thread(_load_all, ports, bodies)
    subjects = [subject for found in loaded if not isinstance(found, Exception) for subject in found]
    outcomes = iter(await _check_all(ports, subjects, concurrency, end))
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


async def _check_all(
    ports: Ports, subjects: Sequence[_Subject], concurrency: int, end: float
) -> list[bool | Exception]:
    """Ask the vendors of all `subjects` and write what follows; for each whether it is done, as `_write` says.

    A free place goes to the organization that holds the fewest. So while an organization has providers waiting, it
    holds its equal share of the places, and another one's hanging hosts delay it by no more than that; alone, it has
    them all. What was answered is written at the end, or earlier if the vendors that are left are slow.
    """
    loop = asyncio.get_running_loop()
    waiting: dict[str, deque[int]] = {}
    for number, subject in enumerate(subjects):
        waiting.setdefault(subject.provider.org, deque()).append(number)
    asking: dict[asyncio.Task[Verdict | None], int] = {}
    held: Counter[str] = Counter()
    answered: dict[int, Verdict | BaseException | None] = {}
    outcomes: dict[int, bool | Exception] = {}
    written_at = loop.time()
    try:
        while waiting or asking:
            while waiting and len(asking) < concurrency:
                org = min(waiting, key=lambda each: held[each])
                numbers = waiting.pop(org)
                number = numbers.popleft()
                if numbers:
                    waiting[org] = numbers  # behind the others
                asking[asyncio.create_task(_ask(ports, subjects[number], end))] = number
                held[org] += 1
            done, _ = await asyncio.wait(asking, timeout=QUIET_S, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                number = asking.pop(task)
                held[subjects[number].provider.org] -= 1
                answered[number] = task.exception() or task.result()
            over = not (waiting or asking)
            if answered and (over or not done or loop.time() >= written_at + WRITE_EVERY_S):
                chosen = [subjects[number] for number in answered]
                written = await asyncio.to_thread(_write_all, ports, chosen, list(answered.values()))
                outcomes |= zip(answered, written, strict=True)
                answered.clear()
                written_at = loop.time()
    finally:
        for task in asking:
            task.cancel()
    return [outcomes[number] for number in range(len(subjects))]


async def _ask(ports: Ports, subject: _Subject, end: float) -> Verdict | None:
    """The verdict, or None for one that was not asked: it was before, or there was no time to."""
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
    try:
        credential = vendor.parse(subject.secret, provider.base_url)
    except Unprocessable:  # taken when it was stored; this release knows that it is none of the vendor's
        return Verdict(Reason.CREDENTIAL_REJECTED)
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
    pending = provider.status is Status.PENDING
    if verdict is not None and newest is not None:  # a late check says nothing of when to check next
        if pending and not verdict.outcome.promotes:
            after = replace(after, verification=Verification(verdict.outcome, verdict.reason, minute))
        after = _backed_off(after, verdict, minute)
    try:
        _write_health(ports, provider, after)
        if verdict is not None and pending and verdict.outcome.promotes:
            _activate(ports, provider, verdict)
        elif newest is not None and pending and minute >= provider.pending_until:
            _expire(ports, replace(provider, verification=after.verification))
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
    """What a check may change on the provider item; a check that changes none of it writes nothing there."""
    return provider.health, provider.probe_after, provider.throttled, provider.verification


def _backed_off(provider: Provider, verdict: Verdict, minute: datetime) -> Provider:
    """The provider with its next check put off for 2, 4, 8 … minutes (max 60) or Retry-After, or due at once.

    A check must not use up what a rate-limited owner has left, and the sweep must not keep asking a host that never
    accepts the credential. The first check that succeeds ends a back-off. Idempotent: a later `probe_after` was set by
    an earlier delivery of this check.
    """
    if not _asks_for_back_off(provider, verdict, minute):
        return replace(provider, probe_after=None, throttled=0)
    if provider.probe_after is not None and provider.probe_after > minute:
        return provider
    throttled = provider.throttled + 1
    minutes = min(2**throttled, LONGEST_BACK_OFF_MINUTES)
    wait = max(timedelta(minutes=minutes), timedelta(seconds=min(verdict.retry_after_s or 0.0, 86_400.0)))
    probe_after = floor_minute(minute + wait)
    if provider.status is Status.PENDING:  # its last check comes with the end of its time
        probe_after = min(probe_after, max(minute, floor_minute(provider.pending_until)) + timedelta(minutes=1))
    return replace(provider, probe_after=probe_after, throttled=throttled)


def _asks_for_back_off(provider: Provider, verdict: Verdict, minute: datetime) -> bool:
    """Whether a check with this verdict, which made `provider.health` what it is, puts off the next one."""
    if verdict.reason in (Reason.RATE_LIMITED, Reason.THROTTLED):
        return True
    if verdict.outcome.promotes:
        return False
    health = provider.health
    long_unhealthy = (
        health.state is HealthState.UNHEALTHY and health.since is not None and minute - health.since >= LONG_UNHEALTHY
    )
    return long_unhealthy or provider.status is Status.PENDING


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
    ports.providers.change(provider, after, side_writes=BY_SYSTEM.with_entry(entry, None))


def _expire(ports: Ports, provider: Provider) -> None:
    """Disable a provider that stayed pending for too long. Raises StaleWrite if its owner changed it meanwhile."""
    now = ports.clock.now()
    after = replace(provider, status=Status.DISABLED, updated_at=now, revision=provider.revision + 1)
    events = [provider_event(ports.clock.new_id(), EventType.PENDING_EXPIRED, now, after)]
    entry = BY_SYSTEM.entry(ports, Action.PENDING_EXPIRED, now, provider, after)
    ports.providers.change(provider, after, side_writes=BY_SYSTEM.with_entry(entry, None, events))
    publish(ports, events)
