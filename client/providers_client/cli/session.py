"""What every command stands on: the global options, the client that they describe, and where output goes."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from providers_client.aio import AsyncClient
from providers_client.cli.exit_codes import json_text, plain
from providers_client.errors import ConfigurationError, NotFound
from providers_client.sending import KEY_VARIABLE, URL_VARIABLE
from providers_client.sync import Client
from providers_contract.ids import PROVIDER_ID
from providers_contract.names import name_claim
from providers_contract.responses import Provider, Warning  # noqa: A004 - the contract's word

T = TypeVar("T")

RETRIES: Final = 2
"""Someone is waiting."""
PIPED_WIDTH: Final = 160
MAX_FILE_BYTES: Final = 1024 * 1024
"""Far more than a file of keys has."""

Json = Annotated[bool, typer.Option("--json", help="Print the API's answer as JSON; errors too, on standard error.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Which = Annotated[str, typer.Argument(metavar="PROVIDER", help="A provider's id, or its name.")]


@dataclass(slots=True)
class Session:
    """The global options; `as_json` and `command`, its name, are set by the command that runs."""

    url: str | None = None
    key_file: Path | None = None
    as_json: bool = False
    command: str | None = None

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
            return self.base_url(), read_text(self.key_file, "--management-key-file")
        key = os.environ.get(KEY_VARIABLE)
        if not key:
            raise ConfigurationError(f"set {KEY_VARIABLE} to a management key, or give --management-key-file")
        return self.base_url(), key

    def print_json(self, found: Any, **members: Any) -> None:
        """`{"data": …}`, with further members."""
        typer.echo(json_text({"data": as_plain(found), **members}, indent=2))


def begin(ctx: typer.Context, as_json: bool = False) -> Session:
    """The session of a command."""
    session = ctx.find_root().obj
    assert isinstance(session, Session)  # noqa: S101 - the callback has set it
    session.as_json, session.command = as_json, ctx.info_name
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


def out(text: str) -> None:
    """A line of the command's result."""
    typer.echo(plain(text))


def confirm(question: str) -> None:
    """Go on if the answer is yes. Raises typer.Abort."""
    typer.confirm(plain(question), abort=True, err=True)


def say(text: str) -> None:
    """Something to know that is not the command's result, on standard error."""
    typer.echo(plain(text), err=True)


def say_prominently(text: str) -> None:
    """Something that nobody should miss, on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(plain(text), "bold red"))


def say_warnings(warnings: Sequence[Warning]) -> None:
    """What the API had to say about a change."""
    for warning in warnings:
        say(f"Warning: {warning.message} ({warning.code})")


def warnings_member(warnings: Sequence[Warning]) -> Mapping[str, Any]:
    """The `warnings` of an answer, where it has some."""
    return {"warnings": [as_plain(each) for each in warnings]} if warnings else {}


def read_text(path: Path, option: str) -> str:
    """A small text file that `option` names. Raises ConfigurationError, which does not repeat the path.

    A key that was given as a path by mistake would be repeated. Pipes and devices are refused, because they may never
    end; a shell's `<(…)` is a pipe, for which there is standard input.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigurationError(f"what {option} names is not a regular file; use standard input for a pipe")
            return _decoded(file.read(MAX_FILE_BYTES + 1), f"the file that {option} names")
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigurationError):
            raise
        why = getattr(error, "strerror", None) or "it is not the path of a file"
    raise ConfigurationError(f"cannot read the file that {option} names: {why}")


def read_stdin() -> str:
    """All of standard input, which must be a small text. Raises ConfigurationError."""
    try:
        return _decoded(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), "standard input")
    except OSError as error:
        why = error.strerror
    raise ConfigurationError(f"cannot read standard input: {why}")


def _open_without_waiting(path: str, flags: int) -> int:
    """Opening a pipe would wait for its other end."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _decoded(content: bytes, what: str) -> str:
    if len(content) > MAX_FILE_BYTES:
        raise ConfigurationError(f"{what} is larger than {MAX_FILE_BYTES // 1024} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise ConfigurationError(f"{what} is not UTF-8 text")
