"""Read one provider, or a list of them."""

from __future__ import annotations

from collections.abc import Sequence

from providers.model.errors import provider_not_found
from providers.model.provider import Provider
from providers.ports import Ports, ProviderFilter
from providers.usecases.cursors import make_cursor, read_cursor
from providers_contract.ids import PROVIDER_ID


def get_provider(ports: Ports, org: str, provider_id: str) -> Provider:
    """Return the provider. Raises NotFound, also for another organization's provider."""
    found = ports.providers.get(org, provider_id)
    if found is None:
        raise provider_not_found(provider_id)
    return found


def list_providers(
    ports: Ports, org: str, wanted: ProviderFilter, limit: int, cursor: str | None
) -> tuple[Sequence[Provider], str | None]:
    """Return up to `limit` providers, newest first, and the cursor of the next page (None on the last page).

    A filtered page can contain fewer than `limit` providers, or none, and still have a next page.

    Raises InvalidRequest (`invalid_cursor`) if the cursor is not valid for this list and filter.
    """
    filters = (wanted.vendor, wanted.status, wanted.health, wanted.name, wanted.tag)
    scope = ("providers", org, *(each or "" for each in filters))
    page, last = ports.providers.list(org, wanted, limit, read_cursor(cursor, PROVIDER_ID, *scope))
    return page, None if last is None else make_cursor(last, *scope)
