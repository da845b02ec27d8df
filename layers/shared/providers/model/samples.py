"""Health samples: one probe, and the probes of hours or days as columns."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, overload

from providers.model.verdict import outcome_of
from providers_contract.vocabulary import Outcome, Reason


class Sample(NamedTuple):
    """One health probe.

    Args:
        at: the minute that the probe was for, in UTC.
        version: the key version that was probed.
        reason: why the outcome was not `valid`; None for valid.
        latency_ms: milliseconds to the vendor's complete response, or None without one.
    """

    at: datetime
    version: int
    reason: Reason | None
    latency_ms: int | None

    @property
    def outcome(self) -> Outcome:
        """The probe's outcome."""
        return outcome_of(self.reason)

    @property
    def succeeded(self) -> bool:
        """Whether the vendor accepted the credential. A limited outcome counts: its limits show in the state."""
        return succeeded(self.reason)


def succeeded(reason: Reason | None) -> bool:
    """Return whether a probe with this reason succeeded."""
    return reason is None or outcome_of(reason).promotes


class Samples(Sequence[Sample]):
    """Samples, oldest first, in columns: to make ten thousand tuples takes longer than all statistics of a week.

    Args:
        minutes: the minute of each sample, counted from 1970.
        versions, reasons, latencies: the other members of each.
    """

    __slots__ = ("latencies", "minutes", "reasons", "versions")

    def __init__(
        self,
        minutes: Sequence[int],
        versions: Sequence[int],
        reasons: Sequence[Reason | None],
        latencies: Sequence[int | None],
    ) -> None:
        self.minutes = minutes
        self.versions = versions
        self.reasons = reasons
        self.latencies = latencies

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Samples:
        """Return `samples`, which are oldest first, in columns."""
        if isinstance(samples, Samples):
            return samples
        found = list(samples)
        return cls(
            [minute_of(each.at) for each in found],
            [each.version for each in found],
            [each.reason for each in found],
            [each.latency_ms for each in found],
        )

    @property
    def newest(self) -> datetime | None:
        """The minute of the last sample, or None if there is none."""
        return _time_of(self.minutes[-1]) if self.minutes else None

    @property
    def not_valid(self) -> int:
        """The number of samples that are not valid."""
        return len(self) - self.reasons.count(None)

    def of_version(self, version: int) -> Samples:
        """Return the samples of one key version."""
        if self.versions.count(version) == len(self):
            return self
        return Samples.of(sample for sample in self if sample.version == version)

    def between(self, first: datetime, last: datetime) -> Samples:
        """Return the samples of the minutes from `first` to `last`, both included."""
        start = bisect_left(self.minutes, minute_of(first))
        return self[start : bisect_right(self.minutes, minute_of(last), start)]

    def successes(self) -> list[int]:
        """Return the latencies of the successful probes, in order of time."""
        both = zip(self.latencies, self.reasons, strict=True)
        return [ms for ms, reason in both if ms is not None and (reason is None or succeeded(reason))]

    def failures(self) -> list[Reason]:
        """Return the reasons of the failed probes, in order of time."""
        return [reason for reason in self.reasons if reason is not None and not succeeded(reason)]

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Samples: ...
    def __getitem__(self, index: int | slice) -> Sample | Samples:
        if isinstance(index, slice):
            return Samples(self.minutes[index], self.versions[index], self.reasons[index], self.latencies[index])
        at = _time_of(self.minutes[index])
        return Sample(at, self.versions[index], self.reasons[index], self.latencies[index])

    def __len__(self) -> int:
        return len(self.minutes)

    def __iter__(self) -> Iterator[Sample]:
        return map(Sample, map(_time_of, self.minutes), self.versions, self.reasons, self.latencies)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


def minute_of(at: datetime) -> int:
    """Return the minute of `at`, counted from 1970."""
    return int(at.timestamp() // 60)


def _time_of(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)
