"""A pytest plugin that adds up the cases that the proofs tried, and prints them as a table.

With WRITE_FIGURES=1 it writes the table into docs/reliability.md, between the marks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

RELIABILITY: Final = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
BEGIN: Final = "<!-- figures: written by `make prove WRITE_FIGURES=1` -->\n"
END: Final = "<!-- end of figures -->"
SOAK: Final = "SOAK" in os.environ
"""True to try many more cases, as in `make soak`."""

Figure = Callable[[str, str, int], None]


@dataclass(frozen=True)
class Row:
    """A figure of one test."""

    proof: str
    tried: str
    count: int
    passed: bool


_rows: list[Row] = []


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Return a function that records a count: `figure("Interleavings", "schedules of rotate and rotate", 924)`."""

    def record(proof: str, tried: str, count: int) -> None:
        record_property("figure", [proof, tried, count])

    return record


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        figures = [value for name, value in report.user_properties if name == "figure"]
        _rows.extend(Row(*value, passed=report.passed) for value in figures)  # type: ignore[misc]


def table() -> str:
    """Return the figures of all tests, added up by proof and title, as Markdown."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in _rows:
        found.setdefault((row.proof, row.tried), []).append(row)
    lines = ["| proof | tried | how many | violations |", "| --- | --- | ---: | ---: |"]
    for (proof, tried), rows in sorted(found.items()):
        failed = sum(not row.passed for row in rows)
        lines.append(f"| {proof} | {tried} | {sum(row.count for row in rows):,} | {failed} |")
    return "\n".join(lines) + "\n"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not _rows:
        return
    terminalreporter.section("figures")
    terminalreporter.write(table())
    if os.environ.get("WRITE_FIGURES"):
        text = RELIABILITY.read_text()
        begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
        RELIABILITY.write_text(text[:begin] + table() + text[end:])
