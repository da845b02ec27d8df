"""Shared parts of all commands: the global options, their client, and output."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from providers_client.cli.access import Access, access, address
from providers_client.cli.commands import FIELDS
from providers_client.cli.fields import Shown, chosen, selected
from providers_client.cli.reporting import json_text, plain, wrapped
from providers_client.cli.waiting import announce_waits, spinner
from providers_client.errors import ConfigurationError, NotFound
from providers_contract.ids import PROVIDER_ID
from providers_contract.names import name_claim

if TYPE_CHECKING:
    from providers_client.aio import AsyncClient
    from providers_client.sync import Client
    from providers_contract.responses import Provider, Warning  # noqa: A004 - the contract's word

RETRIES: Final = 2
"""Few, because a person is waiting."""


@dataclass(slots=True)
class Session:
    """The global options, and what the command that runs is to print; `fields` are those of `--json=FIELD,…`."""

    url: str | None = None
    key_file: str | None = None
    profile: str | None = None
    as_json: bool = False
    quiet: bool = False
    command: str | None = None
    fields: tuple[str, ...] | None = None

    def client(self, *, retries: int = RETRIES) -> Client:
        """Return a client. Raises ConfigurationError."""
        from providers_client.sync import Client  # late: its libraries take longer to import than a request takes

        found = self.access()
        announce_waits(quiet=self.as_json)
        return Client(found.url, found.key, retries=retries)

    def async_client(self, *, retries: int = RETRIES) -> AsyncClient:
        """Return an asynchronous client. Raises ConfigurationError."""
        from providers_client.aio import AsyncClient  # late: few commands need it, and asyncio takes long to import

        found = self.access()
        announce_waits(quiet=self.as_json)
        return AsyncClient(found.url, found.key, retries=retries)

    def access(self) -> Access:
        """Return the API's address and the management key. Raises ConfigurationError."""
        return access(self.url, self.key_file, self.profile)

    def base_url(self) -> str:
        """Return the API's address. Raises ConfigurationError."""
        return address(self.url, self.profile)

    @contextmanager
    def verifying(self) -> Iterator[None]:
        """Show that a vendor is being asked, which can take seconds. After Ctrl-C, say that the outcome is unknown."""
        try:
            with spinner("Verifying with the vendor …", quiet=self.as_json or self.quiet):
                yield
        except KeyboardInterrupt:
            if not self.as_json:  # with --json, standard error is for errors alone
                say("Interrupted: the change may have been made. `providers audit` shows whether it was.")
            raise

    def print_json(self, found: Any, **members: Any) -> None:
        """Print `{"data": …}`, with further fields."""
        data = as_plain(found)
        if self.fields is not None:
            data = selected(data, self.fields)
        click.echo(json_text({"data": data, **members}, indent=2))


def begin(ctx: click.Context, as_json: bool = False, shown: Shown = (), *, quiet: bool = False) -> Session:
    """Return a command's session, and store it in the root context. `shown` is what `--json` prints.

    Raises ConfigurationError.
    """
    root = ctx.find_root()
    session = root.obj = Session(**root.obj, as_json=as_json, quiet=quiet, command=ctx.info_name)
    if as_json and quiet:
        raise ConfigurationError("use either --json or --quiet")
    fields = ctx.meta[FIELDS]
    session.fields = None if fields is None else chosen(fields, shown)
    return session


def as_plain(found: Any) -> Any:
    """Return models as the JSON from which they were parsed."""
    from providers_contract.responses import Response  # late: the models take long to import

    if isinstance(found, Response):
        return found.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return [as_plain(each) for each in found] if isinstance(found, list) else found


def find(client: Client, which: str) -> str:
    """Return the id of the provider whose id or name is `which`. Raises NotFound."""
    if PROVIDER_ID.fullmatch(which):
        return which
    return find_by_name(list(client.list_providers()), which)


def find_by_name(providers: Sequence[Provider], name: str) -> str:
    """Return the id of the provider with this name, ignoring case. Raises NotFound, which does not echo it."""
    for each in providers:
        if name_claim(each.name) == name_claim(name) or each.id == name:
            return each.id
    raise NotFound("no provider has this id or name; `providers list` shows them", code="provider_not_found")


def out(text: str) -> None:
    """Print a line of the command's result."""
    click.echo(plain(text))


def has_terminal() -> bool:
    """Return whether a person can answer a question."""
    return sys.stdin.isatty()


def require_terminal(otherwise: str = "no terminal to confirm at; use --yes") -> None:
    """Raise ConfigurationError, with what to do `otherwise`, if no person can answer."""
    if not has_terminal():
        raise ConfigurationError(otherwise)


def confirm(question: str) -> None:
    """Ask for confirmation. Raises ConfigurationError without a terminal, click.Abort if the answer is no."""
    require_terminal()
    click.confirm(plain(question), abort=True, err=True)


def say(text: str) -> None:
    """Print a note that is not the command's result, on standard error."""
    click.echo(wrapped(plain(text)), err=True)


def say_prominently(text: str) -> None:
    """Print an important note on standard error."""
    click.secho(plain(text), err=True, fg="red", bold=True)


def say_warnings(warnings: Sequence[Warning]) -> None:
    """Print the API's warnings about a change."""
    for warning in warnings:
        say(f"Warning: {warning.message} ({warning.code})")


def warnings_member(warnings: Sequence[Warning]) -> Mapping[str, Any]:
    """Return the `warnings` of a response, if there are any."""
    return {"warnings": [as_plain(each) for each in warnings]} if warnings else {}
