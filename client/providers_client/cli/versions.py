"""`providers versions|destroy-version|rollback`."""

from __future__ import annotations

import click

from providers_client.cli import options
from providers_client.cli.providers import show_changed
from providers_client.cli.session import begin, confirm, find, out
from providers_client.cli.tables import Column, show, styled, table, time


@click.command()
@options.provider
@options.as_json
@click.pass_context
def versions(ctx: click.Context, which: str, as_json: bool) -> None:
    """List the key versions that can still be read.

    SAFE TO REVOKE: nothing uses the key any more, so you can revoke it at the vendor.
    """
    session = begin(ctx, as_json, "Version")
    with session.client() as client:
        found = client.list_versions(find(client, which))
    if as_json:
        session.print_json(found)
        return
    shown = table(
        Column("VERSION", right=True),
        Column("KEY"),
        Column("CREATED", drop=3),
        Column("RETIRES", drop=1),
        Column("LAST USED", drop=2),
        Column("SAFE TO REVOKE"),
    )
    for each in found:
        retires = styled("active", "green") if each.active else time(each.retires_at)
        safe = "yes" if each.safe_to_revoke else "no"
        shown.add(each.number, each.hint, time(each.created_at), retires, time(each.last_used_at), safe)
    show(shown)


@click.command("destroy-version")
@options.provider
@click.argument("number", type=click.IntRange(min=1), metavar="VERSION")
@options.yes
@options.as_json
@click.pass_context
def destroy_version(ctx: click.Context, which: str, number: int, yes: bool, as_json: bool) -> None:
    """Destroy a replaced key version early.

    It can no longer be used or restored. `providers versions` shows the numbers.
    """
    session = begin(ctx, as_json, "DestroyedVersion")
    with session.client() as client:
        provider_id = find(client, which)
        if not yes:
            prompt = f"Destroy version {number} of {which}? Requests that still use it will fail."
            confirm(prompt)
        destroyed = client.destroy_version(provider_id, number)
    if as_json:
        session.print_json(destroyed)
    else:
        out(f"Destroyed: version {destroyed.number} of {destroyed.provider_id}")


@click.command()
@options.provider
@click.option("--to", type=click.IntRange(min=1), metavar="VERSION", help="Default: the previous version.")
@options.quiet
@options.as_json
@click.pass_context
def rollback(ctx: click.Context, which: str, to: int | None, quiet: bool, as_json: bool) -> None:
    """Restore a previous key (creates a new version)."""
    session = begin(ctx, as_json, "Provider", quiet=quiet)
    with session.client() as client:
        provider_id = find(client, which)
        with session.verifying():
            changed = client.rollback_provider(provider_id, to)
    show_changed(session, changed, "Rolled back")
