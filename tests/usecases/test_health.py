"""The health summaries in a provider's response."""

from __future__ import annotations

from providers.model.verdict import Verdict
from providers.usecases.health import health_summaries
from providers_contract.vocabulary import Include, Reason
from tests.kit.fakes import FakePorts
from tests.kit.requests import added
from tests.kit.sweeps import stored, sweep


def test_summaries_show_the_last_hour() -> None:
    """A summary shows p50 over an hour and the last probe's time, or nothing if never probed."""
    ports = FakePorts()
    provider = added(ports)
    assert health_summaries(ports, [stored(ports, provider)])[provider.id].p50_ms is None
    for latency in (900, 100, 200, 300):
        ports.verify.verdict = Verdict(latency_ms=latency)
        sweep(ports)
    summary = health_summaries(ports, [stored(ports, provider)])[provider.id]
    assert (summary.p50_ms, summary.last_check_at) == (200, ports.clock.now())
    ports.clock.pass_time(minutes=61)
    assert health_summaries(ports, [stored(ports, provider)])[provider.id].p50_ms is None


def test_a_sparkline_is_the_hours_history_in_short() -> None:
    """A sparkline has each minute's latency, or that its check failed, as the history has."""
    ports = FakePorts()
    provider = added(ports)
    for reason, latency_ms in [(None, 900), (Reason.TIMEOUT, None), (None, 200), (Reason.RATE_LIMITED, 80)]:
        ports.verify.verdict = Verdict(reason, latency_ms=latency_ms)
        sweep(ports)
    ports.clock.pass_time(minutes=2)
    read = [health_summaries(ports, [stored(ports, provider)], each)[provider.id] for each in Include]
    assert [each.sparkline is None for each in read] == [True, False]
    history, line = read[0].history, read[1].sparkline
    assert history is not None
    assert line is not None
    assert line.since == history[0].at
    medians = [each.window.percentiles[50] if each.window.percentiles else None for each in history]
    assert line.latencies == medians
    assert line.failed == [minute for minute, each in enumerate(history) if each.window.errors]
    assert line.latencies[-6:] == [900, None, 200, 80, None, None]
