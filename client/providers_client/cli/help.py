"""`providers help` and `providers version`."""

from __future__ import annotations

import click

from providers_client.version import VERSION


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]…")
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a command."""
    shown = ctx.find_root()
    for word in words:
        if not isinstance(shown.command, click.Group):
            ctx.fail("There are more arguments than this command takes.")
        name, command, _ = shown.command.resolve_command(shown, [word])
        if command is not None:
            shown = click.Context(command, info_name=name, parent=shown)
    click.echo(shown.get_help())


@click.command("version")
def version() -> None:
    """Show the version."""
    click.echo(f"providers {VERSION}")
