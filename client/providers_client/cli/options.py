"""Options and arguments of several commands. Nothing here imports the client: `--help` must be fast."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import click

from providers_client.cli.closest import suggestion
from providers_contract import vendors

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

FILE: Final = click.Path(allow_dash=True)


class OneOf(click.Choice[str]):
    """One of some words; an error suggests the closest of them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word. Raises BadParameter."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            message = error.message
        raise click.BadParameter(message + suggestion(str(value).lower(), self.choices), ctx, param)


VENDOR: Final = OneOf(vendors.NAMES)


def one_of(enumeration: type[StrEnum]) -> OneOf:
    """Return the type of an option whose value is one of an enumeration's."""
    return OneOf([each.value for each in enumeration])


as_json = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the API's response as JSON, or only some fields with --json=FIELD,…; errors too, on standard error.",
)
quiet = click.option("--quiet", "-q", is_flag=True, help="Print only the id.")
yes = click.option("--yes", "-y", is_flag=True, help="Skip confirmation.")


def complete_provider(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 - click's signature
    """Return the names of providers."""
    from providers_client.cli import completing  # late: it needs the client

    return completing.names(ctx, incomplete)


provider = click.argument("which", metavar="PROVIDER", shell_complete=complete_provider)
"""A provider's id or name."""
providers = click.argument("which", nargs=-1, required=True, metavar="PROVIDER…", shell_complete=complete_provider)
"""The ids or names of one or more providers."""

key_expires_at = click.option(
    "--key-expires-at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"]),
    metavar="TIME",
    help="When the vendor stops accepting the key, UTC: 2026-12-31 or 2026-12-31T12:00:00Z.",
)
tags = click.option("--tag", "tags", multiple=True, help="A label for filtering; can be repeated.")
base_url = click.option(
    "--base-url", help=f"The vendor's endpoint; required for {', '.join(vendors.REQUIRING_BASE_URL)}."
)
key_file = click.option("--key-file", type=FILE, help="Read the vendor's key from this file.")
key_stdin = click.option("--key-stdin", is_flag=True, help="Read the vendor's key from standard input.")
key_env = click.option("--key-env", metavar="NAME", help="Read the vendor's key from this environment variable.")
stack = click.option("--stack", help="The name of a CloudFormation stack, used with your AWS credentials.")
local = click.option("--local", is_flag=True, help="The stack that `make run` serves, at --url.")
