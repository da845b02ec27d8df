"""`providers data-keys`: the keys that seal stored credentials, for operators."""

from __future__ import annotations

from typing import Any

import click

from providers_client.cli import options
from providers_client.cli.commands import Group
from providers_client.cli.keys import operator, short
from providers_client.cli.session import Session, begin, confirm, out, say
from providers_client.cli.tables import Column, show, table

org_option = click.option("--org", required=True, help="The organization whose credentials the data keys seal.")


@click.group("data-keys", cls=Group, no_args_is_help=True)
def app() -> None:
    """Replace the keys that seal stored credentials (needs AWS credentials)."""


@app.command("list")
@org_option
@options.stack
@options.local
@options.as_json
@click.pass_context
def list_(ctx: click.Context, org: str, stack: str | None, local: bool, as_json: bool) -> None:
    """List an organization's data keys, newest first, with the number of versions that each seals."""
    session = begin(ctx, as_json, ("id", "created_at", "versions", "current"))
    found = operator(session, stack, local=local)("data_keys.list", org=org)
    if as_json:
        session.print_json(found)
    elif not found:
        say("No data keys: this organization has stored no credential.")
    else:
        shown = table(Column("ID"), Column("CREATED", drop=1), Column("SEALS"), Column(""))
        for each in found:
            current = "seals new versions" if each["current"] else ""
            shown.add(each["id"], short(each["created_at"]), f"{each['versions']} versions", current)
        show(shown)


@app.command()
@org_option
@options.stack
@options.local
@options.as_json
@click.pass_context
def rotate(ctx: click.Context, org: str, stack: str | None, local: bool, as_json: bool) -> None:
    """Create another data key and seal every stored version under it.

    Rotations, probes and reads continue meanwhile. If the command is interrupted, run `reseal` to finish.
    """
    _reseal(begin(ctx, as_json), "rotate", org, stack, local=local)


@app.command()
@org_option
@options.stack
@options.local
@options.as_json
@click.pass_context
def reseal(ctx: click.Context, org: str, stack: str | None, local: bool, as_json: bool) -> None:
    """Seal versions that use an older data key under the newest one."""
    _reseal(begin(ctx, as_json), "reseal", org, stack, local=local)


@app.command()
@click.argument("key_id", metavar="ID")
@org_option
@options.stack
@options.local
@options.yes
@options.as_json
@click.pass_context
def destroy(
    ctx: click.Context, key_id: str, org: str, stack: str | None, local: bool, yes: bool, as_json: bool
) -> None:
    """Destroy a data key that seals nothing any more. This cannot be undone.

    A backup that contains the key can still be opened: point-in-time recovery keeps one for 7 days.
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
    while more["before"]:  # one invocation seals until its time is up
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
        raise click.exceptions.Exit(1)


def _say_what_is_left(done: dict[str, Any]) -> None:
    if done["settled_in_s"]:
        minutes = -(-done["settled_in_s"] // 60)
        say(f"Functions may seal under the previous key for {minutes} more minutes. Run `reseal` once more after that;")
        say("then `list` shows the older keys that seal nothing, and `destroy` removes them.")
    for each in done["broken"]:
        say(
            f"{each} was not changed: its items were tampered with, so its credential cannot be opened. Rotate its key."
        )
