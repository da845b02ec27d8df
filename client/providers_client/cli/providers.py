"""`providers list|add|get|rotate|update|rm|versions|rollback|upload`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer
from rich.text import Text

from providers_client.aio import AsyncClient
from providers_client.calls import UNSET
from providers_client.cli.session import (
    Json,
    Session,
    Which,
    Yes,
    begin,
    confirm,
    console,
    find,
    out,
    run,
    say,
    say_warnings,
    warnings_member,
)
from providers_client.cli.sparklines import sparkline
from providers_client.cli.tables import cells, details, milliseconds, state_of, table, time
from providers_client.cli.vendor_keys import KeyEnv, KeyFile, KeyStdin, read_key
from providers_client.errors import ConfigurationError, ProvidersAPIError
from providers_contract import vendors
from providers_contract.responses import Changed, Health, Provider
from providers_contract.vocabulary import HealthState, Status

CHARTED = 20
"""Rows that get a sparkline: each is a request, and a management key has sixty a minute."""
AT_ONCE = 8

Expires = Annotated[
    datetime | None,
    typer.Option(
        "--key-expires-at", formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"], help="When the vendor stops accepting it, UTC."
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", help=f"The vendor's endpoint; required for {', '.join(vendors.REQUIRING_BASE_URL)}."),
]


def _known_vendor(name: str) -> str:
    if name not in vendors.NAMES:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(vendors.NAMES)}.")
    return name


def _vendor_names() -> list[str]:
    return [*vendors.NAMES]


def list_(
    ctx: typer.Context,
    vendor: Annotated[
        str | None,
        typer.Option(help="Filter by vendor.", parser=_known_vendor, autocompletion=_vendor_names, metavar="VENDOR"),
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Filter by status.")] = None,
    health: Annotated[HealthState | None, typer.Option(help="Filter by health.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The newest so many; all without it.")] = None,
    chart: Annotated[bool, typer.Option(help="A sparkline of the last hour, for the first 20.")] = True,
    as_json: Json = False,
) -> None:
    """List providers, newest first, with their health."""
    session = begin(ctx, as_json)
    found, lines = run(_list(session, vendor, status, health, limit, charted=0 if as_json or not chart else CHARTED))
    if as_json:
        session.print_json(found)
        return
    columns = ["NAME", "VENDOR", "STATE", "P50", *(["LAST HOUR"] if lines else []), "ID"]
    shown = table(*columns, right=["P50"])
    for number, each in enumerate(found):
        line = [lines.get(number, Text())] if lines else []
        p50 = milliseconds(each.health.p50_latency_ms)
        shown.add_row(*cells(each.name, each.vendor, state_of(each), p50, *line, each.id))
    if found:
        console().print(shown)
    else:
        say("No providers." if not (vendor or status or health) else "No providers of this kind.")


async def _list(
    session: Session, vendor: str | None, status: str | None, health: str | None, limit: int | None, charted: int
) -> tuple[list[Provider], dict[int, Text]]:
    async with session.async_client() as client:
        found = [each async for each in client.list_providers(vendor, status, health, limit)]
        async with session.async_client(retries=0) as impatient:
            gate = asyncio.Semaphore(AT_ONCE)
            histories = await asyncio.gather(*(_history(impatient, gate, each.id) for each in found[:charted]))
    return found, {at: sparkline(health.history, 12) for at, health in enumerate(histories) if health is not None}


async def _history(client: AsyncClient, gate: asyncio.Semaphore, provider_id: str) -> Health | None:
    """The last hour, or None: a list is shown even where its charts cannot be had."""
    async with gate:
        try:
            return await client.get_provider_health(provider_id, "1h")
        except ProvidersAPIError:
            return None


def add(
    ctx: typer.Context,
    vendor: Annotated[
        str,
        typer.Argument(
            help=f"The vendor that issued the key: {', '.join(vendors.NAMES)}.",
            parser=_known_vendor,
            autocompletion=_vendor_names,
            metavar="VENDOR",
        ),
    ],
    name: Annotated[str, typer.Argument(help="What to call it; unique in the organization.")],
    base_url: BaseUrl = None,
    key_expires_at: Expires = None,
    store_pending: Annotated[
        bool, typer.Option("--store-pending", help="Store it unverified where the vendor cannot be reached.")
    ] = False,
    key_file: KeyFile = None,
    key_stdin: KeyStdin = False,
    key_env: KeyEnv = None,
    as_json: Json = False,
) -> None:
    """Verify a credential with its vendor and add it. The key is asked for, and not shown."""
    session = begin(ctx, as_json)
    with session.client() as client:
        key = read_key(vendor, key_file, key_stdin, key_env)
        changed = client.add_provider(
            vendor,
            name,
            key,
            base_url=base_url,
            key_expires_at=_utc(key_expires_at),
            on_unavailable="store_pending" if store_pending else None,
        )
    _show_changed(session, changed, "Added")


def get(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """Show a provider."""
    session = begin(ctx, as_json)
    with session.client() as client:
        found = client.get_provider(find(client, which))
    if as_json:
        session.print_json(found)
    else:
        _show(found)


def rotate(
    ctx: typer.Context,
    which: Which,
    base_url: BaseUrl = None,
    key_expires_at: Expires = None,
    key_file: KeyFile = None,
    key_stdin: KeyStdin = False,
    key_env: KeyEnv = None,
    as_json: Json = False,
) -> None:
    """Verify a new key and swap it in, atomically. A refused one leaves the old one in force."""
    session = begin(ctx, as_json)
    with session.client() as client:
        provider_id = find(client, which)
        changed = client.update_provider(
            provider_id,
            api_key=read_key(None, key_file, key_stdin, key_env),
            base_url=UNSET if base_url is None else base_url,
            key_expires_at=_utc(key_expires_at) or UNSET,
        )
    _show_changed(session, changed, "Rotated")


def update(
    ctx: typer.Context,
    which: Which,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Whether it is used and checked.", show_default=False)
    ] = None,
    key_expires_at: Expires = None,
    no_key_expiry: Annotated[
        bool, typer.Option("--no-key-expires-at", help="Forget when the vendor stops accepting the key.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Rename, enable or disable a provider, or change what is known of its key's expiry."""
    session = begin(ctx, as_json)
    if no_key_expiry and key_expires_at is not None:
        raise ConfigurationError("give --key-expires-at or --no-key-expires-at, not both")
    if name is None and enabled is None and key_expires_at is None and not no_key_expiry:
        raise ConfigurationError(
            "nothing to change: give --name, --enable, --disable, --key-expires-at or --no-key-expires-at"
        )
    status: Literal["active", "disabled"] = "active" if enabled else "disabled"
    with session.client() as client:
        changed = client.update_provider(
            find(client, which),
            name=UNSET if name is None else name,
            status=UNSET if enabled is None else status,
            key_expires_at=None if no_key_expiry else _utc(key_expires_at) or UNSET,
        )
    _show_changed(session, changed, "Updated")


def remove(
    ctx: typer.Context,
    which: Which,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell whether it could be deleted.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a provider and every version of its credential."""
    session = begin(ctx, as_json)
    with session.client() as client:
        provider_id = find(client, which)
        if not (yes or dry_run):
            found = client.get_provider(provider_id)
            confirm(f"Delete {found.name} ({found.vendor}, key {found.key_hint})?")
        deleted = client.delete_provider(provider_id, dry_run=dry_run)
    if as_json:
        session.print_json(deleted)
    else:
        out(f"{'Can be deleted' if dry_run else 'Deleted'}: {deleted.id}")


def versions(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """List the key versions that can still be read, and which may be revoked at the vendor."""
    session = begin(ctx, as_json)
    with session.client() as client:
        found = client.list_versions(find(client, which))
    if as_json:
        session.print_json(found)
        return
    shown = table("VERSION", "KEY", "CREATED", "RETIRES", "LAST USED", "SAFE TO REVOKE", right=["VERSION"])
    for each in found:
        retires = Text("in force", "green") if each.active else time(each.retires_at)
        safe = "yes" if each.safe_to_revoke else "no"
        shown.add_row(*cells(each.number, each.hint, time(each.created_at), retires, time(each.last_used_at), safe))
    console().print(shown)


def destroy_version(
    ctx: typer.Context,
    which: Which,
    number: Annotated[int, typer.Argument(min=1, metavar="VERSION", help="As `providers versions` shows it.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Destroy a key version that is not active, before its grace window ends."""
    session = begin(ctx, as_json)
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


def rollback(
    ctx: typer.Context,
    which: Which,
    to: Annotated[int | None, typer.Option(min=1, metavar="VERSION", help="The previous one without it.")] = None,
    as_json: Json = False,
) -> None:
    """Put an earlier key version in force again while it is kept; itself a new version."""
    session = begin(ctx, as_json)
    with session.client() as client:
        changed = client.rollback_provider(find(client, which), to)
    _show_changed(session, changed, "Rolled back")


def upload(
    ctx: typer.Context,
    which: Annotated[str | None, typer.Argument(metavar="[PROVIDER]", help="The provider to rotate.")] = None,
    vendor: Annotated[
        str | None,
        typer.Option(
            help="For a new provider: its vendor.",
            parser=_known_vendor,
            autocompletion=_vendor_names,
            metavar="VENDOR",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="For a new provider: its name.")] = None,
    base_url: BaseUrl = None,
    as_json: Json = False,
) -> None:
    """Make a one-time link at which someone else enters a key, so that it need not be sent around."""
    session = begin(ctx, as_json)
    if (which is None) == (vendor is None or name is None):
        raise ConfigurationError("give a provider to rotate, or --vendor and --name for a new one")
    with session.client() as client:
        made = client.create_upload(None if which is None else find(client, which), vendor, name, base_url)
    if as_json:
        session.print_json(made)
    else:
        say(f"For one {made.vendor} key, as {made.name}, until {time(made.expires_at)}. The link is shown this once:")
        out(made.url)


def _show_changed(session: Session, changed: Changed[Provider], done: str) -> None:
    if session.as_json:
        session.print_json(changed.data, **warnings_member(changed.warnings))
        return
    say_warnings(changed.warnings)
    out(f"{done}: {changed.data.name}")
    _show(changed.data)


def _show(found: Provider) -> None:
    verified = found.verification
    outcome = verified.outcome if verified.reason is None else f"{verified.outcome}: {verified.reason}"
    checked = time(found.health.last_check_at)
    console().print(
        details(
            {
                "id": found.id,
                "name": found.name,
                "vendor": found.vendor,
                "base URL": found.base_url or "the vendor's own",
                "status": found.status,
                "health": Text.assemble(state_of(found), f", checked {checked}" if checked else ""),
                "key": f"{found.key_hint} (version {found.key_version}, since {time(found.key_rotated_at)})",
                "key expires": time(found.key_expires_at) or "not known",
                "verified": f"{outcome}, {time(verified.checked_at)}",
                "created": time(found.created_at),
            }
        )
    )


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)
