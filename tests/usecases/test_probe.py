"""Probing queued batches: messages may be lost, repeated, reordered or malformed, and workers may crash."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from providers.model.errors import Unavailable
from providers.model.events import EventType
from providers.model.health import floor_minute
from providers.model.metrics import SWEEP_LAG
from providers.model.samples import Sample
from providers.model.verdict import Verdict
from providers.usecases.probe import probe_messages
from providers.usecases.probe_batch import Batch
from providers.usecases.sweep import dispatch, run_minute
from providers_contract.vocabulary import HealthState, Reason, Status
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added
from tests.kit.sweeps import deliver, health_events, stored, sweep


def test_a_sweep_sets_one_minute_bucket_for_each_provider() -> None:
    """A sweep probes every provider once and stores outcome, latency and version in its minute bucket."""
    ports = FakePorts()
    providers = [added(ports, str(number)) for number in range(120)]
    ports.verify.verdict = Verdict(latency_ms=250)
    ports.verify.asked.clear()
    assert len(sweep(ports)) == 3
    assert len(ports.verify.asked) == 120
    for provider in providers:
        (sample,) = ports.db.samples[provider.id].values()
        assert (sample.at, sample.version, sample.reason, sample.latency_ms) == (ports.clock.now(), 1, None, 250)
        assert stored(ports, provider).health.state is HealthState.HEALTHY


def test_a_deleted_provider_does_not_affect_others() -> None:
    """A deleted provider in a message is skipped; the others are probed."""
    ports = FakePorts()
    gone, there = added(ports, "gone"), added(ports, "there")
    dispatch(ports, ports.clock.now())
    ports.providers.delete(gone)
    assert deliver(ports, ports.queue.sent) == []
    assert list(ports.db.samples) == [there.id]


def test_a_malformed_message_does_not_affect_others() -> None:
    """Only a malformed message is redelivered; all others are processed."""
    ports = FakePorts()
    provider = added(ports)
    dispatch(ports, ports.clock.now())
    poison = [
        "",
        "{",
        "[]",
        "null",
        '{"minute": 1}',
        '{"minute": "2026-04-14T12:00:30+00:00", "providers": []}',
        "é" * 999,
    ]
    assert deliver(ports, [*poison[:3], *ports.queue.sent, *poison[3:]]) == [0, 1, 2, 4, 5, 6, 7]
    assert len(ports.db.samples[provider.id]) == 1


def test_a_failing_probe_does_not_affect_others() -> None:
    """If one provider fails, the others' results are stored, and they are not probed again on redelivery."""
    ports = FakePorts()
    bad, good = added(ports, "bad", vendor="groq"), added(ports, "good")
    dispatch(ports, ports.clock.now())
    real = ports.verify.__call__

    class Exploding:
        def __call__(self, vendor: Any, *rest: Any) -> Verdict:
            if vendor.name == "groq":
                raise RuntimeError("a bug in one vendor")
            return real(vendor, *rest)

    ports.verify, asked = Exploding(), ports.verify.asked  # type: ignore[assignment]
    asked.clear()
    assert deliver(ports, ports.queue.sent) == [0]
    assert deliver(ports, ports.queue.sent) == [0]
    assert (list(ports.db.samples), len(asked)) == ([good.id], 1)
    assert bad.id not in ports.db.samples


def test_providers_beyond_the_time_limit_are_returned() -> None:
    """A worker without enough time returns messages untouched."""
    ports = FakePorts()
    provider = added(ports)
    dispatch(ports, ports.clock.now())
    ports.verify.asked.clear()
    assert deliver(ports, ports.queue.sent, left_ms=1_000) == [0]
    assert (ports.verify.asked, ports.db.samples) == ([], {})
    assert deliver(ports, ports.queue.sent) == []
    assert len(ports.db.samples[provider.id]) == 1


@pytest.mark.parametrize(("seconds", "probed"), [(120, 1), (121, 0)])
def test_an_old_message_is_dropped(seconds: int, probed: int) -> None:
    """A worker drops a message for a minute that began more than two minutes ago, as after an outage."""
    ports = FakePorts()
    added(ports)
    minute = floor_minute(ports.clock.now())
    dispatch(ports, minute)
    ports.clock.pass_time(seconds=seconds - (ports.clock.now() - minute).total_seconds())
    ports.verify.asked.clear()
    assert deliver(ports, ports.queue.sent) == []
    assert len(ports.verify.asked) == probed


@pytest.mark.parametrize("point", ["load", "recent", "record", "set_health"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_worker_killed_at_any_point_loses_nothing_and_counts_nothing_twice(point: str, after: bool) -> None:
    """A crash at any point leads, after redelivery, to the same buckets, state and events as no crash."""

    class Killed(BaseException):
        pass

    ports = FakePorts()
    provider = added(ports)
    ports.clock.pass_time(minutes=1)
    dispatch(ports, ports.clock.now())
    owner: Any = ports.probes if point in ("load", "set_health") else ports.health
    real = getattr(owner, point)

    def killed(*given: Any) -> Any:
        setattr(owner, point, real)
        if after:
            real(*given)
        raise Killed

    setattr(owner, point, killed)
    with pytest.raises(Killed):
        asyncio.run(probe_messages(ports, ports.queue.sent, 1, 1e12))
    assert deliver(ports, ports.queue.sent) == []
    assert len(ports.db.samples[provider.id]) == 1
    assert stored(ports, provider).health.state is HealthState.HEALTHY
    assert health_events(ports) == [("unknown", "healthy")]


@pytest.mark.parametrize("deliveries", [1, 3])
def test_an_interrupted_probe_is_finished_once_by_the_next_delivery(deliveries: int) -> None:
    """After a crash behind the minute bucket, redelivery completes status changes and back-off exactly once."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    pending, throttled = (
        added(ports, "one", on_unavailable="store_pending"),
        added(ports, "two", on_unavailable="store_pending"),
    )
    dispatch(ports, ports.clock.now())
    ports.health.record(pending.id, Sample(ports.clock.now(), 1, None, 90))
    ports.health.record(throttled.id, Sample(ports.clock.now(), 1, Reason.RATE_LIMITED, 90))
    ports.verify.asked.clear()
    for _ in range(deliveries):
        assert deliver(ports, ports.queue.sent) == []
    assert ports.verify.asked == []
    assert [stored(ports, each).status for each in (pending, throttled)] == [Status.ACTIVE, Status.ACTIVE]
    after = stored(ports, throttled)
    assert (after.throttled, after.probe_after) == (1, ports.clock.now() + timedelta(minutes=2))


def test_an_event_is_published_once_by_the_next_sweep() -> None:
    """A change leaves its event in the outbox; a sweep that cannot publish it leaves it there for the next one."""
    ports = FakePorts()
    provider = added(ports)
    assert ports.publisher.published == []
    until = ports.clock.now() + timedelta(minutes=1)
    ports.publisher.broken = True
    with pytest.raises(Unavailable):
        run_minute(ports, ports.clock.now(), until)
    ports.publisher.broken = False
    assert run_minute(ports, ports.clock.now(), until) == {"due": 1, "published": 1, "quarantined": 0}
    assert run_minute(ports, ports.clock.now(), until) == {"due": 1, "published": 0, "quarantined": 0}
    assert [(event.type, event.provider_id) for event in ports.publisher.published] == [
        (EventType.CREATED, provider.id)
    ]
    assert ports.db.outbox == {}


def test_a_row_that_cannot_be_opened_is_unhealthy_and_not_sent() -> None:
    """A tampered credential makes the provider unhealthy and is never sent."""
    ports = FakePorts()
    provider = added(ports)
    key = (ORG, provider.id, 1)
    ports.db.rows[key] = replace(ports.db.rows[key], nonce=b"moved")
    ports.verify.asked.clear()
    for _ in range(3):
        sweep(ports)
    assert ports.verify.asked == []
    assert stored(ports, provider).health.state is HealthState.UNHEALTHY


def test_a_stored_key_that_a_later_release_refuses_affects_only_its_provider() -> None:
    """A stored key that a newer `parse` refuses affects only its own provider."""
    ports = FakePorts()
    refused, other = added(ports), added(ports, "two")
    key = (ORG, refused.id, 1)
    ports.db.rows[key] = replace(ports.db.rows[key], ciphertext=b"sk-admin-FAKE-" + b"0" * 40)
    ports.verify.asked.clear()
    for _ in range(3):
        sweep(ports)
    assert len(ports.verify.asked) == 3
    assert stored(ports, refused).health.reason is Reason.CREDENTIAL_REJECTED
    assert stored(ports, other).health.state is HealthState.HEALTHY


def test_a_report_makes_the_next_minutes_probe_early() -> None:
    """A message for the next minute is probed at once, and the sweep's own message for that minute is not."""
    ports = FakePorts()
    provider = added(ports)
    sweep(ports)
    ports.clock.pass_time(seconds=20)
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    next_minute = floor_minute(ports.clock.now()) + timedelta(minutes=1)
    ports.verify.asked.clear()
    assert deliver(ports, [Batch(next_minute, ((ORG, provider.id),)).to_json()]) == []
    assert [sample.at for sample in ports.db.samples[provider.id].values()][-1] == next_minute
    assert ports.metrics.of(SWEEP_LAG)[-1] == (0.0,)
    ports.clock.at = next_minute
    ports.queue.sent.clear()
    dispatch(ports, ports.clock.now())
    assert deliver(ports, ports.queue.sent) == []
    assert len(ports.verify.asked) == 1
