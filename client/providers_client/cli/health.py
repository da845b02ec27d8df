"""`providers health`."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from typing import Final

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from providers_client.cli import options
from providers_client.cli.reporting import plain
from providers_client.cli.session import begin, console, find
from providers_client.cli.sparklines import sparkline
from providers_client.cli.streams import lost_output
from providers_client.cli.tables import STYLES, cells, milliseconds, percent, table, time
from providers_client.errors import ConfigurationError
from providers_contract.responses import Health, WindowView
from providers_contract.vocabulary import HistorySpan

CHART_CELLS: Final = 60


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
    session = begin(ctx, as_json)
    if watch and as_json:
        raise ConfigurationError("--watch cannot be combined with --json")
    with session.client() as client:
        provider_id = find(client, which)
        found = client.get_provider_health(provider_id, history)
        if as_json:
            session.print_json(found)
        elif watch:
            _watch(found, lambda: client.get_provider_health(provider_id, history), every, history)
        else:
            console().print(shown(found, history))


def _watch(first: Health, read: Callable[[], Health], every: float, history: str) -> None:
    with Live(shown(first, history), console=console(), auto_refresh=False) as live:
        try:
            while lost_output() is None:
                clock.sleep(every)
                live.update(shown(read(), history), refresh=True)
        except KeyboardInterrupt:
            pass


def shown(found: Health, history: str) -> RenderableType:
    """Return a headline, the windows and the chart."""
    reason = f" ({plain(found.reason)})" if found.reason else ""
    since = f" since {time(found.since)}" if found.since else ""
    checked = f", last checked {time(found.last_check_at)}" if found.last_check_at else ", never checked"
    headline = Text.assemble(
        (plain(found.state), STYLES.get(found.state, "")), f"{reason}{since}{checked}, key version {found.key_version}"
    )
    windows = table("WINDOW", "CHECKS", "SUCCESS", "P50", "P90", "P95", "P99", "FAILURES", right=_NUMBERS)
    spans = {"5m": found.windows.five_minutes, "1h": found.windows.hour, "24h": found.windows.day}
    for name, window in (spans | {"7d": found.windows.week}).items():
        windows.add_row(*cells(name, *_row(window)))
    slowest = max((point.p50_ms or 0 for point in found.history), default=0)
    line = sparkline(found.history, CHART_CELLS)
    scale = f"p50, ▁ 0 to █ {slowest} ms" if slowest else "no good checks"
    return Group(
        headline, "", windows, "", Text.assemble(f"last {history}  ", line), Text(f"{scale:>{len(line) + 9}}", "dim")
    )


_NUMBERS: Final = ("CHECKS", "SUCCESS", "P50", "P90", "P95", "P99")


def _row(window: WindowView) -> list[object]:
    latency = window.latency_ms
    failures = ", ".join(f"{reason} {count}" for reason, count in window.errors.items())
    spread = [milliseconds(each) for each in (latency.p50, latency.p90, latency.p95, latency.p99)]
    return [window.checks, percent(window.success_rate), *spread, failures or None]
