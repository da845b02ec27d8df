"""`providers list`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import click

from providers_client.cli import options
from providers_client.cli.options import VENDOR
from providers_client.cli.quick_read import entries
from providers_client.cli.session import Session, as_plain, begin, out, say
from providers_client.cli.sparklines import sparkline
from providers_client.cli.tables import Cell, Column, Table, milliseconds, show, state_of, table, terminal_width
from providers_contract import operations
from providers_contract.vocabulary import HealthState, Status

if TYPE_CHECKING:
    from providers_contract.responses import Provider

_CHART_CELLS: Final = 12
_TIMEOUT_S: Final = 10.0


@click.command("list")
@click.option("--vendor", type=VENDOR, metavar="VENDOR", help="Filter by vendor.")
@click.option("--status", type=options.one_of(Status), help="Filter by status.")
@click.option("--health", type=options.one_of(HealthState), help="Filter by health.")
@click.option("--name", help="Filter by a part of the name.")
@click.option("--tag", help="Filter by a tag.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number to show.")
@click.option("--chart/--no-chart", default=True, help="Show a sparkline of the last hour.")
@options.quiet
@options.as_json
@click.pass_context
def list_(
    ctx: click.Context, /, chart: bool, quiet: bool, as_json: bool, limit: int | None, **filters: str | None
) -> None:
    """List providers, newest first, with their health."""
    session = begin(ctx, as_json, "Provider", quiet=quiet)
    if as_json:
        session.print_json(_providers(session, filters, limit, None))
        return
    charted = chart and not quiet and terminal_width() is not None
    found = _rows(session, filters, limit, "history" if charted else None)
    if quiet:
        for each in found:
            out(each.id)
    elif found:
        show(providers_table(found, charted=charted))
    else:
        say("No providers match these filters." if any(filters.values()) else "No providers. `providers add` adds one.")


class _Point(NamedTuple):
    """A minute of the last hour."""

    checks: int
    success_rate: float | None
    p50_ms: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """What the table shows of a provider."""

    id: str
    name: str
    vendor: str
    state: Cell
    p50: str | None
    chart: Cell

    @classmethod
    def of(cls, provider: Mapping[str, Any]) -> Row:
        """Return the row of a provider of the API. Raises LookupError or TypeError for anything else."""
        health = provider["health"]
        points = [_Point(*(each[name] for name in _Point._fields)) for each in health.get("history") or ()]
        return cls(
            provider["id"],
            provider["name"],
            provider["vendor"],
            state_of(provider["status"], health["state"]),
            milliseconds(health["p50_latency_ms"]),
            sparkline(points, _CHART_CELLS),
        )


def _rows(
    session: Session, filters: Mapping[str, str | None], limit: int | None, include: Literal["history"] | None
) -> list[Row]:
    query = {**filters, "include": include}
    quick = entries(session.access(), operations.LIST_PROVIDERS, query, Row.of, limit=limit, timeout=_TIMEOUT_S)
    return [Row.of(as_plain(each)) for each in _providers(session, filters, limit, include)] if quick is None else quick


def _providers(
    session: Session, filters: Mapping[str, str | None], limit: int | None, include: Literal["history"] | None
) -> list[Provider]:
    with session.client() as client:
        return list(client.list_providers(**filters, limit=limit, include=include))


def providers_table(found: Sequence[Row], *, charted: bool = False) -> Table:
    """Return a row for each provider, with a sparkline of the last hour if `charted`."""
    shown = table(
        Column("NAME", folds=True),
        Column("VENDOR", drop=1),
        Column("STATE"),
        Column("P50", drop=2, right=True),
        *([Column("LAST HOUR", drop=3)] if charted else []),
        Column("ID", drop=4),  # first: every command takes the name, too
    )
    for each in found:
        shown.add(each.name, each.vendor, each.state, each.p50, *([each.chart] if charted else []), each.id)
    return shown
