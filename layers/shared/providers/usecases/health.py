"""Read a provider's health: windows, percentiles, history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from providers.model.health import (
    HISTORIES,
    MINUTE,
    WINDOWS,
    Point,
    Sparkline,
    Window,
    floor_minute,
    history,
    nearest_rank,
    sparkline,
    summarize,
    within,
)
from providers.usecases.read import get_provider
from providers_contract.frozen import dataclass
from providers_contract.vocabulary import Include

if TYPE_CHECKING:
    from providers.model.provider import Provider
    from providers.model.samples import Samples
    from providers.ports import Ports


@dataclass(frozen=True, slots=True)
class Report:
    """A provider's health; windows and history refer to the active key version."""

    provider: Provider
    last_check_at: datetime | None
    windows: dict[str, Window]
    history: list[Point]


@dataclass(frozen=True, slots=True)
class HealthSummary:
    """The health fields of a provider's response.

    Args:
        p50_ms: median latency over the last hour.
        last_check_at: time of the last probe.
        history, sparkline: the last hour, if it was requested.
    """

    p50_ms: int | None = None
    last_check_at: datetime | None = None
    history: list[Point] | None = None
    sparkline: Sparkline | None = None


def read_health(ports: Ports, org: str, provider_id: str, span: str) -> Report:
    """Return a provider's health, from its item and one Query. Raises NotFound, Unavailable."""
    provider = get_provider(ports, org, provider_id)
    now = ports.clock.now()
    last = floor_minute(now)
    week = ports.health.read(provider_id, last - WINDOWS["7d"] + MINUTE, last)
    samples = week.of_version(provider.active.number)
    length, step = HISTORIES[span]
    return Report(
        provider=provider,
        last_check_at=samples.newest,
        windows={name: summarize(within(samples, now, width)) for name, width in WINDOWS.items()},
        history=history(samples, now, length, step),
    )


def health_summaries(
    ports: Ports, providers: Sequence[Provider], include: Include | None = None
) -> dict[str, HealthSummary]:
    """Return the health summaries of `providers` by provider id, with one BatchGetItem for fifty of them."""
    if not providers:
        return {}
    now = ports.clock.now()
    recent = ports.health.recent([provider.id for provider in providers], now)
    summaries = {}
    for provider in providers:
        samples = recent[provider.id].of_version(provider.active.number)
        summaries[provider.id] = _summary(samples, now, include)
    return summaries


def _summary(samples: Samples, now: datetime, include: Include | None) -> HealthSummary:
    latencies = sorted(within(samples, now, WINDOWS["1h"]).successes())
    return HealthSummary(
        p50_ms=nearest_rank(latencies, 50) if latencies else None,
        last_check_at=samples.newest,
        history=history(samples, now, *HISTORIES["1h"]) if include is Include.HISTORY else None,
        sparkline=sparkline(samples, now) if include is Include.SPARKLINE else None,
    )
