"""Tables and values formatted for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from providers_client.cli.reporting import plain
from providers_contract.responses import Provider

STYLES: Final = {"healthy": "green", "degraded": "yellow", "unhealthy": "red", "disabled": "dim", "pending": "yellow"}


def table(*columns: str, right: Iterable[str] = ()) -> Table:
    """Return an empty table; the columns named in `right` are aligned to the right."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def cells(*values: object) -> list[Text]:
    """Return the cells of a table's row; None is a dash."""
    return [each if isinstance(each, Text) else Text("–" if each is None else plain(str(each))) for each in values]


def details(members: dict[str, object]) -> Table:
    """Return a table of names and values, one per line."""
    made = Table(box=None, pad_edge=False, show_header=False)
    made.add_column(style="dim")
    made.add_column(overflow="fold")
    for name, value in members.items():
        made.add_row(*cells(name, value))
    return made


def state_of(provider: Provider) -> Text:
    """Return a provider's health, or the status because of which it is not probed."""
    state = provider.health.state if provider.status == "active" else provider.status
    return Text(plain(state), STYLES.get(state, ""))


def time(at: datetime | None) -> str | None:
    """Return a time in UTC, to the minute."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")


def milliseconds(value: int | None) -> str | None:
    """Return `320 ms`."""
    return None if value is None else f"{value} ms"


def percent(rate: float | None) -> str | None:
    """Return `99.91 %`."""
    return None if rate is None else f"{rate * 100:.4g} %"
