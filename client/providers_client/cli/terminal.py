"""Output laid out for a terminal, with rich. Nothing here is imported for a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group
from rich.table import Table as RichTable
from rich.text import Text

from providers_client.cli.tables import Cell, Column, Table, text_of

GAP: Final = 2
_UNKNOWN: Final = "–"
_FOLDED_WIDTH: Final = 20
"""A column that folds needs no more than this, or than its longest word."""
_LONGEST_WORD: Final = 40


def console(width: int) -> Console:
    """Return standard output."""
    return Console(width=width, highlight=False, markup=False, emoji=False)


def show(parts: Sequence[Table | Cell], width: int) -> None:
    """Print tables and lines."""
    console(width).print(laid_out(parts, width))


def laid_out(parts: Sequence[Table | Cell], width: int) -> Group:
    """Return tables and lines as rich prints them."""
    return Group(*(_table(part, width) if isinstance(part, Table) else _text(part) for part in parts))


def _table(found: Table, width: int) -> RichTable:
    if not found.headed:
        made = RichTable(box=None, pad_edge=False, show_header=False)
    else:
        made = RichTable(
            box=box.SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False, header_style="bold", show_edge=False
        )
    shown = fitting(found, width)
    for each in (found.columns[at] for at in shown):
        made.add_column(
            each.heading, justify="right" if each.right else "left", overflow="fold", no_wrap=not each.folds
        )
    for row in found.rows:
        made.add_row(*(_text(row[at]) for at in shown))
    return made


def fitting(found: Table, width: int) -> list[int]:
    """Return the positions of the columns that fit: those with the highest `drop` are left out until they do."""
    shown = list(range(len(found.columns)))
    needed = [_needed(column, [row[at] for row in found.rows]) for at, column in enumerate(found.columns)]
    while sum(needed[at] for at in shown) + GAP * (len(shown) - 1) > width:
        at = max(shown, key=lambda each: found.columns[each].drop)
        if not found.columns[at].drop:
            break
        shown.remove(at)
    return shown


def _needed(column: Column, cells: Sequence[Cell]) -> int:
    texts = [column.heading, *(text_of(each) or _UNKNOWN for each in cells)]
    widest = max(cell_len(each) for each in texts)
    if not column.folds or widest <= _FOLDED_WIDTH:
        return widest
    word = max(cell_len(word) for each in texts for word in each.split() or [""])
    return min(widest, max(_FOLDED_WIDTH, min(word, _LONGEST_WORD)))


def _text(found: Cell) -> Text:
    return Text.assemble(*found) if found else Text(_UNKNOWN)
