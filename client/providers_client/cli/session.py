"""What every command stands on: the global options, the client that they describe, and where output goes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console

from providers.edge.answers import Provider, Warning  # noqa: A004 - the contract's word
from providers.model.provider import name_claim
from providers_client.aio import AsyncClient
from providers_client.calls import PROVIDER_ID
from providers_client.cli.exits import plain
from providers_client.errors import ConfigurationError, NotFound
from providers_client.sending import KEY_VARIABLE, URL_VARIABLE
from providers_client.sync import Client

T = TypeVar("T")

RETRIES: Final = 2
"""Someone is waiting."""
PIPED_WIDTH: Final = 160

Json = Annotated[bool, typer.Option("--json", help="Print the API's answer as JSON; errors too, on standard error.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Which = Annotated[str, typer.Argument(metavar="PROVIDER", help="A provider's id, or its name.")]


@dataclass(slots=True)
class Session:
    """The global options; `as_json` is set by the command that runs."""

    url: str | None = None
    key_file: Path | None = None
    as_json: bool = False

    def client(self, *, retries: int = RETRIES) -> Client:
        """A client. Raises ConfigurationError."""
        return Client(*self._where(), retries=retries)

    def async_client(self, *, retries: int = RETRIES) -> AsyncClient:
        """An asynchronous client. Raises ConfigurationError."""
        return AsyncClient(*self._where(), retries=retries)

    def base_url(self) -> str:
        """The API's address. Raises ConfigurationError."""
        if not self.url:
            raise ConfigurationError(f"give --url, or set {URL_VARIABLE}")
        return self.url

    def _where(self) -> tuple[str, str]:
        if self.key_file is not None:
            return self.base_url(), read_text(self.key_file)
        key = os.environ.get(KEY_VARIABLE)
        if not key:
            raise ConfigurationError(f"set {KEY_VARIABLE} to a management key, or give --management-key-file")
        return self.base_url(), key

    def print_json(self, found: Any, **members: Any) -> None:
        """`{"data": …}`, with further members."""
        typer.echo(json.dumps({"data": as_plain(found), **members}, ensure_ascii=False, indent=2))


def begin(ctx: typer.Context, as_json: bool = False) -> Session:
    """The session of a command."""
    session = ctx.find_root().obj
    assert isinstance(session, Session)  # noqa: S101 - the callback has set it
    session.as_json = as_json
    return session


def as_plain(found: Any) -> Any:
    """Models as the JSON that they were read from."""
    if isinstance(found, BaseModel):
        return found.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return [as_plain(each) for each in found] if isinstance(found, list) else found


def console() -> Console:
    """Standard output. Wide where it is no terminal, so that nothing is cut for `grep`."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    return Console(width=width, highlight=False, markup=False, emoji=False)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(work)


def find(client: Client, which: str) -> str:
    """The id of the provider that is called `which`, or that has it as its id. Raises NotFound."""
    if PROVIDER_ID.fullmatch(which):
        return which
    return find_by_name(list(client.list_providers()), which)


def find_by_name(providers: Sequence[Provider], name: str) -> str:
    """The id of the provider that is called `name`, without regard to case. Raises NotFound, without repeating it."""
    for each in providers:
        if name_claim(each.name) == name_claim(name) or each.id == name:
            return each.id
    raise NotFound("no provider has this id or name; `providers list` shows them", code="provider_not_found")


def say(text: str) -> None:
    """Something to know that is not the command's result, on standard error."""
    typer.echo(plain(text), err=True)


def say_warnings(warnings: Sequence[Warning]) -> None:
    """What the API had to say about a change."""
    for warning in warnings:
        say(f"Warning: {warning.message} ({warning.code})")


def warnings_member(warnings: Sequence[Warning]) -> Mapping[str, Any]:
    """The `warnings` of an answer, where it has some."""
    return {"warnings": [as_plain(each) for each in warnings]} if warnings else {}


def read_text(path: Path) -> str:
    """A small text file. Raises ConfigurationError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        pass
    raise ConfigurationError(f"cannot read {path}: it is not UTF-8 text")
