"""Encrypted credentials, the destination each is bound to, and the data keys that encrypt them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

USED_EVERY: Final = timedelta(minutes=1)
"""How exact a version's `last_used_at` is; one in constant use costs one write in this time."""

DATA_KEY_CACHE: Final = timedelta(minutes=5)
"""How long a process may keep an unwrapped data key, and seal under it (architecture.md, Sealing)."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a credential may be sent: its vendor, and the base_url that its owner named (None for the vendor's own)."""

    vendor: str
    base_url: str | None


@dataclass(frozen=True, slots=True)
class SealedCredential:
    """A credential as the `secrets` table holds it.

    It opens only for the organization, provider and version it names, and for the `Destination` that it was sealed for.

    `expires_at` is None for the active version; the reader refuses a version that is past it. `last_used_at`: when it
    was last read in order to be used, to the minute.
    """

    org: str
    provider_id: str
    version: int
    data_key_id: str
    nonce: bytes
    ciphertext: bytes
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    def readable(self, now: datetime) -> bool:
        """Whether it may still be opened at `now`."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key of an organization, without the key."""

    id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as KMS wrapped it. `id` is part of its encryption context; later ids sort after earlier ones."""

    id: str
    ciphertext: bytes
    created_at: datetime
