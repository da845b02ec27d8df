"""A mutation that a caller may send twice, and that is made once (api.md, Endpoints: Idempotency-Key)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

KEPT: Final = timedelta(hours=24)
"""How long a key stands for its first request (api.md)."""

LEASE: Final = timedelta(seconds=30)
"""How long a request that neither ended nor failed keeps others of its key out: longer than any function may run."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An answer as it was given; it holds no credential and no link."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that is under way for an idempotency key. Both digests are keyed; the key itself is not stored.

    Args:
        org: whose key it is.
        key: digest of the Idempotency-Key.
        request: digest of method, path, query and body.
        owner: an id of this very try: one that took too long and was taken over can no longer commit.
        until: the end of its lease.
        expires_at: when the key may be used for another request.
    """

    org: str
    key: str
    request: str
    owner: str
    until: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Completed:
    """A claim and the answer that its change was given, to be committed with the change."""

    claim: Claim
    answer: Recorded = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What another request of the same key has left: its digest, and its answer if it has come to the end."""

    request: str
    until: datetime
    answer: Recorded | None
