"""The counts and measurements of the use cases for operators."""

from __future__ import annotations

from datetime import timedelta

import pytest

from providers.model import metrics
from providers.model.errors import ProvidersError
from providers.model.policy import OUTBOX_SHARDS, Policy
from providers.model.verdict import Verdict
from providers.ports import Refused
from providers.usecases.events import drain_outbox
from providers.usecases.retirement import reap
from providers.usecases.rollback import rollback_provider
from providers.usecases.sweep import dispatch
from providers_contract.vocabulary import Reason
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added, rotate
from tests.kit.sweeps import deliver, pending, sweep


def test_rotations_and_rollbacks_are_counted_by_vendor() -> None:
    """A change that replaces the active credential counts once; one that sends the same credential does not."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    rotate(ports, provider, "two")
    rollback_provider(ports, ORG, provider.id)
    assert ports.metrics.of(metrics.ROTATIONS) == [(1, "openai")] * 2


def test_verifications_are_counted_by_vendor_and_outcome() -> None:
    """A refused credential counts too; a verification without a response has no latency."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(latency_ms=120)
    added(ports)
    for verdict in (Verdict(Reason.CREDENTIAL_REJECTED, latency_ms=80), Verdict(Reason.TIMEOUT)):
        ports.verify.verdict = verdict
        with pytest.raises(ProvidersError):
            added(ports, "two")
    outcomes = ["valid", "invalid", "indeterminate"]
    assert ports.metrics.of(metrics.VERIFICATIONS) == [(1, "openai", outcome) for outcome in outcomes]
    assert ports.metrics.of(metrics.VERIFICATION_LATENCY) == [(120, "openai", "valid"), (80, "openai", "invalid")]


def test_probes_are_counted_once_by_vendor_and_outcome() -> None:
    """A message that is delivered twice counts as one probe."""
    ports = FakePorts()
    added(ports)
    ports.verify.verdict = Verdict(latency_ms=250)
    sent = sweep(ports)
    deliver(ports, sent)
    assert ports.metrics.of(metrics.PROBES) == [(1, "openai", "valid")]
    assert ports.metrics.of(metrics.PROBE_LATENCY) == [(250, "openai", "valid")]


def test_a_probe_without_a_response_has_no_latency() -> None:
    """A vendor that does not respond does not lower the average."""
    ports = FakePorts()
    added(ports)
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    sweep(ports)
    assert ports.metrics.of(metrics.PROBES) == [(1, "openai", "indeterminate")]
    assert ports.metrics.of(metrics.PROBE_LATENCY) == []


@pytest.mark.parametrize("late_s", [0, 90, 3600])
def test_the_lag_of_the_sweep_is_measured_for_each_batch(late_s: int) -> None:
    """The lag is measured from the batch's minute; a batch that is too late to be probed counts too."""
    ports = FakePorts()
    added(ports)
    dispatch(ports, ports.clock.now())
    ports.clock.pass_time(seconds=late_s)
    deliver(ports, ports.queue.sent)
    assert ports.metrics.of(metrics.SWEEP_LAG) == [(late_s,)]


def test_the_age_of_the_outbox_is_that_of_its_oldest_event() -> None:
    """Every shard reports, also an empty one, so that an idle stack is visibly healthy."""
    ports = FakePorts()
    added(ports)
    ports.clock.pass_time(seconds=100)
    drain_outbox(ports, ports.clock.now() + timedelta(seconds=40))
    ages = ports.metrics.of(metrics.OUTBOX_AGE)
    assert len(ages) == OUTBOX_SHARDS
    assert max(ages) == (100,)
    assert sorted(ages)[-2] == (0,)


def test_published_and_quarantined_events_are_counted() -> None:
    """Of two events in the outbox, EventBridge rejects one."""
    ports = FakePorts()
    added(ports, "one")
    added(ports, "two")
    event = min(ports.db.outbox.values(), key=lambda each: each.id)
    ports.publisher.refuses = {event.id: Refused(event, "MalformedDetail", final=True)}
    drain_outbox(ports, ports.clock.now() + timedelta(seconds=40))
    assert sum(values[0] for values in ports.metrics.of(metrics.EVENTS_PUBLISHED)) == 1
    assert sum(values[0] for values in ports.metrics.of(metrics.EVENTS_QUARANTINED)) == 1


@pytest.mark.parametrize(("verdict", "unhealthy"), [(Verdict(), 0), (Verdict(Reason.CREDENTIAL_REJECTED), 2)])
def test_unhealthy_providers_are_counted_with_each_probe(verdict: Verdict, unhealthy: int) -> None:
    """An unhealthy provider counts from the third failed probe on, once for a message that is delivered twice."""
    ports = FakePorts()
    added(ports)
    ports.verify.verdict = verdict
    for _ in range(4):
        deliver(ports, sweep(ports))
    assert ports.metrics.of(metrics.PROVIDERS_UNHEALTHY) == [(1,)] * unhealthy


def test_each_run_of_the_sweep_says_how_many_providers_it_queued_and_skipped() -> None:
    """An idle stack reports 0, so that missing values mean that the sweep stopped."""
    ports = FakePorts()
    dispatch(ports, ports.clock.now())
    added(ports, "one")
    pending(ports, "two")
    sweep(ports)
    sweep(ports)
    assert ports.metrics.of(metrics.PROVIDERS_DUE) == [(0,), (2,), (1,)]
    assert ports.metrics.of(metrics.PROVIDERS_BACKED_OFF) == [(0,), (0,), (1,)]


def test_each_run_of_the_reaper_says_how_many_versions_it_destroyed() -> None:
    """A run without work reports 0, so that missing values mean that the reaper stopped."""
    ports = FakePorts(Policy(grace=timedelta(hours=1)))
    rotate(ports, rotate(ports, added(ports), "two"), "three")
    assert reap(ports, ports.clock.now() + timedelta(hours=1)) == 2
    assert reap(ports, ports.clock.now() + timedelta(hours=1)) == 0
    assert ports.metrics.of(metrics.RETIRED_VERSIONS) == [(2,), (0,)]
