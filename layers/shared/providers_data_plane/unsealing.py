"""Opens sealed credentials: AES-256-GCM under data keys that KMS wraps, bound to place and destination."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Final, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from providers_contract.secret import Secret
from providers_data_plane.encoding import encode
from providers_data_plane.errors import CredentialTampered
from providers_data_plane.sealed import DATA_KEY_CACHE, Destination, SealedCredential, WrappedKey

K = TypeVar("K")
V = TypeVar("V")

PURPOSE: Final = "organization-data-key"


class DataKeys:
    """The unwrapped data keys of this process, each kept for five minutes at most. Thread-safe.

    Args:
        stored: returns a wrapped key by organization and id.
        unwrap: has KMS unwrap a key of an organization.
        kept_s: how long an unwrapped key may stay in memory.
    """

    def __init__(
        self,
        stored: Callable[[str, str], WrappedKey | None],
        unwrap: Callable[[str, WrappedKey], bytes],
        kept_s: float = DATA_KEY_CACHE.total_seconds(),
    ) -> None:
        self._stored = stored
        self._unwrap = unwrap
        self._kept_s = kept_s
        self._keys: dict[tuple[str, str], tuple[float, AESGCM]] = {}
        self._lock = threading.RLock()

    def open(self, sealed: SealedCredential, destination: Destination) -> Secret:
        """Return the credential, if it was sealed for its item and for `destination`. Raises CredentialTampered."""
        bound = associated_data(sealed.org, sealed.provider_id, sealed.version, sealed.data_key_id, destination)
        key = self._named(sealed.org, sealed.data_key_id)
        try:
            return Secret(key.decrypt(sealed.nonce, sealed.ciphertext, bound).decode())
        except (InvalidTag, ValueError):
            raise CredentialTampered("a sealed credential cannot be opened") from None

    def key(self, org: str, wrapped: WrappedKey) -> AESGCM:
        """Return the unwrapped form of a wrapped key."""
        with self._lock:
            forget_old(self._keys, time.monotonic())
            if (org, wrapped.id) not in self._keys:
                key = AESGCM(self._unwrap(org, wrapped))
                self._keys[org, wrapped.id] = (time.monotonic() + self._kept_s, key)
            return self._keys[org, wrapped.id][1]

    def cached(self, org: str, key_id: str) -> AESGCM | None:
        """Return an unwrapped key that is in memory and not too old."""
        with self._lock:
            forget_old(self._keys, time.monotonic())
            found = self._keys.get((org, key_id))
            return None if found is None else found[1]

    def forget(self, org: str, key_id: str) -> None:
        """Drop a key from memory."""
        with self._lock:
            self._keys.pop((org, key_id), None)

    def _named(self, org: str, key_id: str) -> AESGCM:
        with self._lock:
            found = self.cached(org, key_id)
            if found is not None:
                return found
            wrapped = self._stored(org, key_id)
            if wrapped is None:
                raise CredentialTampered("a sealed credential names a data key that does not exist")
            return self.key(org, wrapped)


def forget_old(kept: dict[K, tuple[float, V]], now: float) -> None:
    """Remove expired entries. All have the same lifetime, so the oldest come first."""
    for key in list(takewhile(lambda each: kept[each][0] <= now, kept)):
        del kept[key]


def associated_data(org: str, provider_id: str, version: int, key_id: str, destination: Destination) -> bytes:
    """Return the associated data of a seal (docs/decisions/0015). No base_url is empty, so "" means None."""
    identity = (org, provider_id, str(version), key_id)
    return encode("providers/v2", *identity, destination.vendor, destination.base_url or "")


def encryption_context(org: str, key_id: str) -> Mapping[str, str]:
    """Return the KMS encryption context of an organization's data key."""
    return {"purpose": PURPOSE, "org": org, "data_key_id": key_id}
