"""Says on standard error why a command takes long."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from providers_client.errors import RateLimited

if TYPE_CHECKING:
    from stamina.instrumentation import RetryDetails

_WORTH_SAYING_S: Final = 1.0


def announce_waits(*, quiet: bool) -> None:
    """Print a line before each long wait for another attempt, unless `quiet`: then standard error is for errors."""
    from stamina.instrumentation import set_on_retry_hooks  # late: only a client waits

    set_on_retry_hooks(() if quiet else (_announce,))


def _announce(details: RetryDetails) -> None:
    if details.wait_for < _WORTH_SAYING_S:
        return
    limited = isinstance(details.caused_by, RateLimited)
    why = "Rate limit reached" if limited else "The API is temporarily unavailable"
    click.echo(f"{why}: waiting {details.wait_for:.0f} s …", err=True)


@contextmanager
def spinner(text: str, *, quiet: bool) -> Iterator[None]:
    """Show `text` with a spinner on standard error, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # late: only a terminal needs it

    with Console(stderr=True, highlight=False, markup=False, emoji=False).status(text):
        yield
