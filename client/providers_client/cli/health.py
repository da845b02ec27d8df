"""`providers health`."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import click

from providers_client.cli import options
from providers_client.cli.reporting import plain
from providers_client.cli.session import begin, find
from providers_client.cli.sparklines import sparkline
from providers_client.cli.streams import lost_output
from providers_client.cli.tables import (
    STYLES,
    Cell,
    Column,
    Table,
    details,
    milliseconds,
    percent,
    show,
    styled,
    table,
    terminal_width,
    text_of,
    time,
)
from providers_client.errors import ConfigurationError
from providers_contract.vocabulary import HistorySpan

if TYPE_CHECKING:
    from providers_contract.responses import Health, WindowView

CHART_CELLS: Final = 60
_CHANGES_SHOWN: Final = 5


@click.command()
@options.provider
@click.option(
    "--history",
    type=options.one_of(HistorySpan),
    default=HistorySpan.HOUR.value,
    show_default=True,
    help="The time that the chart covers.",
)
@click.option("--watch", is_flag=True, help="Refresh until Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(min=2),
    default=5,
    show_default=True,
    help="With --watch: seconds between requests.",
)
@options.as_json
@click.pass_context
def health(ctx: click.Context, which: str, history: str, watch: bool, every: float, as_json: bool) -> None:
    """Show success rates and latencies, and a chart."""
    session = begin(ctx, as_json, "Health")
    if watch and as_json:
        raise ConfigurationError("--watch cannot be combined with --json")
    with session.client() as client:
        provider_id = find(client, which)
        found = client.get_provider_health(provider_id, history)
        if as_json:
            session.print_json(found)
        elif watch:
            _watch(found, lambda: client.get_provider_health(provider_id, history), every, history)
        elif (width := terminal_width()) is None:
            show(_values(found), _windows(found))
        else:
            show(*shown(found, history, width))


def _watch(first: Health, read: Callable[[], Health], every: float, history: str) -> None:
    from rich.live import Live  # late, as all that only a terminal needs

    from providers_client.cli.terminal import console, laid_out

    width = terminal_width()
    if width is None:
        raise ConfigurationError("--watch needs a terminal")
    with Live(laid_out(shown(first, history, width), width), console=console(width), auto_refresh=False) as live:
        try:
            while lost_output() is None:
                clock.sleep(every)
                width = terminal_width() or width
                live.update(laid_out(shown(read(), history, width), width), refresh=True)
        except KeyboardInterrupt:
            pass


def shown(found: Health, history: str, width: int) -> list[Table | Cell]:
    """Return a headline, the windows, the chart and the latest changes of state, for a terminal of this width."""
    reason = f" ({plain(found.reason)})" if found.reason else ""
    since = f" since {time(found.since)}" if found.since else ""
    checked = f", last checked {time(found.last_check_at)}" if found.last_check_at else ", never checked"
    state = styled(found.state, STYLES.get(found.state, ""))
    headline = (*state, (f"{reason}{since}{checked}, key version {found.key_version}", ""))
    slowest = max((point.p50_ms or 0 for point in found.history), default=0)
    label = f"last {history}  "
    line = sparkline(found.history, max(1, min(CHART_CELLS, width - len(label))))
    scale = f"p50, ▁ 0 to █ {slowest} ms" if slowest else "no good checks"
    chart = ((label, ""), *line)
    parts: list[Table | Cell] = [
        headline,
        _BLANK,
        _windows(found),
        _BLANK,
        chart,
        styled(f"{scale:>{len(text_of(chart))}}", "dim"),
    ]
    return [*parts, _BLANK, _changes(found)] if len(found.changes) > 1 else parts  # the headline has the latest


def _values(found: Health) -> Table:
    """Return what the headline says, one value a line."""
    return details(
        {
            "state": found.state,
            "reason": found.reason,
            "since": time(found.since),
            "last checked": time(found.last_check_at),
            "key version": found.key_version,
        }
    )


def _windows(found: Health) -> Table:
    made = table(
        Column("WINDOW"),
        Column("CHECKS", right=True),
        Column("SUCCESS", right=True),
        Column("P50", right=True),
        Column("P90", drop=2, right=True),
        Column("P95", drop=1, right=True),
        Column("P99", drop=3, right=True),
        Column("FAILURES", folds=True),
    )
    spans = {"5m": found.windows.five_minutes, "1h": found.windows.hour, "24h": found.windows.day}
    for name, window in (spans | {"7d": found.windows.week}).items():
        made.add(name, *_row(window))
    return made


def _changes(found: Health) -> Table:
    made = table(Column("SINCE"), Column("STATE"), Column("BEFORE", drop=2), Column("REASON", drop=1))
    for each in found.changes[:_CHANGES_SHOWN]:
        after, before = (styled(state, STYLES.get(state, "")) for state in (each.after, each.before))
        made.add(time(each.at), after, before, each.reason)
    return made


_BLANK: Final = styled("", "")


def _row(window: WindowView) -> list[object]:
    latency = window.latency_ms
    failures = ", ".join(f"{reason} {count}" for reason, count in window.errors.items())
    spread = [milliseconds(each) for each in (latency.p50, latency.p90, latency.p95, latency.p99)]
    return [window.checks, percent(window.success_rate), *spread, failures or None]
