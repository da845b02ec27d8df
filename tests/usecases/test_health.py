"""The health summaries in a provider's response."""

from __future__ import annotations

from providers.model.verdict import Verdict
from providers.usecases.health import health_summaries
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
