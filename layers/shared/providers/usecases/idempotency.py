"""Apply a mutation once, however often its request is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from providers.model.errors import Conflict, Unavailable, Unprocessable
from providers.model.idempotency import KEPT, LEASE, Lease, StoredResponse

if TYPE_CHECKING:
    from providers.ports import Ports

KEY: Final = "idempotency-key"
REQUEST: Final = "idempotency-request"
RETRY_AFTER_S: Final = 2
"""Seconds after which a request in progress has usually ended."""


def begin(ports: Ports, org: str, key: str, request: dict[str, Any]) -> Lease | StoredResponse:
    """Lease `key` for `request`, or return the stored response of an earlier request with the same content.

    Key and request are stored as keyed digests, because a request contains a credential. Raises Unprocessable
    (`idempotency_mismatch`) if the key belongs to another request, Conflict (`idempotency_in_progress`) if the same
    request is in progress, Unavailable.
    """
    now = ports.clock.now()
    lease = Lease(
        org=org,
        key=ports.digests.digest(KEY, org, key),
        request=ports.digests.digest(REQUEST, org, json.dumps(request, sort_keys=True)),
        owner=ports.clock.new_id(),
        until=now + LEASE,
        expires_at=now + KEPT,
    )
    found = ports.idempotency.acquire(lease, now)
    if found is None:
        return lease
    if found.request != lease.request:
        raise Unprocessable(
            "idempotency_mismatch",
            "this Idempotency-Key was used with a different request; use a new one for each change",
            param="Idempotency-Key",
        )
    if found.response is None:
        raise in_progress()
    return found.response


def release(ports: Ports, lease: Lease) -> None:
    """Release the key of a request that failed and changed nothing, so that a retry runs it again.

    If the release fails, the lease expires by itself.
    """
    try:
        ports.idempotency.release(lease)
    except Unavailable:
        return


def in_progress() -> Conflict:
    """Return the 409 for a request with a key that is in use."""
    return Conflict(
        "idempotency_in_progress",
        "a request with this Idempotency-Key is in progress; retry in a moment to get its response",
        param="Idempotency-Key",
        retry_after_s=RETRY_AFTER_S,
    )
