"""The commands, and the options that stand before them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from providers_client.cli import audit, data_keys, health, importing, keys, providers, routing, streams
from providers_client.cli.exit_codes import EXITS, Commands
from providers_client.cli.session import Session
from providers_client.sending import KEY_VARIABLE, URL_VARIABLE
from providers_client.version import VERSION

HELP: Final = f"""Add, verify, rotate, watch and delete an organization's LLM provider credentials.

The management key comes from {KEY_VARIABLE}, or from a file. No key is ever an argument: every process on the
machine can see those.
"""
EPILOG: Final = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXITS.items()) + "."

app = typer.Typer(
    name="providers",
    cls=Commands,
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they show values
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"providers {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    url: Annotated[str | None, typer.Option(envvar=URL_VARIABLE, help="The API's address.")] = None,
    key_file: Annotated[
        Path | None, typer.Option("--management-key-file", help=f"Holds the management key, instead of {KEY_VARIABLE}.")
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """What stands before the command."""
    ctx.obj = Session(url, key_file)


app.command("list")(providers.list_)
app.command()(providers.add)
app.command()(providers.get)
app.command()(providers.rotate)
app.command()(providers.update)
app.command("rm")(providers.remove)
app.command()(health.health)
app.command()(providers.versions)
app.command("destroy-version")(providers.destroy_version)
app.command()(providers.rollback)
app.command()(providers.upload)
app.command("import")(importing.import_)
app.command()(audit.audit)
app.add_typer(routing.app, name="routing")
app.add_typer(keys.app, name="keys")
app.add_typer(data_keys.app, name="data-keys")


def main() -> None:
    """The console script."""
    streams.install()
    app(prog_name="providers")
