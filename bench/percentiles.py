"""Compare our percentiles with numpy's nearest rank, on realistic latencies, and time the summary of a week."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np

from bench.stack import NOW
from providers.model.health import HISTORIES, MINUTE, PERCENTILES, WINDOWS, history, summarize, within
from providers.model.samples import Sample, Samples

_SIZES = (1, 2, 3, 5, 19, 60, 99, 100, 101, 1_440, 10_079, 10_080)
_TIMES = 9


@dataclass(frozen=True)
class Agreement:
    """Numbers of percentiles compared and different."""

    compared: int
    different: int


def _samples(generator: np.random.Generator, count: int) -> Samples:
    latencies = generator.lognormal(mean=5.7, sigma=0.6, size=count).round().astype(int)
    return Samples.of(Sample(NOW - (count - 1 - n) * MINUTE, 1, None, int(each)) for n, each in enumerate(latencies))


def agreement() -> Agreement:
    """Compare every percentile of windows of many sizes, with twenty random samples each."""
    generator = np.random.default_rng(2026)
    compared = different = 0
    for count in _SIZES:
        for _ in range(20):
            samples = _samples(generator, count)
            ours = summarize(samples).percentiles or {}
            theirs = np.percentile(samples.successes(), PERCENTILES, method="inverted_cdf")
            compared += len(PERCENTILES)
            different += sum(ours[rank] != value for rank, value in zip(PERCENTILES, theirs, strict=True))
    return Agreement(compared, different)


def week_ms() -> tuple[float, float]:
    """Return the milliseconds for the 7-day window of 10,080 samples, and for all of a health response."""
    samples = _samples(np.random.default_rng(2026), 10_080)
    length, step = HISTORIES["24h"]
    alone, everything = [], []
    for _ in range(_TIMES):
        began = time.perf_counter()
        summarize(samples)
        alone.append(time.perf_counter() - began)
        began = time.perf_counter()
        for width in WINDOWS.values():
            summarize(within(samples, NOW, width))
        history(samples, NOW, length, step)
        everything.append(time.perf_counter() - began)
    return statistics.median(alone) * 1000, statistics.median(everything) * 1000
