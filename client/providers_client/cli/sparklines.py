"""Latency history as a sparkline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from providers_client.cli.tables import Cell

BARS: Final = "▁▂▃▄▅▆▇█"
NO_CHECKS: Final = "·"
ALL_FAILED: Final = "×"


class Point(Protocol):
    """The checks of an interval, as in the contract's `HistoryPoint`."""

    @property
    def checks(self) -> int: ...  # noqa: D102
    @property
    def success_rate(self) -> float | None: ...  # noqa: D102
    @property
    def p50_ms(self) -> int | None: ...  # noqa: D102


def sparkline(points: Sequence[Point], cells_wanted: int) -> Cell:
    """Return the latency of successful checks as bars (the slowest is the highest), at most `cells_wanted` characters.

    `·` means no checks, `×` only failed checks; a bar is yellow if some checks failed.
    """
    size = -(-len(points) // cells_wanted) or 1
    groups = [points[at : at + size] for at in range(0, len(points), size)]
    highest = max((point.p50_ms or 0 for point in points), default=0)
    return tuple(_bar(group, highest) for group in groups)


def _bar(group: Sequence[Point], highest: int) -> tuple[str, str]:
    checked = [point for point in group if point.checks]
    rates = [point.success_rate or 0.0 for point in checked]
    if not checked:
        return NO_CHECKS, "dim"
    if not any(rates):
        return ALL_FAILED, "red"
    height = max(point.p50_ms or 0 for point in checked) / (highest or 1)
    return BARS[min(7, int(height * 8))], "green" if min(rates) == 1 else "yellow"
