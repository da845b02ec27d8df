"""A group of commands that imports a command when it runs, and turns the client's exceptions into exit codes."""

from __future__ import annotations

import errno
import importlib
import re
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

import click

from providers_client.cli import arguments
from providers_client.cli.closest import suggestion
from providers_client.cli.exit_codes import USAGE
from providers_client.cli.streams import lost_output

_PLAIN_WORD: Final = re.compile(r"(?=.{1,24}$)-{0,2}[a-z]+(-[a-z]+)*")
"""The form of a mistyped command or option; no key has it."""
_READS: Final = {"list", "get", "health", "versions", "audit", "tail", "whoami"}
"""Commands that only print: if their output is lost, they have failed."""
_GIVEN: Final = "providers_client.given"
_ALIASES: Final = {
    "delete": "rm",
    "remove": "rm",
    "ls": "list",
    "show": "get",
    "destroy": "destroy-version",
    "retire": "destroy-version",
}
FIELDS: Final = "providers_client.fields"
"""Where a context's `meta` has the fields in `--json=FIELD,…`."""


class Group(click.Group):
    """A group that knows other words for commands, and suggests the closest name for a mistyped one."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Return the command that the first argument names. Raises UsageError."""
        known, word = self.list_commands(ctx), args[0]
        if _ALIASES.get(word) in known:
            word = _ALIASES[word]
        if word not in known and not ctx.resilient_parsing:
            ctx.fail(f"No such command {word!r}.{suggestion(word, known)}")
        return super().resolve_command(ctx, [word, *args[1:]])


class Commands(Group):
    """The root group. Its `commands` are pairs of `module:attribute` and short help, by name."""

    def __init__(self, *given: Any, commands: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*given, **options)
        self.rows = commands

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands."""
        return [*self.rows]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import and return a command; None if there is no command with this name."""
        if cmd_name not in self.rows:
            return None
        module, _, attribute = self.rows[cmd_name][0].partition(":")
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the table of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in self.rows.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete a command without importing any of them."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=short) for name, (_, short) in self.rows.items() if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the global options. Raises usage errors that never echo input."""
        given, fields = arguments.arranged(args)
        try:
            ctx = super().make_context(info_name, given, parent, **extra)
        except click.UsageError as error:
            raise _usage_error(error, args) from None
        ctx.meta[_GIVEN], ctx.meta[FIELDS] = args, fields
        return ctx

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Exits with the error's code."""
        given = ctx.meta[_GIVEN]
        try:
            result = super().invoke(ctx)
        except click.UsageError as error:
            raise _usage_error(error, given) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            code = _reported(error, ctx)
            if code is None:
                raise
            raise click.exceptions.Exit(code) from None
        _report_lost_output(ctx)
        return result


def wants_json(ctx: click.Context) -> bool:
    """Return whether the failed command was to print JSON."""
    return bool(getattr(ctx.find_root().obj, "as_json", False))


def _reported(error: Exception, ctx: click.Context) -> int | None:
    """Report an error of the client and return its exit code; None for an error that is not the client's."""
    from providers_client.cli.reporting import exit_code, report  # late: only a command that ran can raise one
    from providers_client.errors import ConfigurationError, ProvidersAPIError

    if not isinstance(error, ConfigurationError | ProvidersAPIError):
        return None
    report(error, as_json=wants_json(ctx))
    return USAGE if isinstance(error, ConfigurationError) else exit_code(error)


class _JsonUsageError(click.UsageError):
    """A usage error that is printed as JSON."""

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002 - click's signature
        """Print the error on standard error."""
        from providers_client.cli.reporting import json_text  # late: see _reported

        error = {"type": "client_error", "code": "usage", "message": self.message}
        click.echo(json_text({"error": error}), err=True)


def _usage_error(error: click.UsageError, given: Sequence[str]) -> click.UsageError:
    safe = hide_input(error, given)
    return _JsonUsageError(safe.format_message(), safe.ctx) if arguments.wants_json(given) else safe


def hide_input(error: click.UsageError, given: Sequence[str]) -> click.UsageError:
    """Return a usage error without the input, which can be a key."""
    message = error.message
    if isinstance(error, click.MissingParameter | click.exceptions.NoArgsIsHelpError):
        return error
    if isinstance(error, click.BadParameter):
        for value in {part for each in given for part in (each, each.partition("=")[2])} - {""}:
            message = message.replace(repr(value), "the value")
        message = re.sub(r"^.*?( is not | does not )", r"the value\1", message, flags=re.DOTALL)
        return click.BadParameter(message, error.ctx, error.param, error.param_hint)
    words = [getattr(error, "option_name", None), *re.findall(r"'([^']*)'", message)]
    if "extra argument" in message:
        message = "There are more arguments than this command takes."
    elif not all(_PLAIN_WORD.fullmatch(word) for word in words if word):
        what = "command" if "command" in message else "option"
        message = f"No such {what}; --help lists them."
    else:
        return error
    return click.UsageError(message, error.ctx)


def _report_lost_output(ctx: click.Context) -> None:
    """Report that output could not be written. Exits with 1 if the command only reads."""
    lost = lost_output()
    if lost is None:
        return
    only_reads = getattr(ctx.find_root().obj, "command", None) in _READS
    if lost.errno != errno.EPIPE:  # `head`, for example, closes a pipe early
        done = "" if only_reads else "; the command's changes are kept"
        click.echo(f"Error: the output could not be written: {lost.strerror or lost}{done}", err=True)
    if only_reads:
        raise click.exceptions.Exit(1)
