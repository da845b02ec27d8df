"""Metrics for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from providers.model.metrics import Metric


class Metrics(Protocol):
    """Collects the metrics of an invocation. Safe to share between threads; no method raises.

    Every method takes the dimensions that the metric has, with values of `model.metrics.DIMENSIONS`.
    """

    def count(self, metric: Metric, number: int = 1, **dimensions: str) -> None:
        """Add `number` to a count. A count of 0 is not written."""
        ...

    def measure(self, metric: Metric, value: float, **dimensions: str) -> None:
        """Add one measurement."""
        ...

    def flush(self) -> None:
        """Write the collected metrics, and clear them. Called at the end of each invocation."""
        ...
