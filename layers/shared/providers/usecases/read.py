"""Read providers, and page through lists with signed cursors."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Sequence
from typing import Final

from providers.model.errors import InvalidRequest, provider_not_found
from providers.model.provider import Provider
from providers.ports import Ports, ProviderFilter

CURSOR: Final = "cursor"
_TAG_CHARS: Final = 32


def get_provider(ports: Ports, org: str, provider_id: str) -> Provider:
    """The provider as it is now. Raises NotFound; another organization's provider is not found either."""
    found = ports.providers.get(org, provider_id)
    if found is None:
        raise provider_not_found(provider_id)
    return found


def list_providers(
    ports: Ports, org: str, wanted: ProviderFilter, limit: int, cursor: str | None
) -> tuple[Sequence[Provider], str | None]:
    """Up to `limit` providers, newest first, and the cursor of the next page (None on the last).

    A filtered page can hold fewer than `limit`, or none, and still have a next one.

    Raises InvalidRequest (`invalid_cursor`) for a cursor that was not made by this list with this filter.
    """
    scope = ("providers", org, wanted.vendor or "", wanted.status or "", wanted.health or "")
    page, last = ports.providers.list(org, wanted, limit, read_cursor(ports, cursor, *scope))
    return page, None if last is None else make_cursor(ports, last, *scope)


def make_cursor(ports: Ports, position: str, *scope: str) -> str:
    """An opaque cursor: `position`, signed together with the list that it belongs to."""
    tag = ports.digests.digest(CURSOR, position, *scope)[:_TAG_CHARS]
    return base64.urlsafe_b64encode(json.dumps([position, tag]).encode()).decode().rstrip("=")


def read_cursor(ports: Ports, cursor: str | None, *scope: str) -> str | None:
    """The position in `cursor`, None for None. Raises InvalidRequest (`invalid_cursor`)."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position, tag = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        genuine = isinstance(position, str) and hmac.compare_digest(
            tag.encode(), ports.digests.digest(CURSOR, position, *scope)[:_TAG_CHARS].encode()
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        genuine = False
    if not genuine:
        raise InvalidRequest(
            "invalid_cursor", "cursor is not one that this list gave out with these filters", param="cursor"
        )
    return str(position)
