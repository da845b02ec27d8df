"""Completes the names of providers. It asks the API once, and completes nothing if that fails."""

from __future__ import annotations

import os
import re
from typing import Final

import click
from click.shell_completion import CompletionItem

from providers_client.cli.access import Access
from providers_client.cli.quick_read import entries
from providers_client.cli.session import Session
from providers_client.errors import ConfigurationError, ProvidersAPIError
from providers_contract.operations import LIST_PROVIDERS

TIMEOUT_S: Final = 2.0
_MOST: Final = 300
_SPECIAL: Final = re.compile(r"([^\w@%+=:,./-])")


def names(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the names that begin with `incomplete`, which can be a part of a key and so is not sent."""
    session = Session(**ctx.find_root().params)
    try:
        stored = _names(session.access())
    except (ConfigurationError, ProvidersAPIError):
        return []
    wanted = [each for each in stored if each.casefold().startswith(incomplete.casefold()) and each.isprintable()]
    return [CompletionItem(_escaped(each)) for each in wanted]


def _names(found: Access) -> list[str]:
    """Return the names of providers. Raises ConfigurationError or ProvidersAPIError."""
    quick = entries(found, LIST_PROVIDERS, {}, lambda each: str(each["name"]), limit=_MOST, timeout=TIMEOUT_S)
    if quick is not None:
        return quick
    from providers_client.sync import Client  # late: its libraries take longer to import than a request takes

    with Client(found.url, found.key, timeout=TIMEOUT_S, retries=0) as client:
        return [each.name for each in client.list_providers(limit=_MOST)]


def _escaped(name: str) -> str:
    """Return a name as bash must get it: click's function for bash quotes nothing, and its `read` drops a backslash.

    The functions for zsh and fish quote by themselves.
    """
    in_bash = os.environ.get("_PROVIDERS_COMPLETE") == "bash_complete"
    return _SPECIAL.sub(r"\\\\\1", name) if in_bash else name
