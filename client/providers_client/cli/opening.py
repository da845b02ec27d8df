"""`providers open`: the console in a browser."""

from __future__ import annotations

import webbrowser

import click

from providers_client.cli import options
from providers_client.cli.session import begin, find, out


@click.command("open")
@click.argument("which", metavar="[PROVIDER]", required=False, shell_complete=options.complete_provider)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.pass_context
def open_(ctx: click.Context, which: str | None, no_browser: bool) -> None:
    """Open the console in a browser.

    The address is printed, too. It contains no key: you sign in there with a management key.
    """
    session = begin(ctx)
    address = f"{session.base_url().rstrip('/')}/console"
    if which is not None:
        with session.client() as client:
            address += f"#/providers/{find(client, which)}"
    out(address)
    if not no_browser:
        webbrowser.open(address)
