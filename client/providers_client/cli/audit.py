"""`providers audit`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from providers_client.cli.session import Json, begin, console, find, say
from providers_client.cli.tables import cells, table, time
from providers_contract.responses import AuditEntry


def audit(
    ctx: typer.Context,
    which: Annotated[
        str | None, typer.Option("--provider", metavar="PROVIDER", help="Only this provider's, by id or name.")
    ] = None,
    resource_id: Annotated[
        str | None,
        typer.Option("--resource", metavar="ID", help="Only this resource's: a slug, an upload, or one deleted."),
    ] = None,
    action: Annotated[str | None, typer.Option(help="Only such changes, as provider.rotated.")] = None,
    key_id: Annotated[
        str | None, typer.Option("--by", metavar="KEY_ID", help="Only those of this management key.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: Json = False,
) -> None:
    """Show who changed what, newest first."""
    session = begin(ctx, as_json)
    with session.client() as client:
        resource = find(client, which) if which is not None else resource_id
        found = list(client.list_audit(resource, action, key_id, limit))
    if as_json:
        session.print_json(found)
    elif not found:
        say("No changes.")
    else:
        shown = table("TIME", "ACTION", "RESOURCE", "BY", "CHANGE")
        for each in found:
            by = each.actor.type if each.actor.key_id is None else f"{each.actor.type} {each.actor.key_id}"
            shown.add_row(*cells(time(each.at), each.action, each.resource.id, by, change_of(each)))
        console().print(shown)


def change_of(entry: AuditEntry) -> str:
    """`name: A → B, status: active → disabled`."""
    before, after = entry.before or {}, entry.after or {}
    changes = [(name, _value(before, name), _value(after, name)) for name in {**before, **after}]
    return ", ".join(f"{name}: {was} → {now}" for name, was, now in changes if was != now)


def _value(members: dict[str, object], name: str) -> str:
    value = members.get(name)
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
