"""Windows, compared with a brute-force computation, and health states over sequences of probes."""

from __future__ import annotations

import itertools
import math
import random
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from providers.adapters.tables.keys import hour_of
from providers.adapters.tables.samples import CODES, minute_bucket, pack, samples_in
from providers.model.health import (
    HISTORIES,
    MINUTE,
    WINDOWS,
    Health,
    history,
    nearest_rank,
    next_health,
    replayed,
    stays_healthy,
    summarize,
    within,
)
from providers.model.policy import Thresholds
from providers.model.samples import Sample, Samples
from providers.model.verdict import Verdict
from providers_contract.vocabulary import HealthState, Outcome, Reason

NOON = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)
FAILURES = [Reason.TIMEOUT, Reason.HTTP_5XX, Reason.CREDENTIAL_REJECTED]


@cache
def week(until: datetime, seed: int = 1, gaps: bool = True) -> tuple[Sample, ...]:
    """Return eight days of one probe a minute up to `until`, with failures, rate limits and a gap in the sweep."""
    chance = random.Random(seed)
    samples = []
    for back in range(8 * 24 * 60):
        if gaps and (3000 < back < 3200 or chance.random() < 0.01):
            continue
        reason = chance.choices([None, Reason.RATE_LIMITED, *FAILURES], [95, 2, 1, 1, 1])[0]
        latency = None if reason is Reason.TIMEOUT else round(chance.lognormvariate(5.5, 0.5))
        samples.append(Sample(until - timedelta(minutes=back), 1, reason, latency))
    return tuple(samples[::-1])


MOMENTS = {
    "noon": NOON + timedelta(seconds=17),
    "the first second of an hour": NOON,
    "the last second of an hour": NOON + timedelta(minutes=59, seconds=59, microseconds=999_999),
    "midnight": datetime(2026, 4, 15, 0, 0, tzinfo=UTC),
    "a minute before midnight": datetime(2026, 4, 14, 23, 59, 30, tzinfo=UTC),
    "after the clocks went forward": datetime(2026, 3, 29, 3, 5, tzinfo=ZoneInfo("Europe/Berlin")),
    "in the hour that comes twice": datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    "after the clocks went back in New York": datetime(2026, 11, 1, 1, 15, fold=1, tzinfo=ZoneInfo("America/New_York")),
}


def in_brute_window(sample: Sample, now: datetime, minutes: int) -> bool:
    """Return whether a minute is in the window: the current minute and the ones before it."""
    this = math.floor(now.timestamp() / 60)
    then = math.floor(sample.at.timestamp() / 60)
    return this - minutes < then <= this


@pytest.mark.parametrize("now", MOMENTS.values(), ids=MOMENTS.keys())
@pytest.mark.parametrize(("name", "minutes"), [("5m", 5), ("1h", 60), ("24h", 1440), ("7d", 10080)])
def test_windows_equal_a_brute_force_computation(now: datetime, name: str, minutes: int) -> None:
    """Counts, rates, percentiles and errors are correct at hour and day edges, across clock changes and gaps."""
    samples = week(now.astimezone(UTC).replace(second=0, microsecond=0))
    raw = [sample for sample in samples if in_brute_window(sample, now, minutes)]
    good: list[Sample] = []
    bad: list[Sample] = []
    for sample in raw:
        accepted = Verdict(sample.reason).outcome in (Outcome.VALID, Outcome.LIMITED)
        (good if accepted else bad).append(sample)
    latencies = sorted(sample.latency_ms for sample in good if sample.latency_ms is not None)
    ranks = {percent: math.ceil(Fraction(percent * len(latencies), 100)) for percent in (50, 90, 95, 99)}
    found = summarize(within(samples, now, WINDOWS[name]))
    assert found.checks == len(raw)
    assert found.success_rate == len(good) / len(raw)
    assert found.percentiles == {percent: latencies[rank - 1] for percent, rank in ranks.items()}
    assert found.errors == Counter(sample.reason.value for sample in bad if sample.reason)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=200), st.integers(1, 100))
def test_nearest_rank_is_the_least_value_with_enough_at_or_below(values: list[int], percent: int) -> None:
    """Percentiles follow the nearest-rank definition for any values."""
    found = nearest_rank(sorted(values), percent)
    enough = [value for value in values if sum(other <= value for other in values) * 100 >= percent * len(values)]
    assert found == min(enough)


def test_an_empty_window_is_not_zero() -> None:
    """An empty window has null values, not zeros."""
    found = summarize([])
    assert (found.checks, found.success_rate, found.percentiles, found.errors) == (0, None, None, {})


def test_without_a_success_there_are_no_percentiles() -> None:
    """Latency percentiles cover successful probes only."""
    found = summarize([Sample(NOON, 1, Reason.HTTP_5XX, 30)])
    assert (found.success_rate, found.percentiles, found.errors) == (0.0, None, {"http_5xx": 1})


@pytest.mark.parametrize("now", MOMENTS.values(), ids=MOMENTS.keys())
@pytest.mark.parametrize("span", HISTORIES)
def test_a_history_has_every_probe_of_its_span_once(now: datetime, span: str) -> None:
    """A history has up to sixty evenly spaced points, and each probe is in exactly one."""
    samples = week(now.astimezone(UTC).replace(second=0, microsecond=0))
    length, step = HISTORIES[span]
    points = history(samples, now, length, step)
    assert len(points) == length / step <= 60
    assert {later.at - earlier.at for earlier, later in itertools.pairwise(points)} == {step}
    assert points[-1].at <= now < points[-1].at + step
    counted = sum(point.window.checks for point in points)
    assert counted == sum(points[0].at <= sample.at <= now for sample in samples)


# states


def story(text: str, start: Health | None = None, limits: Thresholds | None = None) -> list[HealthState]:
    """Return the state after each probe: `.` valid, `l` limited, `x` refused, `t` timed out."""
    reasons = {".": None, "l": Reason.RATE_LIMITED, "x": Reason.CREDENTIAL_REJECTED, "t": Reason.TIMEOUT}
    health, samples, states = start or Health(), [], []
    for minute, mark in enumerate(text):
        samples.append(Sample(NOON + timedelta(minutes=minute), 1, reasons[mark], 100))
        health = next_health(health, samples, limits or Thresholds())
        states.append(health.state)
    return states


U, H, D, X = HealthState.UNKNOWN, HealthState.HEALTHY, HealthState.DEGRADED, HealthState.UNHEALTHY
STORIES = [
    ("the first valid probe makes it healthy", ".", [H]),
    ("one failure at the start proves nothing", "x", [U]),
    ("two neither", "xx", [U, U]),
    ("three in a row do", "xxx", [U, U, X]),
    ("of different kinds too", "xtx", [U, U, X]),
    ("a failure and a success", "x.", [U, H]),
    ("one failure does not hurt", ".x.", [H, H, H]),
    ("nor two", ".xx.", [H, H, H, H]),
    ("three do, one success does not clear it, two do", ".xxx..", [H, H, H, X, X, H]),
    ("a failure in between restarts the count", ".xxx.x..", [H, H, H, X, X, X, X, H]),
    ("every other check fails", ".x" * 9, [H] * 18),
    ("a limited one at the start is all that is known", "l", [D]),
    ("one limited check does not hurt", ".l.", [H, H, H]),
    ("two do, one valid does not clear it, two do", ".ll..", [H, H, D, D, H]),
    ("limited ones end an outage, but are limited", "xxxll", [U, U, X, X, D]),
    ("limited is no failure", "lll", [D, D, D]),
]


@pytest.mark.parametrize(("text", "expected"), [each[1:] for each in STORIES], ids=[each[0] for each in STORIES])
def test_states(text: str, expected: Sequence[HealthState]) -> None:
    """Each sequence of probes leads to the expected state, and no single failure changes a known one."""
    assert story(text) == expected


def test_every_other_failure_does_not_flap() -> None:
    """With alternating failures, the state changes to degraded once and stays."""
    states = story(".x" * 90)
    changes = [(a, b) for a, b in itertools.pairwise(states) if a is not b]
    assert changes == [(H, D)]
    assert states[18] is H


def test_a_poor_hour_degrades_and_a_good_one_heals() -> None:
    """Two failures in twenty-two probes (below 95 %) degrade a provider until the hour's rate recovers."""
    states = story(("." * 10 + "x") * 4 + "." * 70)
    assert (states[20], states[21]) == (H, D)
    assert states[-1] is H
    assert [a for a, b in itertools.pairwise(states) if a is not b] == [H, D]


@pytest.mark.parametrize(("interval", "enough"), [(1, 20), (5, 12), (15, 4)])
def test_a_full_hour_with_fewer_probes_counts(interval: int, enough: int) -> None:
    """With longer intervals, an hour needs only the number of probes that fit in it."""
    assert Thresholds(interval_minutes=interval).enough == enough


def test_an_unhealthy_reason_distinguishes_a_bad_key_from_an_outage() -> None:
    """The reason is that of the newest failure."""
    for mark, reason in [("x", Reason.CREDENTIAL_REJECTED), ("t", Reason.TIMEOUT)]:
        samples = [Sample(NOON + timedelta(minutes=minute), 1, reason, None) for minute in range(3)]
        assert next_health(Health(), samples, Thresholds()).reason is reason, mark


def test_a_new_version_starts_as_unknown() -> None:
    """A new version does not inherit failures and is healthy after its first successful probe."""
    bad = Health(HealthState.UNHEALTHY, Reason.CREDENTIAL_REJECTED, NOON, 1)
    found = next_health(bad, [Sample(NOON + timedelta(minutes=1), 2, None, 100)], Thresholds())
    assert found == Health(HealthState.HEALTHY, None, NOON + timedelta(minutes=1), 2)


def test_since_is_the_start_of_the_state() -> None:
    """More probes with the same state do not change `since`."""
    health = Health(HealthState.HEALTHY, None, NOON, 1)
    samples = [Sample(NOON + timedelta(minutes=minute), 1, None, 1) for minute in range(1, 4)]
    assert next_health(health, samples, Thresholds()).since == NOON


marks = st.lists(st.sampled_from([None, Reason.RATE_LIMITED, Reason.TIMEOUT]), min_size=1, max_size=100)


RECOVERED_BEFORE_TWENTY: list[Reason | None] = [
    *[Reason.TIMEOUT, None, Reason.TIMEOUT, None, None, Reason.TIMEOUT, Reason.TIMEOUT, None, Reason.TIMEOUT],
    *[Reason.TIMEOUT, Reason.RATE_LIMITED, None, None, *[Reason.TIMEOUT] * 4, None, None, Reason.TIMEOUT],
]
"""The last probe is the twentieth, so that a poor hour counts from it on, and the first after a recovery."""


@settings(max_examples=60, deadline=None)
@given(marks)
@example(RECOVERED_BEFORE_TWENTY)
def test_no_single_sample_changes_a_known_state_back_and_forth(reasons: list[Reason | None]) -> None:
    """At least two probes lie between two changes of a known state, unless the second is to unhealthy."""
    samples: list[Sample] = []
    health, changes = Health(), []
    for minute, reason in enumerate(reasons):
        samples.append(Sample(NOON + timedelta(minutes=minute), 1, reason, 1))
        after = next_health(health, samples, Thresholds())
        if after.state is not health.state and health.state is not HealthState.UNKNOWN:
            changes.append((minute, after.state))
        health = after
    for (earlier, _), (later, state) in itertools.pairwise(changes):
        assert later - earlier >= 2 or state is HealthState.UNHEALTHY


@settings(max_examples=60, deadline=None)
@given(marks, st.randoms(use_true_random=False))
def test_late_samples_end_in_the_same_state(reasons: list[Reason | None], chance: random.Random) -> None:
    """Samples in any order lead to the same final state."""
    samples = [Sample(NOON + timedelta(minutes=minute), 1, reason, 1) for minute, reason in enumerate(reasons)]
    expected = Health()
    for count in range(1, len(samples) + 1):
        expected = next_health(expected, samples[:count], Thresholds())
    health = Health()
    came: list[Sample] = []
    for sample in chance.sample(samples, len(samples)):
        came = sorted([*came, sample], key=lambda each: each.at)
        health = replayed(health, came, Thresholds())
    assert health == expected


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*[None] * 8, Reason.RATE_LIMITED, Reason.TIMEOUT]), max_size=100),
    st.sampled_from([None, None, Reason.RATE_LIMITED, Reason.TIMEOUT]),
    st.builds(
        Health, st.sampled_from(HealthState), st.sampled_from([None, Reason.TIMEOUT]), st.just(NOON), st.integers(1, 2)
    ),
    st.builds(Thresholds, st.integers(2, 4), st.integers(2, 4), st.floats(0, 1), st.sampled_from([1, 5, 15])),
)
def test_the_shortcut_agrees_with_the_full_computation(
    reasons: list[Reason | None], newest: Reason | None, current: Health, limits: Thresholds
) -> None:
    """The fast path agrees with the full classification for every threshold that the template allows."""
    samples = [Sample(NOON + minute * MINUTE, 1, reason, 1) for minute, reason in enumerate([*reasons, newest])]
    if stays_healthy(current, Samples.of(samples[:-1]), samples[-1], limits):
        assert next_health(current, samples, limits) == current


def test_the_shortcut_is_for_plain_cases_only() -> None:
    """The fast path is taken only for a healthy provider whose newest probe is valid."""
    healthy, limits = Health(HealthState.HEALTHY, None, NOON, 1), Thresholds()
    before = [Sample(NOON + minute * MINUTE, 1, None, 1) for minute in range(30)]
    failed = [sample._replace(reason=Reason.TIMEOUT) for sample in before[4:6]]
    newest = Sample(NOON + 30 * MINUTE, 1, None, 1)
    assert stays_healthy(healthy, Samples.of(before), newest, limits)
    assert stays_healthy(healthy, Samples.of([]), newest, limits)
    assert stays_healthy(healthy, Samples.of([failed[0], *before[5:]]), newest, limits)
    for current, recent, sample in [
        (replace(healthy, state=HealthState.DEGRADED), before, newest),
        (replace(healthy, state=HealthState.UNKNOWN), before, newest),
        (healthy, before, newest._replace(version=2)),
        (healthy, before, newest._replace(reason=Reason.RATE_LIMITED)),
        (healthy, [*failed, *before[6:]], newest),
        (healthy, before, before[-1]),
        (healthy, before, before[3]),
    ]:
        assert not stays_healthy(current, Samples.of(recent), sample, limits), (current, sample)


# minute buckets


def hours_with(packed: dict[datetime, bytes]) -> list[dict[str, Any]]:
    """Return the items of the hours with these minute buckets, oldest first."""
    hours: dict[str, dict[str, Any]] = {}
    for at in sorted(packed):
        hour = hour_of(at)
        item = hours.setdefault(hour, {"PK": {"S": "HEALTH#prov_1"}, "SK": {"S": hour}, "ttl": {"N": "1776000000"}})
        item[minute_bucket(at)] = {"B": b64encode(packed[at]).decode()}
    return list(hours.values())


latencies_or_none = st.one_of(st.none(), st.integers(0, 60_000))
numbers = st.integers(1, 300) | st.integers(1, 2**40)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.integers(0, 239), st.tuples(numbers, st.sampled_from([None, *Reason]), latencies_or_none)),
    st.datetimes(min_value=datetime(1980, 1, 1)),  # noqa: DTZ001 - the year, in any time zone
)
def test_minute_buckets_are_read_as_they_were_written(
    found: dict[int, tuple[int, Reason | None, int | None]], start: datetime
) -> None:
    """Minute, version, outcome and latency of each sample of some hours are preserved in its few bytes."""
    first = start.replace(second=0, microsecond=0, tzinfo=UTC)
    samples = [Sample(first + minute * MINUTE, *found[minute]) for minute in sorted(found)]
    read = samples_in(hours_with({sample.at: pack(sample) for sample in samples}))
    assert read == samples
    assert read.newest == (samples[-1].at if samples else None)
    assert read.not_valid == len([sample for sample in samples if sample.reason])


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.sampled_from([None, *Reason]), latencies_or_none), max_size=20))
def test_columns_agree_with_their_samples(found: list[tuple[int, Reason | None, int | None]]) -> None:
    """Versions, minutes, successes and failures of columns are those of the samples one by one."""
    samples = [Sample(NOON + 2 * minute * MINUTE, *each) for minute, each in enumerate(found)]
    columns = Samples.of(samples)
    assert columns == samples
    assert columns.of_version(2) == [sample for sample in samples if sample.version == 2]
    first, last = NOON + 3 * MINUTE, NOON + 10 * MINUTE
    assert columns.between(first, last) == [sample for sample in samples if first <= sample.at <= last]
    assert columns.successes() == [s.latency_ms for s in samples if s.succeeded and s.latency_ms is not None]
    assert columns.failures() == [sample.reason for sample in samples if not sample.succeeded]


def test_a_code_of_a_later_release_is_read() -> None:
    """After a rollback of the stack, samples that a later release wrote are still readable."""
    (found,) = samples_in(hours_with({NOON: bytes([255, 0, 90, 1])}))
    assert found == Sample(NOON, 1, Reason.UNEXPECTED_ANSWER, 90)


def test_every_reason_has_a_code_of_its_own() -> None:
    """Every reason has a unique stored code."""
    assert set(CODES) == set(Reason)
    assert len(set(CODES.values())) == len(CODES)
    assert all(0 < code < 256 for code in CODES.values())


def test_an_hour_of_minute_buckets_is_one_write_unit() -> None:
    """Sixty samples with names and keys stay below 1 KB for any version below 16 million."""
    packed = pack(Sample(NOON, 2**24 - 1, Reason.TIMEOUT, None))
    size = len("PK") + len("HEALTH#prov_" + "0" * 26) + len("SK") + len("H#2026-04-14T12") + len("ttl") + 21
    assert size + 60 * (1 + len(packed)) < 1024
