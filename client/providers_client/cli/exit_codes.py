"""How a command ends: the exit codes, and what is said on standard error."""

from __future__ import annotations

import errno
import json
import re
import sys
from collections.abc import Sequence
from typing import Any, Final, cast

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from providers_client.cli.streams import lost_output
from providers_client.errors import ConfigurationError, ConnectionFailed, ProvidersAPIError
from providers_contract import errors

USAGE: Final = 2
EXITS: Final = {
    0: "done",
    1: "the API refused or failed, or not all of an import was added",
    USAGE: "the command or its configuration is not right",
    3: "not found",
    4: "conflict: name taken, provider in use, changed meanwhile",
    5: "the vendor refused the credential, or it has not the vendor's form",
    6: "the vendor, the API or AWS cannot be reached, or too many requests: try again later",
    7: "the management key is not good, or lacks a scope",
}
_ADVICE: Final = {
    "missing_api_key": "set PROVIDERS_API_KEY",
    "invalid_api_key": "set PROVIDERS_API_KEY to a key that `providers keys create` made",
    "insufficient_scope": "use a key with this scope: `providers keys create --scope …`",
    "provider_in_use": "detach it first: `providers routing put` or `providers routing rm`",
    "base_url_required": "give --base-url",
    "limit_exceeded": "remove what is not used any more; of management keys, expired ones count until they are revoked",
    "connection_failed": "check --url or PROVIDERS_API_URL",
    "unexpected_answer": "check --url or PROVIDERS_API_URL",
}
_UsageError: Final = cast("type[Exception]", typer.BadParameter.__base__)
_PLAIN_WORD: Final = re.compile(r"(?=.{1,24}$)-{0,2}[a-z]+(-[a-z]+)*")
"""What a mistyped command or option looks like, and no key does."""
_READS: Final = {"list", "get", "health", "versions", "audit"}
"""Commands that have done nothing if their output is lost."""


class Commands(TyperGroup):
    """Turns what the client raises into a message and an exit code, for every command."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the options before the command. Raises usage errors that do not repeat what was given."""
        try:
            ctx = super().make_context(info_name, [*args], parent, **extra)
        except _UsageError as error:
            _hide_input(error, args)
            raise
        ctx.meta[_GIVEN] = args
        return ctx

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raises typer.Exit."""
        given = ctx.meta[_GIVEN]
        try:
            result = super().invoke(ctx)
        except ConfigurationError as error:
            say_error(error, as_json=wants_json(ctx))
            raise typer.Exit(USAGE) from None
        except ProvidersAPIError as error:
            say_error(error, as_json=wants_json(ctx))
            raise typer.Exit(exit_code(error)) from None
        except _UsageError as error:
            _hide_input(error, given)
            raise
        _tell_lost_output(ctx)
        return result


_GIVEN: Final = "providers_client.given"


def _hide_input(error: Any, given: Sequence[str]) -> None:
    """Make a usage error name what is wrong without repeating it: it can be a key."""
    if isinstance(error, typer.BadParameter):
        for value in {part for each in given for part in (each, each.partition("=")[2])} - {""}:
            error.message = error.message.replace(repr(value), "the value")
        error.message = re.sub(r"^.*?( is not | does not )", r"the value\1", error.message, flags=re.DOTALL)
        return
    named = re.findall(r"'([^']*)'", error.message)
    words = [getattr(error, "option_name", None), *named]
    if "extra argument" in error.message:
        error.message = "There are more arguments than this command takes."
    elif not all(_PLAIN_WORD.fullmatch(word) for word in words if word):
        what = "command" if "command" in error.message else "option"
        error.message = f"There is no such {what}; --help lists them."


def _tell_lost_output(ctx: Any) -> None:
    """Say that output could not be written. Raises typer.Exit if the output was all that the command was run for."""
    lost = lost_output()
    if lost is None:
        return
    only_reads = getattr(ctx.find_root().obj, "command", None) in _READS
    if lost.errno != errno.EPIPE:  # a reader that has seen enough, such as `head`, is no problem
        done = "" if only_reads else "; what the command did stays done"
        typer.echo(f"Error: the output could not be written: {lost.strerror or lost}{done}", err=True)
    if only_reads:
        raise typer.Exit(1)


def wants_json(ctx: Any) -> bool:
    """Whether the command that failed was asked for JSON."""
    return bool(getattr(ctx.find_root().obj, "as_json", False))


def exit_code(error: ProvidersAPIError) -> int:
    """Return the exit code for an error."""
    return 6 if isinstance(error, ConnectionFailed) else errors.exit_code(error.code, error.type)


def say_error(error: ProvidersAPIError | ConfigurationError, *, as_json: bool) -> None:
    """Tell an error on standard error, with all its faults and what can be done about it."""
    if as_json:
        typer.echo(json_text({"error": _members(error)}), err=True)
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if isinstance(error, ConfigurationError):
        console.print(Text.assemble(("Error: ", "bold red"), plain(str(error))))
        return
    console.print(Text.assemble(("Error: ", "bold red"), plain(error.message), (f" ({error.code})", "dim")))
    details = [f"{fault.param or 'body'}: {fault.message}" for fault in error.errors if len(error.errors) > 1]
    if error.code in _ADVICE:
        details.append(_ADVICE[error.code])
    if error.retry_after:
        details.append(f"try again in {error.retry_after:.0f} s")
    if error.request_id:
        details.append(f"request {error.request_id}")
    for detail in details:
        console.print(Text(f"  {plain(detail)}", style="dim"))


def plain(text: str) -> str:
    """`text` without what would control a terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def json_text(found: Any, indent: int | None = None) -> str:
    """`found` as JSON, with escapes for what would control a terminal and for what is no text at all."""
    encodings = {(getattr(each, "encoding", None) or "utf-8").lower() for each in (sys.stdout, sys.stderr)}
    if not encodings <= {"utf-8", "utf8"}:
        return json.dumps(found, indent=indent)
    text = json.dumps(found, ensure_ascii=False, indent=indent)
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def _members(error: ProvidersAPIError | ConfigurationError) -> dict[str, Any]:
    if isinstance(error, ConfigurationError):
        return {"type": "client_error", "code": "configuration", "message": str(error)}
    found: dict[str, Any] = {
        name: getattr(error, name)
        for name in ("type", "code", "message", "resource", "id", "param", "request_id", "reason", "retryable")
    }
    if error.errors:
        found["errors"] = [each.model_dump() for each in error.errors]
    if error.references:
        found["references"] = [each.model_dump() for each in error.references]
    return found
