"""A mutation that a caller may send twice, and that is applied once (api.md, Endpoints: Idempotency-Key)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Final

from providers_contract.frozen import dataclass

KEPT: Final = timedelta(hours=24)
"""The time for which a key belongs to its first request (api.md)."""

LEASE: Final = timedelta(seconds=30)
"""The time for which an unfinished request blocks others with its key: longer than any function may run."""


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response, stored for replay. It contains no credential and no link."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Lease:
    """A request in progress with an idempotency key. Both digests are keyed; the key itself is not stored.

    Args:
        org: the organization of the key.
        key: digest of the Idempotency-Key.
        request: digest of method, path, query and body.
        owner: an id of this attempt. An attempt whose lease was taken over can no longer commit.
        until: when the lease expires.
        expires_at: when the key may be used for another request.
    """

    org: str
    key: str
    request: str
    owner: str
    until: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Completion:
    """A lease and the response to its request, committed with the change."""

    lease: Lease
    response: StoredResponse = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExistingRecord:
    """The record of another request with the same key: its digest, and its response if it is complete."""

    request: str
    until: datetime
    response: StoredResponse | None
