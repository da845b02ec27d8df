"""`providers audit`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from providers_client.cli import options
from providers_client.cli.session import begin, find, say
from providers_client.cli.tables import Column, show, table, time

if TYPE_CHECKING:
    from providers_contract.responses import AuditEntry


@click.command()
@click.option(
    "--provider",
    "which",
    metavar="PROVIDER",
    help="Filter by provider, by id or name.",
    shell_complete=options.complete_provider,
)
@click.option(
    "--resource", "resource_id", metavar="ID", help="Filter by resource: a slug, an upload, or a deleted provider."
)
@click.option("--action", help="Filter by action, such as provider.rotated.")
@click.option("--by", "key_id", metavar="KEY_ID", help="Filter by management key.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Maximum number to show.")
@options.as_json
@click.pass_context
def audit(
    ctx: click.Context,
    which: str | None,
    resource_id: str | None,
    action: str | None,
    key_id: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show who changed what, newest first."""
    session = begin(ctx, as_json, "AuditEntry")
    with session.client() as client:
        resource = find(client, which) if which is not None else resource_id
        found = list(client.list_audit(resource, action, key_id, limit))
    if as_json:
        session.print_json(found)
    elif not found:
        say("No changes.")
    else:
        shown = table(
            Column("TIME", drop=1),
            Column("ACTION"),
            Column("RESOURCE", drop=2 if resource is None else 4),  # then it is the same in every row
            Column("BY", drop=3),
            Column("CHANGE", folds=True),
        )
        for each in found:
            by = each.actor.type if each.actor.key_id is None else f"{each.actor.type} {each.actor.key_id}"
            shown.add(time(each.at), each.action, each.resource.id, by, change_of(each))
        show(shown)


def change_of(entry: AuditEntry) -> str:
    """Return the changes as `name: A → B, status: active → disabled`; what was created or deleted as `name: A`."""
    before, after = entry.before or {}, entry.after or {}
    if not (before and after):
        return ", ".join(f"{name}: {_value(each, name)}" for each in (before, after) for name in each if each[name])
    changes = [(name, _value(before, name), _value(after, name)) for name in {**before, **after}]
    return ", ".join(f"{name}: {was} → {now}" for name, was, now in changes if was != now)


def _value(members: dict[str, object], name: str) -> str:
    value = members.get(name)
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
