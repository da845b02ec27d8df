"""Back-off: when a provider is probed again after throttling or a long failure."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from providers.model.verdict import Verdict
from providers.usecases.sweep import dispatch
from providers_contract.vocabulary import HealthState, Reason
from tests.kit.fakes import FakePorts
from tests.kit.requests import added
from tests.kit.sweeps import deliver, health_events, stored, sweep


@pytest.mark.parametrize("reason", [Reason.RATE_LIMITED, Reason.THROTTLED])
def test_a_throttled_provider_is_backed_off_longer_each_time(reason: Reason) -> None:
    """Throttling backs off for 2, 4, 8 … minutes (at most 60) or the vendor's Retry-After, and ends with it."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.verdict = Verdict(reason)
    minutes = [minute for minute in range(200) if sweep(ports)]
    assert [later - earlier for earlier, later in itertools.pairwise(minutes)] == [2, 4, 8, 16, 32, 60, 60]
    ports.verify.verdict = Verdict(reason, retry_after_s=7200)
    while not sweep(ports):
        pass
    after = stored(ports, provider).probe_after
    assert after == ports.clock.now() + timedelta(hours=2)
    ports.verify.verdict = Verdict()
    while not sweep(ports):
        pass
    assert (stored(ports, provider).probe_after, len(sweep(ports))) == (None, 1)


def test_a_long_unhealthy_provider_is_probed_less_often() -> None:
    """After ten unhealthy minutes, probes back off for 2, 4, 8 … minutes (at most 60) until one succeeds."""
    ports = FakePorts()
    provider = added(ports)
    sweep(ports)
    ports.verify.verdict = Verdict(Reason.CONNECTION_FAILED)
    minutes = [minute for minute in range(220) if sweep(ports)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(minutes)]
    assert gaps == [1] * 12 + [2, 4, 8, 16, 32, 60, 60]  # three to become unhealthy, and ten minutes of that
    ports.verify.verdict = Verdict()
    while not sweep(ports):
        pass
    after = stored(ports, provider)
    assert (after.health.state, after.probe_after, after.throttled) == (HealthState.UNHEALTHY, None, 0)
    assert sweep(ports)
    assert stored(ports, provider).health.state is HealthState.HEALTHY
    assert health_events(ports)[-2:] == [("healthy", "unhealthy"), ("unhealthy", "healthy")]


def test_a_short_outage_delays_no_probe() -> None:
    """During nine unhealthy minutes, every minute is probed."""
    ports = FakePorts()
    provider = added(ports)
    sweep(ports)
    ports.verify.verdict = Verdict(Reason.HTTP_5XX)
    for _ in range(12):
        assert sweep(ports)
    assert (stored(ports, provider).health.state, len(ports.db.samples[provider.id])) == (HealthState.UNHEALTHY, 13)


@pytest.mark.parametrize("reason", [Reason.RATE_LIMITED, Reason.HTTP_5XX])
def test_a_back_off_is_the_same_however_often_its_message_comes(reason: Reason) -> None:
    """A redelivered message does not change the next probe time."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.verdict = Verdict(reason)
    messages: list[str] = []
    while stored(ports, provider).throttled < 3:
        messages += sweep(ports)
    before = stored(ports, provider)
    assert before.probe_after == ports.clock.now() + timedelta(minutes=8)
    for body in messages[-3:] * 3:
        assert deliver(ports, [body]) == []
    assert stored(ports, provider) == before


def test_a_late_probe_does_not_change_the_back_off() -> None:
    """A late result does not cancel a newer back-off."""
    ports = FakePorts()
    provider = added(ports)
    dispatch(ports, ports.clock.now())
    late = list(ports.queue.sent)
    ports.verify.verdict = Verdict(Reason.RATE_LIMITED)
    sweep(ports)
    backed_off = stored(ports, provider).probe_after
    assert backed_off == ports.clock.now() + timedelta(minutes=2)
    ports.verify.verdict = Verdict()
    assert deliver(ports, late) == []
    assert stored(ports, provider).probe_after == backed_off
