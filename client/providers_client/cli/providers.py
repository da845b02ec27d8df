"""`providers add|get|rotate|update|upload`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import click

from providers_client.cli import options
from providers_client.cli.options import VENDOR
from providers_client.cli.session import (
    Session,
    begin,
    find,
    out,
    say,
    say_warnings,
    warnings_member,
)
from providers_client.cli.tables import (
    details,
    show,
    state_of,
    time,
)
from providers_client.cli.vendor_keys import read_key
from providers_client.errors import ConfigurationError
from providers_client.unset import UNSET

if TYPE_CHECKING:
    from providers_contract.responses import Changed, Provider


@click.command()
@click.argument("vendor", type=VENDOR, metavar="VENDOR")
@click.argument("name")
@options.base_url
@options.key_expires_at
@options.tags
@click.option("--store-pending", is_flag=True, help="If the vendor is unavailable, store the key unverified.")
@options.key_file
@options.key_stdin
@options.key_env
@options.quiet
@options.as_json
@click.pass_context
def add(
    ctx: click.Context,
    vendor: str,
    name: str,
    base_url: str | None,
    key_expires_at: datetime | None,
    tags: tuple[str, ...],
    store_pending: bool,
    key_file: str | None,
    key_stdin: bool,
    key_env: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Verify a credential with its vendor and add it.

    NAME is unique in the organization. Without an option for the key, it is prompted for, and not shown.
    """
    session = begin(ctx, as_json, "Provider", quiet=quiet)
    with session.client() as client:
        key = read_key(vendor, key_file, key_stdin, key_env)
        with session.verifying():
            changed = client.add_provider(
                vendor,
                name,
                key,
                base_url=base_url,
                key_expires_at=_utc(key_expires_at),
                on_unavailable="store_pending" if store_pending else None,
                tags=tags or None,
            )
    show_changed(session, changed, "Added")


@click.command()
@options.provider
@options.as_json
@click.pass_context
def get(ctx: click.Context, which: str, as_json: bool) -> None:
    """Show a provider."""
    session = begin(ctx, as_json, "Provider")
    with session.client() as client:
        found = client.get_provider(find(client, which))
    if as_json:
        session.print_json(found)
    else:
        _show(found)


@click.command()
@options.provider
@options.base_url
@options.key_expires_at
@options.key_file
@options.key_stdin
@options.key_env
@options.quiet
@options.as_json
@click.pass_context
def rotate(
    ctx: click.Context,
    which: str,
    base_url: str | None,
    key_expires_at: datetime | None,
    key_file: str | None,
    key_stdin: bool,
    key_env: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Verify a new key and replace the active one.

    If the vendor refuses the new key, the old one stays active.
    """
    session = begin(ctx, as_json, "Provider", quiet=quiet)
    with session.client() as client:
        provider_id = find(client, which)
        key = read_key(None, key_file, key_stdin, key_env)
        with session.verifying():
            changed = client.update_provider(
                provider_id,
                api_key=key,
                base_url=UNSET if base_url is None else base_url,
                key_expires_at=_utc(key_expires_at) or UNSET,
            )
    unchanged = any(warning.code == "credential_unchanged" for warning in changed.warnings)
    show_changed(session, changed, "Unchanged" if unchanged else "Rotated")


@click.command()
@options.provider
@click.option("--name", help="A new name.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether it can be used, and is probed.")
@options.key_expires_at
@click.option(
    "--no-key-expires-at",
    "no_key_expiry",
    is_flag=True,
    help="Remove the time when the vendor stops accepting the key.",
)
@click.option("--tag", "tags", multiple=True, help="A label for filtering; can be repeated. Replaces all tags.")
@click.option("--no-tags", is_flag=True, help="Remove all tags.")
@options.quiet
@options.as_json
@click.pass_context
def update(
    ctx: click.Context,
    which: str,
    name: str | None,
    enabled: bool | None,
    key_expires_at: datetime | None,
    no_key_expiry: bool,
    tags: tuple[str, ...],
    no_tags: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Rename, tag, enable or disable, or set the key's expiry."""
    session = begin(ctx, as_json, "Provider", quiet=quiet)
    if no_key_expiry and key_expires_at is not None:
        raise ConfigurationError("use either --key-expires-at or --no-key-expires-at")
    if tags and no_tags:
        raise ConfigurationError("use either --tag or --no-tags")
    if name is None and enabled is None and key_expires_at is None and not (no_key_expiry or tags or no_tags):
        raise ConfigurationError(
            "nothing to change: use --name, --enable, --disable, --tag, --no-tags, --key-expires-at or "
            "--no-key-expires-at"
        )
    status: Literal["active", "disabled"] = "active" if enabled else "disabled"
    with session.client() as client:
        changed = client.update_provider(
            find(client, which),
            name=UNSET if name is None else name,
            status=UNSET if enabled is None else status,
            key_expires_at=None if no_key_expiry else _utc(key_expires_at) or UNSET,
            tags=tags if tags or no_tags else UNSET,
        )
    show_changed(session, changed, "Updated")


@click.command()
@click.argument("which", metavar="[PROVIDER]", required=False, shell_complete=options.complete_provider)
@click.option("--vendor", type=VENDOR, metavar="VENDOR", help="For a new provider: its vendor.")
@click.option("--name", help="For a new provider: its name.")
@options.base_url
@click.option("--quiet", "-q", is_flag=True, help="Print only the link.")
@options.as_json
@click.pass_context
def upload(
    ctx: click.Context,
    which: str | None,
    vendor: str | None,
    name: str | None,
    base_url: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Create a one-time link for someone else to enter a key."""
    session = begin(ctx, as_json, "Upload", quiet=quiet)
    if (which is None) == (vendor is None or name is None):
        raise ConfigurationError("name a provider to rotate, or use --vendor and --name for a new one")
    with session.client() as client:
        made = client.create_upload(None if which is None else find(client, which), vendor, name, base_url)
    if as_json:
        session.print_json(made)
    else:
        if not quiet:
            until = time(made.expires_at)
            say(f"For one {made.vendor} key, named {made.name}; expires {until}. The link is shown only once:")
        out(made.url)


def show_changed(session: Session, changed: Changed[Provider], done: str) -> None:
    """Print a provider that was changed, as the command's options ask for."""
    if session.as_json:
        session.print_json(changed.data, **warnings_member(changed.warnings))
        return
    say_warnings(changed.warnings)
    if session.quiet:
        out(changed.data.id)
        return
    out(f"{done}: {changed.data.name}")
    _show(changed.data)


def _show(found: Provider) -> None:
    verified = found.verification
    outcome = verified.outcome if verified.reason is None else f"{verified.outcome}: {verified.reason}"
    state, checked = state_of(found.status, found.health.state), time(found.health.last_check_at)
    show(
        details(
            {
                "id": found.id,
                "name": found.name,
                "vendor": found.vendor,
                **({"tags": ", ".join(found.tags)} if found.tags else {}),
                "base URL": found.base_url or "the vendor's own",
                "status": found.status,
                "health": (*state, (f", checked {checked}" if checked else "", "")),
                "key": f"{found.key_hint} (version {found.key_version}, since {time(found.key_rotated_at)})",
                "key expires": time(found.key_expires_at) or "unknown",
                "verified": f"{outcome}, {time(verified.checked_at)}",
                "created": time(found.created_at),
            }
        )
    )


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)
