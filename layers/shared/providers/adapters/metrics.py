"""Metrics in CloudWatch's Embedded Metric Format (EMF): log lines that CloudWatch turns into metrics."""

from __future__ import annotations

import json
import sys
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from providers.model.metrics import Metric

MAX_VALUES: Final = 100
"""Maximum number of values in one EMF line (CloudWatch User Guide, "Embedded metric format specification")."""

_Dimensions = tuple[tuple[str, str], ...]


class EmfMetrics:
    """Collects metrics in memory and writes them to stdout: one line for each combination of dimensions.

    Without a flush nothing is written, so that a gateway that resolves credentials keeps its stdout to itself.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._lock = threading.Lock()
        self._counts: defaultdict[_Dimensions, defaultdict[Metric, int]]
        self._values: defaultdict[_Dimensions, defaultdict[Metric, list[float]]]
        self._clear()

    def count(self, metric: Metric, number: int = 1, **dimensions: str) -> None:
        """Add `number` to a count. A count of 0 is not written."""
        if number:
            with self._lock:
                self._counts[tuple(dimensions.items())][metric] += number

    def measure(self, metric: Metric, value: float, **dimensions: str) -> None:
        """Add one measurement."""
        with self._lock:
            self._values[tuple(dimensions.items())][metric].append(value)

    def flush(self) -> None:
        """Write the collected metrics, and clear them."""
        with self._lock:
            counts, values = self._counts, self._values
            self._clear()
        for dimensions in {**counts, **values}:
            waiting = {metric: [float(number)] for metric, number in counts[dimensions].items()}
            waiting |= values[dimensions]
            while waiting:
                line = _line(self._namespace, dimensions, {each: found[:MAX_VALUES] for each, found in waiting.items()})
                sys.stdout.write(json.dumps(line) + "\n")
                waiting = {each: found[MAX_VALUES:] for each, found in waiting.items() if len(found) > MAX_VALUES}

    def _clear(self) -> None:
        self._counts = defaultdict(lambda: defaultdict(int))
        self._values = defaultdict(lambda: defaultdict(list))


def _line(namespace: str, dimensions: _Dimensions, values: dict[Metric, list[float]]) -> Any:
    """Return an EMF object. Powertools adds the dimension `service`, from POWERTOOLS_SERVICE_NAME."""
    from aws_lambda_powertools.metrics import EphemeralMetrics  # late: the data plane never writes metrics

    emf = EphemeralMetrics(namespace=namespace)
    for name, value in dimensions:
        emf.add_dimension(name, value)
    return emf.serialize_metric_set(
        metrics={metric.name: {"Unit": metric.unit, "Value": found} for metric, found in values.items()}
    )


class NoMetrics:
    """Collects nothing: for the stack on one machine, whose console is for people."""

    def count(self, metric: Metric, number: int = 1, **dimensions: str) -> None:
        """Do nothing."""

    def measure(self, metric: Metric, value: float, **dimensions: str) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing."""
