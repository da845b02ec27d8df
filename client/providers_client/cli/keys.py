"""`providers keys create|list|revoke`: management keys, with an operator's rights."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from providers_client.cli.session import Json, Session, Yes, begin, confirm, console, out, say
from providers_client.cli.tables import cells, table
from providers_client.errors import ConfigurationError

if TYPE_CHECKING:
    from providers_client.cli.operate import Operator

Stack = Annotated[str | None, typer.Option(help="A CloudFormation stack's name: its keys, with your AWS credentials.")]
Local = Annotated[bool, typer.Option("--local", help="The stack that `make run` serves, at --url.")]

app = typer.Typer(no_args_is_help=True, help="Create and revoke management keys (needs AWS credentials).")


@app.command()
def create(
    ctx: typer.Context,
    org: Annotated[str, typer.Option(help="The organization that the key is for (letters, digits, _ and -).")],
    stack: Stack = None,
    local: Local = False,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "minted by an operator",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="providers:read, providers:write, routing:read or routing:write; repeat it. All without it."),
    ] = None,
    expires_in: Annotated[
        str | None, typer.Option(metavar="90d", help="Days, hours or minutes: 90d, 12h, 30m.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a management key. It is printed this once, alone on standard output."""
    session = begin(ctx, as_json)
    operate = operator(session, stack, local=local)
    made = operate("keys.create", org=org, name=name, scopes=scope or [], expires_in=expires_in)
    if as_json:
        session.print_json(made)
        return
    until = f", until {_short(made['expires_at'])}" if made["expires_at"] else ""
    say(f"Key {made['id']} for {made['org']} ({', '.join(made['scopes'])}){until}. It is shown this once:")
    out(made["token"])


@app.command("list")
def list_(
    ctx: typer.Context,
    stack: Stack = None,
    local: Local = False,
    org: Annotated[str | None, typer.Option(help="Only this organization's.")] = None,
    as_json: Json = False,
) -> None:
    """List management keys, oldest first. This reads the whole table."""
    session = begin(ctx, as_json)
    found = operator(session, stack, local=local)("keys.list", org=org)
    if as_json:
        session.print_json(found)
    elif not found:
        say("No management keys.")
    else:
        _show(found)


@app.command()
def revoke(
    ctx: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id: what is between mlx_mk_ and the next _.")],
    stack: Stack = None,
    local: Local = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Revoke a management key: it stops working with the next request."""
    session = begin(ctx, as_json)
    if key_id.startswith("mlx_mk_"):
        raise ConfigurationError("give the key's id, not the key: an argument is seen by every process on this machine")
    operate = operator(session, stack, local=local)
    if not yes:
        confirm(f"Revoke {key_id}?")
    revoked = operate("keys.revoke", id=key_id)
    if as_json:
        session.print_json(revoked)
    else:
        out(f"Revoked: {revoked['id']} of {revoked['org']}")


def operator(session: Session, stack: str | None, *, local: bool) -> Operator:
    """The operator's function of the stack that --stack or --local names. Raises ConfigurationError."""
    from providers_client.cli.operate import Operator  # late: other commands do without it

    if (stack is None) != local:
        raise ConfigurationError(
            "give --stack NAME for a deployed stack, or --local for the one that `make run` serves"
        )
    return Operator(None, session.base_url()) if stack is None else Operator(stack)


def _show(found: Sequence[dict[str, Any]]) -> None:
    shown = table("ID", "ORG", "NAME", "SCOPES", "CREATED", "LAST USED", "STATE")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for key in found:
        scopes = "all" if len(key["scopes"]) == 4 else ", ".join(key["scopes"])
        used = _short(key["last_used_at"])
        shown.add_row(
            *cells(key["id"], key["org"], key["name"], scopes, key["created_at"][:10], used, _state(key, now))
        )
    console().print(shown)


def _state(key: dict[str, Any], now: str) -> Text:
    revoked, expires = key["revoked_at"], key["expires_at"]
    if revoked is not None:
        return Text(f"revoked {_short(revoked)}", "dim")
    if expires is not None and expires <= now:
        return Text(f"expired {_short(expires)}", "dim")
    return Text(f"good until {_short(expires)}" if expires else "good", "green")


def _short(time: str | None) -> str | None:
    return None if time is None else f"{time[:10]} {time[11:16]}Z"
