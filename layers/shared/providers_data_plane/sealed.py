"""Encrypted credentials, the destination to which each is bound, and the data keys that encrypt them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from providers_contract.frozen import dataclass

USED_EVERY: Final = timedelta(minutes=1)
"""Precision of `last_used_at`: a version in constant use costs one write per interval."""

DATA_KEY_CACHE: Final = timedelta(minutes=5)
"""The time for which a process may keep an unwrapped data key, and seal under it (docs/decisions/0015)."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The permitted destination of a credential: its vendor, and its owner's base_url (None for the vendor's own)."""

    vendor: str
    base_url: str | None


@dataclass(frozen=True, slots=True)
class SealedCredential:
    """A credential as stored in the `secrets` table.

    It opens only for its organization, provider and version, and for the `Destination` for which it was sealed.

    `expires_at` is None for the active version; after it, readers refuse the version. `last_used_at` is when the
    credential was last read for use, to the minute.
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
        """Return whether it may be opened at `now`."""
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
