"""`providers events tail`: what changes, as it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import sleep
from typing import Any, Final

import click

from providers_client.cli import options
from providers_client.cli.audit import change_of
from providers_client.cli.commands import Group
from providers_client.cli.reporting import exit_code, json_text, plain
from providers_client.cli.session import as_plain, begin, say
from providers_client.cli.streams import lost_output
from providers_client.cli.tables import terminal_width, time
from providers_client.errors import ProvidersAPIError
from providers_client.sync import Client
from providers_contract.responses import AuditEntry, Provider

FIRST: Final = 10
_MOST: Final = 1000
_OVERLAP: Final = 20
"""A poll stops at this many entries that it knows: another may have been written a moment later than its time says."""
_UNAVAILABLE: Final = 6


@click.group("events", cls=Group, no_args_is_help=True)
def app() -> None:
    """Follow changes and health, as they happen."""


@app.command(short_help="Show the last changes, and follow new ones.")
@click.option(
    "--every", type=click.FloatRange(min=5), default=10, show_default=True, help="Seconds between two requests."
)
@options.as_json
@click.pass_context
def tail(ctx: click.Context, every: float, as_json: bool) -> None:
    """Show the last 10 changes, and then changes and health as they come, until Ctrl-C.

    With --json, each is a JSON object on a line of its own.
    """
    session = begin(ctx, as_json)
    show = _print_json if as_json else _print
    with session.client() as client:
        news = _News(client)
        try:
            for each in news.read(FIRST + _OVERLAP)[-FIRST:]:
                show(each)
            while lost_output() is None:
                sleep(every)
                for each in _unless_unavailable(news.read):
                    show(each)
        except KeyboardInterrupt:
            pass


@dataclass(frozen=True, slots=True)
class _Health:
    """A provider's health that has changed."""

    at: datetime
    provider: Provider
    before: str


@dataclass(slots=True)
class _News:
    """Remembers what it has read."""

    client: Client
    known: dict[str, None] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)

    def read(self, limit: int = _MOST) -> list[AuditEntry | _Health]:
        """Return what is new: audit entries, oldest first, and then health. Raises ProvidersAPIError."""
        entries = [*self._entries(limit)][::-1]
        providers = list(self.client.list_providers())
        now, before = datetime.now(UTC), self.states
        self.states = {each.id: each.health.state for each in providers}
        self.known |= dict.fromkeys(each.id for each in entries)
        changed = [each for each in providers if before.get(each.id, each.health.state) != each.health.state]
        return [*entries, *(_Health(now, each, before[each.id]) for each in changed)]

    def _entries(self, limit: int) -> Iterator[AuditEntry]:
        known = 0
        for each in self.client.list_audit(limit=limit):
            if each.id not in self.known:
                yield each
                continue
            known += 1
            if known == _OVERLAP:
                return


def _unless_unavailable(read: Callable[[], list[AuditEntry | _Health]]) -> list[AuditEntry | _Health]:
    """Return what is new; nothing while the API is unavailable, which is said."""
    try:
        return read()
    except ProvidersAPIError as error:
        if exit_code(error) != _UNAVAILABLE:
            raise
        say(f"{error.message} ({error.code}); trying again")
        return []


def _print(each: AuditEntry | _Health) -> None:
    if isinstance(each, AuditEntry):
        by = each.actor.type if each.actor.key_id is None else f"{each.actor.type} {each.actor.key_id}"
        cells = [time(each.at), each.action, each.resource.id, by, change_of(each)]
    else:
        health = each.provider.health
        why = f" ({health.reason})" if health.reason else ""
        cells = [time(each.at), "health", each.provider.id, each.provider.name, f"{each.before} → {health.state}{why}"]
    texts = [plain(each) for each in cells if each is not None]
    click.echo(("\t" if terminal_width() is None else "  ").join(texts))


def _print_json(each: AuditEntry | _Health) -> None:
    if isinstance(each, AuditEntry):
        line: dict[str, Any] = {"type": "audit", "data": as_plain(each)}
    else:
        data = {
            "at": each.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "before": each.before,
            "provider": as_plain(each.provider),
        }
        line = {"type": "health", "data": data}
    click.echo(json_text(line))
