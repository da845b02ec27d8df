"""How much the proofs have tried: a pytest plugin that adds it up, and prints it as a table.

With WRITE_FIGURES=1 the table goes into docs/reliability.md, between its marks.
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
"""Whether to try much more, as `make soak` does."""

Figure = Callable[[str, str, int], None]


@dataclass(frozen=True)
class Row:
    """What one test has tried."""

    proof: str
    tried: str
    count: int
    passed: bool


_rows: list[Row] = []


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Tell how much was tried: `figure("Interleavings", "schedules of rotate and rotate", 924)`."""

    def tell(proof: str, tried: str, count: int) -> None:
        record_property("figure", [proof, tried, count])

    return tell


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        told = [value for name, value in report.user_properties if name == "figure"]
        _rows.extend(Row(*value, passed=report.passed) for value in told)  # type: ignore[misc]


def table() -> str:
    """The figures of all tests, added up by what was tried, as Markdown."""
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
