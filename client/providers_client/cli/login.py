"""`providers login|logout|whoami`."""

from __future__ import annotations

import os

import click

from providers_client.cli import options, profiles
from providers_client.cli.access import PROFILE_VARIABLE
from providers_client.cli.files import read_text
from providers_client.cli.session import RETRIES, Session, begin, out, require_terminal
from providers_client.cli.tables import details, show, time
from providers_client.sync import Client
from providers_client.variables import URL_VARIABLE
from providers_contract.secret import Secret, trimmed


@click.command()
@click.pass_context
def login(ctx: click.Context) -> None:
    """Store an address and its management key, as a profile.

    It asks for both, unless --url and --management-key-file have them, and checks them with a request. The key is
    stored in the system's keyring if the [keyring] extra is installed, otherwise in a file that only you can read.
    """
    session = begin(ctx)
    name = _name(session)
    url = session.url or _asked("The API's address", default=os.environ.get(URL_VARIABLE) or None)
    if session.key_file is not None:
        key = read_text(session.key_file, "--management-key-file")
    else:
        key = _asked("The management key (mlx_mk_…)", hidden=True)
    key = trimmed(key)
    with Client(url, key, retries=RETRIES) as client:
        own = client.get_management_key()
    stored = profiles.save(name, url, Secret(key))
    out(f"Logged in to {own.org} with the key {own.id} ({own.name}), as profile {name}.")
    out(f"The key is in {stored.place}.")


@click.command()
@click.pass_context
def logout(ctx: click.Context) -> None:
    """Remove a profile and its key from this machine.

    The key stays valid; `providers keys revoke` ends it.
    """
    name = _name(begin(ctx))
    profiles.remove(name)
    out(f"Removed: profile {name}")


@click.command()
@options.as_json
@click.pass_context
def whoami(ctx: click.Context, as_json: bool) -> None:
    """Show the management key that commands use, and its organization."""
    session = begin(ctx, as_json, "OwnKey")
    access = session.access()
    with session.client() as client:
        own = client.get_management_key()
    if as_json:
        session.print_json(own, url=access.url, key_from=access.key_from)
        return
    show(
        details(
            {
                "organization": own.org,
                "key": f"{own.id} ({own.name})",
                "scopes": ", ".join(own.scopes),
                "expires": time(own.expires_at) or "never",
                "address": access.url,
                "key from": access.key_from,
            }
        )
    )


def _name(session: Session) -> str:
    return profiles.checked(session.profile or os.environ.get(PROFILE_VARIABLE) or profiles.DEFAULT)


def _asked(question: str, *, default: str | None = None, hidden: bool = False) -> str:
    require_terminal("no terminal for prompts: use --url and --management-key-file")
    return str(click.prompt(question, default=default, hide_input=hidden, err=True))
