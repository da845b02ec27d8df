"""Health: rolling windows, and states that need evidence (api.md, Health). Pure functions over samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from providers.model.samples import Sample, Samples, minute_of, succeeded
from providers_contract.frozen import dataclass
from providers_contract.vocabulary import HealthState, Outcome, Reason

if TYPE_CHECKING:
    from providers.model.policy import Thresholds

MINUTE: Final = timedelta(minutes=1)
WINDOWS: Final = {
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}
HISTORIES: Final = {
    "1h": (timedelta(hours=1), timedelta(minutes=1)),
    "24h": (timedelta(hours=24), timedelta(minutes=30)),
    "7d": (timedelta(days=7), timedelta(hours=3)),
}
"""Spans of a history, and of one of its points; at most 60 points."""

PERCENTILES: Final = (50, 90, 95, 99)


def floor_minute(at: datetime) -> datetime:
    """Return the minute of `at`, in UTC."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def nearest_rank(ordered: Sequence[int], percent: int) -> int:
    """Return the nearest-rank percentile of a sorted, non-empty sequence: the least value with `percent` % at or below
    it.

    It is always a measured value, the same as with numpy's `method="inverted_cdf"`.
    """
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


@dataclass(frozen=True, slots=True)
class Window:
    """Statistics of the probes in a window. Without probes, rate and percentiles are None, never zero."""

    checks: int
    success_rate: float | None
    percentiles: dict[int, int] | None
    errors: dict[str, int]


def summarize(samples: Sequence[Sample]) -> Window:
    """Return the window over `samples`: latencies of the successful probes, counts of the failed ones by reason."""
    columns = Samples.of(samples)
    if not columns:
        return Window(0, None, None, {})
    latencies, failures = sorted(columns.successes()), columns.failures()
    return Window(
        checks=len(columns),
        success_rate=(len(columns) - len(failures)) / len(columns),
        percentiles={percent: nearest_rank(latencies, percent) for percent in PERCENTILES} if latencies else None,
        errors=dict(sorted(Counter(reason.value for reason in failures).items())),
    )


def within(samples: Sequence[Sample], now: datetime, span: timedelta) -> Samples:
    """Return the samples, oldest first, of the last `span`: of its minutes, including the minute of `now`."""
    last = floor_minute(now)
    return Samples.of(samples).between(last - span + MINUTE, last)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a history: the probes from `at` on."""

    at: datetime
    window: Window


def history(samples: Sequence[Sample], now: datetime, span: timedelta, step: timedelta) -> list[Point]:
    """Return points of `step`, cut at multiples of it in UTC, including empty ones; the last one includes `now`."""
    until_now = within(samples, now, span)
    first = _cut(now, step) - span + step
    starts = [first + number * step for number in range(span // step)]
    return [Point(start, summarize(until_now.between(start, start + step - MINUTE))) for start in starts]


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The last hour in short.

    Args:
        since: the first of its 60 minutes.
        latencies: for each minute, the latency of its successful probe, None without one.
        failed: the minutes with a failed probe, counted from 0.
    """

    since: datetime
    latencies: list[int | None]
    failed: list[int]


def sparkline(samples: Samples, now: datetime) -> Sparkline:
    """Return the last hour of `samples`: a twentieth of the bytes of its history, and of the time to make it."""
    since = floor_minute(now) - WINDOWS["1h"] + MINUTE
    first = minute_of(since)
    latencies: list[int | None] = [None] * 60
    failed = []
    hour = within(samples, now, WINDOWS["1h"])
    for minute, reason, latency_ms in zip(hour.minutes, hour.reasons, hour.latencies, strict=True):
        if succeeded(reason):
            latencies[minute - first] = latency_ms
        else:
            failed.append(minute - first)
    return Sparkline(since, latencies, failed)


def _cut(at: datetime, step: timedelta) -> datetime:
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % int(step.total_seconds()), UTC)


@dataclass(frozen=True, slots=True)
class Health:
    """A provider's state of health, and the key version to which it refers."""

    state: HealthState = HealthState.UNKNOWN
    reason: Reason | None = None
    since: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class HealthChange:
    """A change of a provider's state.

    Args:
        at: the minute of the probe that decided it.
        before, after: the states.
        reason: why the provider was not healthy from then on.
        version: the key version that was probed.
    """

    at: datetime
    before: HealthState
    after: HealthState
    reason: Reason | None
    version: int


MAX_CHANGES: Final = 20
"""Changes of state that are kept on a provider item: about 1 KB."""


def with_change(
    kept: tuple[HealthChange, ...], before: Health, after: Health, minute: datetime
) -> tuple[HealthChange, ...]:
    """Return the newest changes of state, newest first, after a probe for `minute` led from `before` to `after`."""
    if before.state is after.state:
        return kept
    change = HealthChange(after.since or minute, before.state, after.state, after.reason, after.version)
    return (change, *kept)[:MAX_CHANGES]


def next_health(current: Health, samples: Sequence[Sample], limits: Thresholds) -> Health:
    """Return the state after the newest of `samples`, which are those of one key version, of an hour at least, oldest
    first.

    A new key version starts as `unknown`, and its first successful probe decides the state. From then on, a single
    probe never changes the state: three consecutive failures make it unhealthy, two consecutive successes end that;
    two consecutive limited probes, or a poor hour, make it degraded, and two consecutive valid ones end that.
    """
    if not samples:
        return current
    newest = samples[-1]
    if current.version != newest.version:
        current = Health(version=newest.version)
    state, reason = _classify(current, samples, limits)
    if state is current.state:
        return Health(state, reason, current.since, newest.version)
    return Health(state, reason, newest.at, newest.version)


def stays_healthy(current: Health, recent: Samples, sample: Sample, limits: Thresholds) -> bool:
    """Return whether `next_health` after `recent` and `sample` certainly returns `current`; False if it must be called.

    True for a healthy provider whose newest probe is valid and that has too few others to make an hour poor.
    """
    return (
        current == Health(HealthState.HEALTHY, None, current.since, sample.version)
        and sample.reason is None
        and (recent.newest is None or recent.newest < sample.at)
        and recent.not_valid < limits.recovered_after
    )


def replayed(current: Health, samples: Sequence[Sample], limits: Thresholds) -> Health:
    """Return the state after all of `samples`, in any order of arrival: `next_health` applied to each in turn.

    For a sample that arrived late or twice. It starts from `current` if that was the state before the first sample,
    otherwise from `unknown`. With an hour of earlier samples, the result is the same as if they had arrived in order.
    """
    if not samples:
        return current
    health = current
    if current.version != samples[-1].version or current.since is None or current.since >= samples[0].at:
        health = Health(version=samples[-1].version)
    for count in range(1, len(samples) + 1):
        health = next_health(health, samples[:count], limits)
    return health


def _classify(current: Health, samples: Sequence[Sample], limits: Thresholds) -> tuple[HealthState, Reason | None]:
    newest = samples[-1]
    failures = _run(samples, [Outcome.INVALID, Outcome.INDETERMINATE])
    if failures >= limits.unhealthy_after:
        return HealthState.UNHEALTHY, newest.reason
    if current.state is HealthState.UNKNOWN:
        if failures:
            return HealthState.UNKNOWN, newest.reason
        limited = newest.outcome is Outcome.LIMITED
        return (HealthState.DEGRADED, newest.reason) if limited else (HealthState.HEALTHY, None)
    if current.state is HealthState.UNHEALTHY and (
        _run(samples, [Outcome.VALID, Outcome.LIMITED]) < limits.recovered_after
    ):
        return HealthState.UNHEALTHY, current.reason
    poor = _poor_hour(samples, limits)
    if poor is not None and not _has_just_recovered(current, samples):
        return HealthState.DEGRADED, poor
    if _run(samples, [Outcome.LIMITED]) >= limits.recovered_after:
        return HealthState.DEGRADED, newest.reason
    if current.state is HealthState.DEGRADED and _run(samples, [Outcome.VALID]) < limits.recovered_after:
        return HealthState.DEGRADED, current.reason
    if current.state is HealthState.UNHEALTHY and newest.outcome is Outcome.LIMITED:
        return HealthState.DEGRADED, newest.reason
    return HealthState.HEALTHY, None


def _has_just_recovered(current: Health, samples: Sequence[Sample]) -> bool:
    """Return whether the newest probe is the first one of a healthy state.

    It may be the one that gives a poor hour enough probes to count: alone, it must not change the state again.
    """
    since = current.since
    return current.state is HealthState.HEALTHY and since is not None and len(samples) > 1 and samples[-2].at <= since


def _run(samples: Sequence[Sample], outcomes: Sequence[Outcome]) -> int:
    """Return the number of consecutive newest samples with one of `outcomes`."""
    count = 0
    for sample in reversed(samples):
        if sample.outcome not in outcomes:
            break
        count += 1
    return count


def _poor_hour(samples: Sequence[Sample], limits: Thresholds) -> Reason | None:
    """Return the most common failure of the last hour if it has enough probes and too few successes; otherwise None."""
    hour = within(samples, samples[-1].at, WINDOWS["1h"])
    failed = [sample.reason for sample in hour if sample.reason and not sample.succeeded]
    if len(hour) < limits.enough or len(failed) < limits.recovered_after:
        return None
    if (len(hour) - len(failed)) / len(hour) >= limits.degraded_below:
        return None
    return Counter(failed).most_common(1)[0][0]
