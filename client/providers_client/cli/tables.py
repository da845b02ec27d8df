"""Tables for people, and the same as lines for programs.

A table is laid out, by rich, only on a terminal. A pipe gets one line for each row, with tabs between the cells.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias

import click

from providers_client.cli.reporting import plain

TERMINAL_VARIABLE: Final = "PROVIDERS_FORCE_TTY"
"""A width: the output is laid out as on a terminal that has it."""
STYLES: Final = {"healthy": "green", "degraded": "yellow", "unhealthy": "red", "disabled": "dim", "pending": "yellow"}

Cell: TypeAlias = tuple[tuple[str, str], ...]
"""Pieces of text, each with its style in rich's words; nothing for a value that is not known."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        drop: if the terminal is too narrow, the columns with the highest number are left out first; 0 is never.
        right: whether it is aligned to the right.
        folds: whether it may take several lines: free text. Ids, hints and headings never do.
    """

    heading: str
    drop: int = 0
    right: bool = False
    folds: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; one without a heading consists of names and values."""

    columns: tuple[Column, ...]
    headed: bool = True
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def add(self, *values: object) -> None:
        """Add a row of cells, or of values that become cells."""
        self.rows.append(tuple(cell(each) for each in values))


def table(*columns: Column) -> Table:
    """Return an empty table."""
    return Table(columns)


def details(members: dict[str, object]) -> Table:
    """Return a table of names and values."""
    made = Table((Column("name"), Column("value", folds=True)), headed=False)
    for name, value in members.items():
        made.add(styled(name, "dim"), value)
    return made


def cell(value: object) -> Cell:
    """Return a value as a cell; None is an unknown value."""
    if isinstance(value, tuple):
        return value
    return () if value is None else ((plain(str(value)), ""),)


def styled(text: str, style: str) -> Cell:
    """Return a cell with a style."""
    return ((plain(text), style),)


def text_of(found: Cell) -> str:
    """Return the text of a cell."""
    return "".join(text for text, _ in found)


def terminal_width() -> int | None:
    """Return the width of the terminal that standard output is; None if it is not one."""
    forced = os.environ.get(TERMINAL_VARIABLE, "")
    if forced.isdecimal():
        return max(1, int(forced))
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def show(*parts: Table | Cell) -> None:
    """Print tables and lines: laid out on a terminal; in a pipe, tab-separated, without headings."""
    width = terminal_width()
    if width is not None:
        from providers_client.cli import terminal  # late: it needs rich, which takes longer to import than a request

        terminal.show(parts, width)
        return
    for part in parts:
        for row in part.rows if isinstance(part, Table) else [(part,)]:
            click.echo("\t".join(text_of(each) for each in row))


def state_of(status: str, health: str) -> Cell:
    """Return a provider's health, or the status because of which it is not probed."""
    state = health if status == "active" else status
    return styled(state, STYLES.get(state, ""))


def time(at: datetime | None) -> str | None:
    """Return a time in UTC, to the minute."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")


def milliseconds(value: int | None) -> str | None:
    """Return `320 ms`."""
    return None if value is None else f"{value} ms"


def percent(rate: float | None) -> str | None:
    """Return `99.91 %`."""
    return None if rate is None else f"{rate * 100:.4g} %"
