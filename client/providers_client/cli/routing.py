"""`providers routing list|get|put|rm|litellm`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click

from providers_client.cli import options
from providers_client.cli.commands import Group
from providers_client.cli.session import Session, begin, confirm, find_by_name, out, say
from providers_client.cli.tables import Column, details, show, table, time
from providers_client.errors import ConfigurationError
from providers_contract import vendors
from providers_contract.ids import PROVIDER_ID
from providers_contract.vocabulary import Strategy

if TYPE_CHECKING:
    from providers_contract.responses import RoutingConfig

LITELLM_CALLBACK: Final = "providers_data_plane.integrations.litellm.callback"

slug_argument = click.argument("slug", metavar="SLUG")


@click.group("routing", cls=Group, no_args_is_help=True)
def app() -> None:
    """Manage routing configs, which protect their providers."""


@app.command("list")
@options.as_json
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List routing configs."""
    session = begin(ctx, as_json, "RoutingConfig")
    with session.client() as client:
        found = list(client.list_routing_configs())
    if as_json:
        session.print_json(found)
    elif not found:
        say("No routing configs.")
    else:
        shown = table(
            Column("SLUG"), Column("STRATEGY", drop=1), Column("UPDATED", drop=2), Column("ATTEMPTS", folds=True)
        )
        for each in found:
            shown.add(each.slug, each.strategy, time(each.updated_at), _attempts(each))
        show(shown)


@app.command()
@slug_argument
@options.as_json
@click.pass_context
def get(ctx: click.Context, slug: str, as_json: bool) -> None:
    """Show a routing config."""
    session = begin(ctx, as_json, "RoutingConfig")
    with session.client() as client:
        _show(session, client.get_routing_config(slug))


@app.command()
@slug_argument
@click.option(
    "--attempt",
    "attempts",
    multiple=True,
    required=True,
    metavar="PROVIDER=MODEL",
    help="An attempt, by the provider's id or name; repeat it.",
)
@click.option("--strategy", type=options.one_of(Strategy), help="Default: fallback if there are several attempts.")
@options.as_json
@click.pass_context
def put(ctx: click.Context, slug: str, attempts: tuple[str, ...], strategy: str | None, as_json: bool) -> None:
    """Create a routing config, or replace it."""
    from providers_contract.responses import AttemptView  # late: the models take long to import

    session = begin(ctx, as_json, "RoutingConfig")
    pairs = [each.rpartition("=")[::2] for each in attempts]
    if not all(which and model for which, model in pairs):
        raise ConfigurationError("--attempt has the form PROVIDER=MODEL")
    with session.client() as client:
        named = [which for which, _ in pairs if not PROVIDER_ID.fullmatch(which)]
        known = list(client.list_providers()) if named else []
        ids = {which: find_by_name(known, which) for which in named}
        steps = [AttemptView(provider_id=ids.get(which, which), model=model) for which, model in pairs]
        chosen = strategy or ("single" if len(steps) == 1 else "fallback")
        _show(session, client.put_routing_config(slug, chosen, steps))


@app.command("rm")
@slug_argument
@options.yes
@options.as_json
@click.pass_context
def remove(ctx: click.Context, slug: str, yes: bool, as_json: bool) -> None:
    """Delete a routing config."""
    session = begin(ctx, as_json, "DeletedRoutingConfig")
    with session.client() as client:
        if not yes:
            found = client.get_routing_config(slug)
            confirm(f"Delete {found.slug} ({_attempts(found)})?")
        deleted = client.delete_routing_config(slug)
    if as_json:
        session.print_json(deleted)
    else:
        out(f"Deleted: {deleted.slug}")


@app.command(short_help="Write a configuration for LiteLLM's proxy.")
@click.pass_context
def litellm(ctx: click.Context) -> None:
    """Write a configuration for LiteLLM's proxy, with the routing configs as its models.

    It contains no credential: the callback that it names reads the active one for each call (docs/use.md).
    """
    with begin(ctx).client() as client:
        owners = {each.id: each.vendor for each in client.list_providers()}
        configs = list(client.list_routing_configs())
    out("litellm_settings:")
    out(f"  callbacks: [{json.dumps(LITELLM_CALLBACK)}]")
    out("model_list:" if configs else "model_list: []")
    for config in configs:
        for order, each in enumerate(config.attempts, 1):
            vendor = owners[each.provider_id]
            model = f"{vendors.LITELLM_NAMES.get(vendor, vendor)}/{each.model}"
            out(f"  - model_name: {json.dumps(config.slug)}")
            out(f"    litellm_params: {json.dumps({'model': model, 'order': order})}")
            out(f"    model_info: {json.dumps({'provider_id': each.provider_id})}")


def _attempts(config: RoutingConfig) -> str:
    return ", ".join(f"{each.provider_id}={each.model}" for each in config.attempts)


def _show(session: Session, found: RoutingConfig) -> None:
    if session.as_json:
        session.print_json(found)
        return
    steps: dict[str, object] = {
        f"attempt {number}": f"{each.provider_id} {each.model}" for number, each in enumerate(found.attempts, 1)
    }
    shown = {"slug": found.slug, "strategy": found.strategy} | steps
    show(details(shown | {"created": time(found.created_at), "updated": time(found.updated_at)}))
