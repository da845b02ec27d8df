"""Slow hosts of one organization do not delay the probes of others. Runs on an event loop with simulated time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from providers.model.samples import Sample
from providers.model.vendor import Credential, Vendor
from providers.model.verdict import Verdict
from providers.usecases.add import add_provider
from providers.usecases.probe import QUIET_S, WRITE_EVERY_S, probe_messages
from providers.usecases.probe_batch import BATCH, Batch
from providers.usecases.sweep import dispatch
from providers_contract.vocabulary import Reason
from tests.kit.fakes import FakePorts
from tests.kit.requests import new

OTHERS = ("org_b", "org_c", "org_d")
HANGS_S, RESPONDS_S = 5.0, 0.2
CONCURRENCY = 20


class Simulated(selectors.DefaultSelector):
    """A selector that advances its loop's clock instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            self.now += timeout or 0.0
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop with simulated time."""

    def __init__(self) -> None:
        self.selector = Simulated()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.now


class Hosts(FakePorts):
    """Vendors with response times, and when each probe was written."""

    loop: SimulatedLoop

    def __init__(self) -> None:
        super().__init__()
        self.takes: dict[str, float] = {}
        self.owners: dict[str, str] = {}
        self.written: dict[str, float] = {}
        record = self.health.record

        def note(provider_id: str, sample: Sample) -> bool:
            self.written[provider_id] = self.loop.time()
            return record(provider_id, sample)

        self.health.record = note  # type: ignore[method-assign]

    def add(self, org: str, count: int, takes: float) -> None:
        """Add providers to an organization, whose hosts take this many seconds to respond."""
        for _ in range(count):
            command = new(f"{org}-{len(self.owners)}")
            provider, _ = add_provider(self, org, command)
            self.takes[command.api_key.reveal()] = takes
            self.owners[provider.id] = org

    async def probe(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        seconds = self.takes[credential.secret.reveal()]
        await asyncio.sleep(seconds)
        return Verdict(Reason.TIMEOUT) if seconds >= HANGS_S else Verdict(latency_ms=int(seconds * 1000))

    def sweep(self, end: float = 52.0) -> float:
        """Return the seconds that a worker's sweep of one minute took. Raises AssertionError on redelivery."""
        dispatch(self, self.clock.now())
        bodies = list(self.queue.sent)
        with closing(SimulatedLoop()) as self.loop:
            done = self.loop.run_until_complete(probe_messages(self, bodies, CONCURRENCY, end))
            assert done == [True] * len(bodies)
            return self.loop.time()

    def last_written(self, *orgs: str) -> float:
        """Return when the last probe of these organizations was written."""
        return max(at for provider_id, at in self.written.items() if self.owners[provider_id] in orgs)


@pytest.fixture(autouse=True)
def _without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Return a worker whose threads take no simulated time."""

    async def at_once(work: Callable[..., Any], *given: Any) -> Any:
        return work(*given)

    monkeypatch.setattr(asyncio, "to_thread", at_once)


def undisturbed() -> float:
    """Return how long the other organizations' probes take alone."""
    ports = Hosts()
    for org in OTHERS:
        ports.add(org, 40, RESPONDS_S)
    ports.sweep()
    return ports.last_written(*OTHERS)


def test_hanging_hosts_of_one_organization_delay_no_other() -> None:
    """Sixty hanging hosts do not slow down other organizations' probes or delay their results.

    Seen to fail: with one queue for all, the others' checks were written after 16 s instead of 1.2 s.
    """
    ports = Hosts()
    ports.add("org_a", 60, HANGS_S)
    for org in OTHERS:
        ports.add(org, 40, RESPONDS_S)
    assert ports.sweep() == pytest.approx(60 / CONCURRENCY * HANGS_S, rel=0.4)  # all its hosts are called, concurrently
    assert ports.last_written(*OTHERS) <= undisturbed() * (len(OTHERS) + 1) / len(OTHERS) + QUIET_S + RESPONDS_S
    assert len(ports.written) == 60 + 40 * len(OTHERS)


def test_an_organization_alone_has_all_of_the_concurrency() -> None:
    """One organization can use all concurrency if no other is waiting: 200 hanging hosts fit in a worker's time."""
    ports = Hosts()
    ports.add("org_a", 4 * BATCH, HANGS_S)
    assert ports.sweep() == pytest.approx(4 * BATCH / CONCURRENCY * HANGS_S)


def test_responding_hosts_do_not_delay_other_results() -> None:
    """A steady stream of slow hosts delays other results by at most one deadline."""
    ports = Hosts()
    for number in range(4 * CONCURRENCY):
        ports.add("org_a", 1, 4.0 + number % CONCURRENCY * 0.05)
    ports.add("org_b", 10, RESPONDS_S)
    ports.sweep()
    assert ports.last_written("org_b") <= WRITE_EVERY_S + 1.0


def test_nothing_is_written_while_vendors_respond_quickly() -> None:
    """Results are not written while vendors respond, so that writing does not distort the recorded latencies."""
    ports = Hosts()
    for org in OTHERS:
        ports.add(org, 60, RESPONDS_S)
    took = ports.sweep()
    assert set(ports.written.values()) == {took}


def test_organizations_take_turns_in_the_queue() -> None:
    """An organization's first providers are queued within one message, however many providers others have."""
    ports = Hosts()
    ports.add("org_a", 10 * BATCH, RESPONDS_S)
    for org in OTHERS:
        ports.add(org, 3, RESPONDS_S)
    dispatch(ports, ports.clock.now())
    batches = [Batch.from_json(body).targets for body in ports.queue.sent]
    first = [org for targets in batches[:2] for org, _ in targets]
    assert [first.count(org) for org in OTHERS] == [3] * len(OTHERS)
    assert sorted(target for targets in batches for target in targets) == sorted(
        (org, provider_id) for provider_id, org in ports.owners.items()
    )


def test_an_organizations_providers_stay_together() -> None:
    """Small organizations' providers share a message, so that a worker unwraps few data keys."""
    ports = Hosts()
    for number in range(20):
        ports.add(f"org_{number:02d}", 20, RESPONDS_S)
    dispatch(ports, ports.clock.now())
    batches = [Batch.from_json(body).targets for body in ports.queue.sent]
    assert max(len({org for org, _ in targets}) for targets in batches) <= BATCH // 20 + 2


def test_backed_off_providers_come_last() -> None:
    """Providers that failed last time are queued after those of every other organization."""
    ports = Hosts()
    for org in ("org_a", *OTHERS):
        ports.add(org, 20, RESPONDS_S)
    suspect = next(iter(ports.owners))
    stored = ports.db.providers["org_a", suspect]
    ended = ports.clock.now() - timedelta(minutes=1)
    ports.db.providers["org_a", suspect] = replace(stored, throttled=1, probe_after=ended)
    dispatch(ports, ports.clock.now())
    assert Batch.from_json(ports.queue.sent[-1]).targets[-1] == ("org_a", suspect)
