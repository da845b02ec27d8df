"""Probe the providers of queued batches: load them, call their vendors, and write the results."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final, ParamSpec, TypeVar

from providers.model.errors import Unprocessable
from providers.model.metrics import SWEEP_LAG
from providers.model.policy import PROBE_DEADLINE_S
from providers.model.verdict import Verdict
from providers.ports import Ports, Probed, TamperedCredential
from providers.usecases.base_url import check_base_url
from providers.usecases.probe_batch import Batch, ProbeTask
from providers.usecases.probe_results import write_result
from providers_contract.secret import Secret
from providers_contract.vocabulary import Reason, Status

P = ParamSpec("P")
T = TypeVar("T")

THREADS: Final = 16
"""Threads that read and write: enough to hide DynamoDB's few milliseconds. None of them runs during probes."""

STALE_AFTER: Final = timedelta(minutes=2)
"""Older messages are dropped: the sweep has queued their providers again since."""

QUIET_S: Final = 1.0
"""If no vendor has responded for this long, all running probes are slow, and writing distorts no latency."""

WRITE_EVERY_S: Final = PROBE_DEADLINE_S
"""Maximum time that a verdict waits to be written while other vendors keep responding."""


async def probe_messages(
    ports: Ports, bodies: Sequence[str], concurrency: int, end: float
) -> Sequence[bool | Exception]:
    """Probe the providers of every message; return for each message whether all are done, or the error.

    Args:
        bodies: the messages. A malformed message, or a probe that fails because of an internal error, does not affect
            the others.
        concurrency: maximum number of probes at a time.
        end: the time after which no probes start, on the event loop's clock. Providers that were not started are not
            done.

    It reads, then probes, then writes: no other thread competes for the CPU during the probes, so that the recorded
    latency is the vendor's. A provider that already has a sample for the minute is not probed again.
    """
    loaded = await asyncio.to_thread(_load_all, ports, bodies)
    tasks = [task for found in loaded if not isinstance(found, Exception) for task in found]
    outcomes = iter(await _probe_all(ports, tasks, concurrency, end))
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
    except Exception as error:  # noqa: BLE001 - the other messages continue; the edge logs it
        return error
    return done


def _load_all(ports: Ports, bodies: Sequence[str]) -> list[list[ProbeTask] | Exception]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda body: _attempt(_load, ports, body), bodies))


def _load(ports: Ports, body: str) -> list[ProbeTask]:
    """Return the tasks of a message. Raises ValueError, Unavailable."""
    batch = Batch.from_json(body)
    now = ports.clock.now()
    lag_s = (now - batch.minute).total_seconds()  # negative after a report: the next minute's probe, made early
    ports.metrics.measure(SWEEP_LAG, max(0.0, lag_s))
    if now - batch.minute > STALE_AFTER:
        return []
    found = [
        each
        for each in ports.probes.load(batch.targets)
        if each.sealed is not None and each.provider.status is not Status.DISABLED
    ]
    recent = ports.health.recent([each.provider.id for each in found], batch.minute)
    return [ProbeTask(each.provider, _open(ports, each), recent[each.provider.id], batch.minute) for each in found]


def _open(ports: Ports, probed: Probed) -> Secret | None:
    try:
        destination = probed.provider.destination(probed.provider.active)
        return ports.cipher.open(probed.sealed, destination) if probed.sealed else None
    except TamperedCredential:
        return None


async def _probe_all(ports: Ports, tasks: Sequence[ProbeTask], concurrency: int, end: float) -> list[bool | Exception]:
    """Probe all `tasks` and write the results; return for each whether it is done, as `write_result` does.

    The next probe goes to the organization with the fewest running ones. While an organization has providers waiting,
    it gets an equal share of the concurrency, even if many hosts of another one hang; a single organization gets all of
    it. Results are written at the end, or earlier if the remaining vendors are slow.
    """
    loop = asyncio.get_running_loop()
    waiting: dict[str, deque[int]] = {}
    for number, task in enumerate(tasks):
        waiting.setdefault(task.provider.org, deque()).append(number)
    running: dict[asyncio.Task[Verdict | None], int] = {}
    held: Counter[str] = Counter()
    finished: dict[int, Verdict | BaseException | None] = {}
    outcomes: dict[int, bool | Exception] = {}
    written_at = loop.time()
    try:
        while waiting or running:
            while waiting and len(running) < concurrency:
                org = min(waiting, key=lambda each: held[each])
                numbers = waiting.pop(org)
                number = numbers.popleft()
                if numbers:
                    waiting[org] = numbers  # to the end of the queue
                running[asyncio.create_task(_probe(ports, tasks[number], end))] = number
                held[org] += 1
            done, _ = await asyncio.wait(running, timeout=QUIET_S, return_when=asyncio.FIRST_COMPLETED)
            for call in done:
                number = running.pop(call)
                held[tasks[number].provider.org] -= 1
                finished[number] = call.exception() or call.result()
            over = not (waiting or running)
            if finished and (over or not done or loop.time() >= written_at + WRITE_EVERY_S):
                chosen = [tasks[number] for number in finished]
                written = await asyncio.to_thread(_write_all, ports, chosen, list(finished.values()))
                outcomes |= zip(finished, written, strict=True)
                finished.clear()
                written_at = loop.time()
    finally:
        for call in running:
            call.cancel()
    return [outcomes[number] for number in range(len(tasks))]


async def _probe(ports: Ports, task: ProbeTask, end: float) -> Verdict | None:
    """Return the verdict, or None if there was no probe: an earlier delivery made it, or the time is up."""
    if task.probed_before or asyncio.get_running_loop().time() >= end:
        return None
    if task.secret is None:
        return Verdict(Reason.SEAL_BROKEN)
    provider = task.provider
    vendor = ports.vendors(provider.vendor)
    try:
        check_base_url(vendor, provider.base_url, ports.policy)
    except Unprocessable:  # the operator has withdrawn the host
        return Verdict(Reason.BASE_URL_NOT_ALLOWED)
    try:
        credential = vendor.parse(task.secret, provider.base_url)
    except Unprocessable:  # this release rejects the stored credential's format
        return Verdict(Reason.CREDENTIAL_REJECTED)
    return await ports.probe(vendor, credential, provider.base_url)


def _write_all(
    ports: Ports, tasks: Sequence[ProbeTask], verdicts: Sequence[Verdict | BaseException | None]
) -> list[bool | Exception]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda task, verdict: _attempt(write_result, ports, task, verdict), tasks, verdicts))
