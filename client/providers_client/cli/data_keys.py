"""`providers data-keys`: the keys that seal stored credentials, with an operator's rights."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from providers_client.cli.keys import Local, Stack, operator
from providers_client.cli.session import Json, Session, Yes, begin, confirm, console, out, say
from providers_client.cli.tables import cells, table

Org = Annotated[str, typer.Option(help="The organization whose credentials they seal.")]

app = typer.Typer(no_args_is_help=True, help="Replace the keys that seal stored credentials (needs AWS credentials).")


@app.command("list")
def list_(ctx: typer.Context, org: Org, stack: Stack = None, local: Local = False, as_json: Json = False) -> None:
    """List an organization's data keys, the newest first, with how many stored versions each seals."""
    session = begin(ctx, as_json)
    found = operator(session, stack, local=local)("data_keys.list", org=org)
    if as_json:
        session.print_json(found)
    elif not found:
        say("No data keys: this organization has stored no credential.")
    else:
        shown = table("ID", "CREATED", "SEALS", "")
        for each in found:
            current = "seals new versions" if each["current"] else ""
            shown.add_row(*cells(each["id"], each["created_at"], f"{each['versions']} versions", current))
        console().print(shown)


@app.command()
def rotate(ctx: typer.Context, org: Org, stack: Stack = None, local: Local = False, as_json: Json = False) -> None:
    """Make another data key and seal every stored version again under it.

    Rotations, probes and readers go on meanwhile. If it is stopped, `reseal` finishes it.
    """
    _reseal(begin(ctx, as_json), "rotate", org, stack, local=local)


@app.command()
def reseal(ctx: typer.Context, org: Org, stack: Stack = None, local: Local = False, as_json: Json = False) -> None:
    """Seal what is left under an older data key again under the newest one."""
    _reseal(begin(ctx, as_json), "reseal", org, stack, local=local)


@app.command()
def destroy(
    ctx: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The data key's id, as `list` shows it.")],
    org: Org,
    stack: Stack = None,
    local: Local = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Destroy a data key that seals nothing any more: what it sealed never opens again.

    A backup that holds the key as well still opens: point-in-time recovery does for 35 days.
    """
    session = begin(ctx, as_json)
    operate = operator(session, stack, local=local)
    if not yes:
        confirm(f"Destroy data key {key_id} of {org}? This cannot be undone.")
    done = operate("data_keys.destroy", org=org, id=key_id)
    if as_json:
        session.print_json(done)
    else:
        out(f"Destroyed: data key {key_id} of {org}")


def _reseal(session: Session, action: str, org: str, stack: str | None, *, local: bool) -> None:
    operate = operator(session, stack, local=local)
    done = more = operate(f"data_keys.{action}", org=org)
    while more["before"]:  # the function seals for as long as it may run
        more = operate("data_keys.reseal", org=org, before=more["before"])
        versions, broken = done["versions"] + more["versions"], sorted({*done["broken"], *more["broken"]})
        done = more | {"versions": versions, "broken": broken}
    del done["before"]
    if session.as_json:
        session.print_json(done)
    else:
        out(f"Sealed {done['versions']} versions again under data key {done['id']} of {org}")
        _say_what_is_left(done)
    if done["broken"]:
        raise typer.Exit(1)


def _say_what_is_left(done: dict[str, Any]) -> None:
    if done["settled_in_s"]:
        minutes = -(-done["settled_in_s"] // 60)
        say(f"Functions may seal under the previous key for {minutes} more minutes. Run `reseal` once more after that;")
        say("then `list` shows which older keys seal nothing any more, and `destroy` removes them.")
    for each in done["broken"]:
        say(f"{each} was left as it is: its items were altered, so that the credential does not open. Rotate its key.")
