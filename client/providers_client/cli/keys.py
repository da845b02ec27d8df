"""`providers keys create|list|revoke`: management keys, for operators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from providers_client.cli import options
from providers_client.cli.commands import Group
from providers_client.cli.session import Session, begin, confirm, out, say
from providers_client.cli.tables import Cell, Column, show, styled, table
from providers_client.errors import ConfigurationError

if TYPE_CHECKING:
    from providers_client.cli.operate import Operator

_FIELDS = ("id", "org", "name", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")


@click.group("keys", cls=Group, no_args_is_help=True)
def app() -> None:
    """Create and revoke management keys (needs AWS credentials)."""


@app.command()
@click.option("--org", required=True, help="The organization that the key is for (letters, digits, _ and -).")
@options.stack
@options.local
@click.option("--name", default="created by an operator", show_default=True, help="What the key is for.")
@click.option(
    "--scope",
    multiple=True,
    help="providers:read, providers:write, routing:read or routing:write; repeat it. Default: all.",
)
@click.option("--expires-in", metavar="90d", help="Days, hours or minutes: 90d, 12h, 30m.")
@options.as_json
@click.pass_context
def create(
    ctx: click.Context,
    org: str,
    stack: str | None,
    local: bool,
    name: str,
    scope: tuple[str, ...],
    expires_in: str | None,
    as_json: bool,
) -> None:
    """Create a management key.

    It is printed only once, alone on standard output.
    """
    session = begin(ctx, as_json, (*_FIELDS, "token"))
    operate = operator(session, stack, local=local)
    made = operate("keys.create", org=org, name=name, scopes=[*scope], expires_in=expires_in)
    if as_json:
        session.print_json(made)
        return
    until = f", until {short(made['expires_at'])}" if made["expires_at"] else ""
    say(f"Key {made['id']} for {made['org']} ({', '.join(made['scopes'])}){until}. It is shown only once:")
    out(made["token"])


@app.command("list")
@options.stack
@options.local
@click.option("--org", help="Filter by organization.")
@options.as_json
@click.pass_context
def list_(ctx: click.Context, stack: str | None, local: bool, org: str | None, as_json: bool) -> None:
    """List management keys, oldest first. This reads the whole table."""
    session = begin(ctx, as_json, _FIELDS)
    found = operator(session, stack, local=local)("keys.list", org=org)
    if as_json:
        session.print_json(found)
    elif not found:
        say("No management keys.")
    else:
        _show(found)


@app.command()
@click.argument("key_id", metavar="ID")
@options.stack
@options.local
@options.yes
@options.as_json
@click.pass_context
def revoke(ctx: click.Context, key_id: str, stack: str | None, local: bool, yes: bool, as_json: bool) -> None:
    """Revoke a management key: it stops working with the next request.

    ID is the part between mlx_mk_ and the next underscore.
    """
    session = begin(ctx, as_json, _FIELDS)
    if key_id.startswith("mlx_mk_"):
        raise ConfigurationError("use the key's id, not the key: every process on this machine can see arguments")
    operate = operator(session, stack, local=local)
    if not yes:
        confirm(f"Revoke {key_id}?")
    revoked = operate("keys.revoke", id=key_id)
    if as_json:
        session.print_json(revoked)
    else:
        out(f"Revoked: {revoked['id']} of {revoked['org']}")


def operator(session: Session, stack: str | None, *, local: bool) -> Operator:
    """Return the operator function of the stack in --stack or --local. Raises ConfigurationError."""
    from providers_client.cli.operate import Operator  # late: other commands do not need it

    if (stack is None) != local:
        raise ConfigurationError("use --stack NAME for a deployed stack, or --local for the one that `make run` serves")
    return Operator(None, session.base_url()) if stack is None else Operator(stack)


def _show(found: Sequence[dict[str, Any]]) -> None:
    shown = table(
        Column("ID"),
        Column("ORG"),
        Column("NAME", drop=2, folds=True),
        Column("SCOPES", drop=3, folds=True),
        Column("CREATED", drop=5),
        Column("LAST USED", drop=4),
        Column("STATE"),
    )
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for key in found:
        scopes = "all" if len(key["scopes"]) == 4 else ", ".join(key["scopes"])
        used = short(key["last_used_at"])
        shown.add(key["id"], key["org"], key["name"], scopes, key["created_at"][:10], used, _state(key, now))
    show(shown)


def _state(key: dict[str, Any], now: str) -> Cell:
    revoked, expires = key["revoked_at"], key["expires_at"]
    if revoked is not None:
        return styled(f"revoked {short(revoked)}", "dim")
    if expires is not None and expires <= now:
        return styled(f"expired {short(expires)}", "dim")
    return styled(f"valid until {short(expires)}" if expires else "valid", "green")


def short(time: str | None) -> str | None:
    """Return the API's time to the minute, as tables show it."""
    return None if time is None else f"{time[:10]} {time[11:16]}Z"
