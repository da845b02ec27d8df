"""Write the table of costs in docs/operations.md: `python -m tests.kit.costs`. The page has the formulas in words."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "operations.md"
BENCH = ROOT / "docs" / "bench.md"

COLUMNS: Final = {
    "10, each minute": (10, 1),
    "10,000, each minute": (10_000, 1),
    "10,000, each 15": (10_000, 15),
    "1,000,000, each minute": (1_000_000, 1),
    "1,000,000, each 15": (1_000_000, 15),
}
"""Providers, and the probe interval in minutes."""

MINUTES: Final = 30 * 24 * 60
VENDOR_S: Final = 0.3
MILLION: Final = 1e6
WRITE, READ, STORED_GB, BACKUP_GB = 0.625 / MILLION, 0.125 / MILLION, 0.25, 0.20  # DynamoDB
GB_SECOND, INVOCATION = 1.33334e-5, 0.20 / MILLION  # Lambda, arm64
MESSAGE_REQUEST, KMS_KEY, KMS_REQUEST = 0.40 / MILLION, 1.0, 0.03 / 10_000
LOG_GB, METRIC, ALARM_METRIC, BOARD = 0.50, 0.30, 0.10, 3.0  # CloudWatch
METRICS, ALARM_METRICS = 42, 25


@dataclass(frozen=True)
class Row:
    """A row: the item, its formula in words, and the dollars for each column."""

    name: str
    formula: str
    dollars: list[float]


def units() -> tuple[float, float]:
    """Return the write and read units of a probe, from docs/bench.md."""
    found = re.search(r"^\| data keys warm \| ([\d.]+) \| ([\d.]+) \|", BENCH.read_text(), re.MULTILINE)
    assert found, "docs/bench.md has no row `data keys warm`"
    return float(found.group(1)), float(found.group(2))


def rows() -> list[Row]:
    """Return the table."""
    writes, reads = units()
    names = {
        "writes": f"P × {writes:g} write units",
        "reads": f"P × {reads:g} read units",
        "workers": "P × (0.004 + L / 20) GB-s, L = 0.3 s; P / 200 invocations",
        "KMS": "organizations (of 50 providers) × workers × 8,640 calls, at most P / 50",
        "logs": "P × 7.5 B, and 1.5 KB for each invocation",
        "queue": "P / 50 × 0.6 requests",
        "dispatcher, reaper, outbox": "60 / i index queries and 18 others each minute; 0.6 s",
        "storage and backups": "72 KB for each provider",
        "dashboard, alarms, metrics": "42 metrics with three vendors in use, 134 at most",
    }
    columns = [_costs(providers, every, writes, reads) for providers, every in COLUMNS.values()]
    found = [Row(name, formula, [column[name] for column in columns]) for name, formula in names.items()]
    return [*found, Row("**all**", "", [sum(column.values()) for column in columns])]


def _costs(providers: int, every: int, writes: float, reads: float) -> dict[str, float]:
    probes = providers * MINUTES / every
    busy_s = probes * (0.004 + VENDOR_S / 20)
    workers = math.ceil(busy_s / (MINUTES * 60))
    index = 60 / every * max(0.5, math.ceil(providers * 100 / 60 / 4096) / 2)
    return {
        "writes": probes * writes * WRITE,
        "reads": probes * reads * READ,
        "workers": busy_s * GB_SECOND + probes / 200 * INVOCATION,
        "KMS": KMS_KEY + min(math.ceil(providers / 50) * workers * 8640, probes / 50) * KMS_REQUEST,
        "logs": (probes * 7.5 + (probes / 200 + 2 * MINUTES) * 1500) / 1e9 * LOG_GB,
        "queue": probes / 50 * 0.6 * MESSAGE_REQUEST,
        "dispatcher, reaper, outbox": MINUTES * ((index + 18) * READ + 0.6 * 0.5 * GB_SECOND + 2 * INVOCATION),
        "storage and backups": providers * 72e3 / 1e9 * (STORED_GB + BACKUP_GB),
        "dashboard, alarms, metrics": METRICS * METRIC + ALARM_METRICS * ALARM_METRIC + BOARD,
    }


def _shown(dollars: float) -> str:
    if dollars < 0.1:
        return f"${dollars:.2f}" if dollars >= 0.005 else ""
    return f"${dollars:.1f}" if dollars < 3 else f"${float(f'{dollars:.3g}'):,.0f}"


def table() -> str:
    """Return the table in Markdown."""
    head = ["| | formula | " + " | ".join(COLUMNS) + " |", "| --- | --- |" + " ---: |" * len(COLUMNS)]
    body = [f"| {row.name} | {row.formula} | {' | '.join(map(_shown, row.dollars))} |" for row in rows()]
    return "\n".join([*head, *body])


def page(text: str) -> str:
    """Return the page with the current table."""
    return re.sub(r"^\| \| formula \|.*?\*\*all\*\*[^\n]*", lambda _: table(), text, flags=re.MULTILINE | re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
