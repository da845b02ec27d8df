"""Sealing credentials, keyed digests, and the wrapped keys of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from providers_contract.secret import Secret
from providers_data_plane.sealed import DataKey, Destination, SealedCredential, WrappedKey


class Cipher(Protocol):
    """Seals and opens credentials."""

    def seal(
        self, org: str, provider_id: str, version: int, destination: Destination, secret: Secret
    ) -> SealedCredential:
        """Seal `secret` for exactly this version and destination, with `created_at` now. Raises Unavailable."""
        ...

    def open(self, sealed: SealedCredential, destination: Destination) -> Secret:
        """Return the credential, to be sent to `destination`, which comes from the provider item.

        Raises `TamperedCredential` if the row differs from the one that was sealed, or was sealed for another
        destination; Unavailable.
        """
        ...

    def data_keys(self, org: str) -> Sequence[DataKey]:
        """Return the organization's data keys, newest first; the newest one seals. Raises Unavailable."""
        ...

    def add_data_key(self, org: str) -> DataKey:
        """Create another data key, under which this process seals from now on. Raises Unavailable.

        Other processes continue to seal under the previous one for up to `DATA_KEY_CACHE`.
        """
        ...

    def destroy_data_key(self, org: str, key_id: str) -> None:
        """Delete a data key: without a copy of it, nothing opens what it sealed. Raises Unavailable."""
        ...


class TamperedCredential(Exception):
    """A sealed row cannot be opened: it or its provider item was changed, or it was copied from another item."""


class Digests(Protocol):
    """Keyed digests under the stack's own key, separate for each purpose."""

    def digest(self, purpose: str, *parts: str) -> str:
        """Return a hex HMAC-SHA256 over an unambiguous encoding of `parts`. Raises Unavailable."""
        ...

    def create(self) -> None:
        """Create the stack's key if it has none yet. Raises Unavailable."""
        ...


class DataKeyStore(Protocol):
    """Wrapped data keys."""

    def get(self, owner: str, key_id: str) -> WrappedKey | None:
        """Return the wrapped key `key_id` of `owner` (a consistent read)."""
        ...

    def list(self, owner: str, limit: int) -> Sequence[WrappedKey]:
        """Return up to `limit` of the owner's wrapped keys, newest first (a consistent read)."""
        ...

    def put(self, owner: str, key: WrappedKey) -> None:
        """Store a new key. Raises StaleWrite if `owner` has one with this id."""
        ...

    def delete(self, owner: str, key_id: str) -> None:
        """Delete a key: without a copy of it, nothing opens what it sealed."""
        ...
