"""The caller, as the authorizer passes it to the endpoints: written and read in one module.

API Gateway carries it as strings in the request context. Only the authorizer can put it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from providers.model.errors import Unauthenticated
from providers_contract.frozen import dataclass
from providers_data_plane.encoding import time_text

if TYPE_CHECKING:  # only the authorizer looks callers up
    from providers.usecases.management_keys import Caller


@dataclass(frozen=True, slots=True)
class Authorized:
    """An authenticated caller."""

    org: str
    key_id: str
    key_name: str
    key_expires_at: datetime | None
    scopes: frozenset[str]
    limited: bool
    limit: int
    remaining: int
    reset_s: int


def to_context(caller: Caller) -> dict[str, str]:
    """Return the authorizer's context for `caller`."""
    return {
        "org": caller.key.org,
        "key_id": caller.key.id,
        "key_name": caller.key.name,
        "key_expires_at": time_text(caller.key.expires_at),
        "scopes": " ".join(sorted(caller.key.scopes)),
        "rate_limit": str(caller.limit),
        "rate_remaining": str(caller.remaining),
        "rate_reset": str(caller.reset_s),
        "rate_limited": "true" if caller.limited else "false",
    }


def from_event(event: Mapping[str, Any]) -> Authorized:
    """Return the caller in an event's request context. Raises Unauthenticated if there is none."""
    context = (event.get("requestContext") or {}).get("authorizer") or {}
    try:
        return Authorized(
            org=context["org"],
            key_id=context["key_id"],
            key_name=context.get("key_name", ""),  # missing while a deployment has not replaced the authorizer yet
            key_expires_at=datetime.fromisoformat(expiry) if (expiry := context.get("key_expires_at")) else None,
            scopes=frozenset(context["scopes"].split()),
            limited=context.get("rate_limited") == "true",
            limit=int(context["rate_limit"]),
            remaining=int(context["rate_remaining"]),
            reset_s=int(context["rate_reset"]),
        )
    except (KeyError, AttributeError, ValueError):
        raise Unauthenticated("missing_api_key", "send a management key as Authorization: Bearer mlx_mk_…") from None
