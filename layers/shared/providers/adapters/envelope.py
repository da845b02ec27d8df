"""Envelope encryption: AES-256-GCM with data keys per organization, which KMS wraps."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Final, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from providers.adapters.aws import available
from providers.model.encoding import encode
from providers.model.errors import Unavailable
from providers.model.sealed import DATA_KEY_CACHE, DataKey, Destination, SealedCredential, WrappedKey
from providers.ports import Clock, DataKeyStore, StaleWrite, TamperedCredential
from providers_contract.secret import Secret

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

K = TypeVar("K")
V = TypeVar("V")

PURPOSE: Final = "organization-data-key"
FIRST_KEY: Final = "00000001"
_NONCE_BYTES: Final = 12
_MOST_KEYS: Final = 1000


class KmsEnvelope:
    """The cipher over KMS. Thread-safe.

    Args:
        kms: a KMS client.
        key_id: id, ARN or alias of the stack's KMS key.
        keys: the store of the wrapped data keys.
        clock: returns `created_at`.
        cache: how long an unwrapped data key may stay in memory.
    """

    def __init__(
        self,
        kms: KMSClient,
        key_id: str,
        keys: DataKeyStore,
        clock: Clock,
        cache: timedelta = DATA_KEY_CACHE,
    ) -> None:
        self._kms = kms
        self._key_id = key_id
        self._keys = keys
        self._clock = clock
        self._cache_s = cache.total_seconds()
        self._cache: dict[tuple[str, str], tuple[float, AESGCM]] = {}
        self._current: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def seal(
        self, org: str, provider_id: str, version: int, destination: Destination, secret: Secret
    ) -> SealedCredential:
        """Encrypt `secret` with the organization's newest data key; the first credential creates the first key."""
        nonce = os.urandom(_NONCE_BYTES)
        key_id, key = self._sealing_key(org)
        bound = _bound(org, provider_id, version, key_id, destination)
        ciphertext = key.encrypt(nonce, secret.reveal().encode(), bound)
        return SealedCredential(org, provider_id, version, key_id, nonce, ciphertext, created_at=self._clock.now())

    def open(self, sealed: SealedCredential, destination: Destination) -> Secret:
        """Return the credential in `sealed`, if it was sealed for its item and for `destination`."""
        bound = _bound(sealed.org, sealed.provider_id, sealed.version, sealed.data_key_id, destination)
        key = self._data_key(sealed.org, sealed.data_key_id)
        try:
            return Secret(key.decrypt(sealed.nonce, sealed.ciphertext, bound).decode())
        except (InvalidTag, ValueError):
            raise TamperedCredential("a sealed credential cannot be opened") from None

    def data_keys(self, org: str) -> Sequence[DataKey]:
        """Return the organization's data keys, newest first."""
        return [DataKey(each.id, each.created_at) for each in self._keys.list(org, _MOST_KEYS)]

    def add_data_key(self, org: str) -> DataKey:
        """Create another data key; of two created at once, both callers get the one stored first."""
        newest = self._newest(org)
        made = self._create(org, FIRST_KEY if newest is None else f"{int(newest.id) + 1:08d}")
        with self._lock:
            self._current.pop(org, None)
        return DataKey(made.id, made.created_at)

    def destroy_data_key(self, org: str, key_id: str) -> None:
        """Delete the wrapped key. This process drops it from its cache at once, others within `DATA_KEY_CACHE`."""
        self._keys.delete(org, key_id)
        with self._lock:
            self._cache.pop((org, key_id), None)

    def _sealing_key(self, org: str) -> tuple[str, AESGCM]:
        with self._lock:
            self._forget_old()
            kept = self._current.get(org)
            if kept is None or (org, kept[1]) not in self._cache:
                wrapped = self._newest(org) or self._create(org, FIRST_KEY)
                self._current.pop(org, None)  # so that it comes last: `_forget` stops at the first unexpired key
                kept = self._current[org] = (time.monotonic() + self._cache_s, wrapped.id)
                self._keep(org, wrapped)
            return kept[1], self._cache[org, kept[1]][1]

    def _data_key(self, org: str, key_id: str) -> AESGCM:
        with self._lock:
            self._forget_old()
            return self._cached(org, key_id)

    def _cached(self, org: str, key_id: str) -> AESGCM:
        if (org, key_id) not in self._cache:
            wrapped = self._keys.get(org, key_id)
            if wrapped is None:
                raise TamperedCredential("a sealed credential names a data key that does not exist")
            self._keep(org, wrapped)
        return self._cache[org, key_id][1]

    def _keep(self, org: str, wrapped: WrappedKey) -> None:
        if (org, wrapped.id) not in self._cache:
            key = AESGCM(self._unwrap(org, wrapped))
            self._cache[org, wrapped.id] = (time.monotonic() + self._cache_s, key)

    def _forget_old(self) -> None:
        now = time.monotonic()
        _forget(self._cache, now)
        _forget(self._current, now)

    def _newest(self, org: str) -> WrappedKey | None:
        return next(iter(self._keys.list(org, 1)), None)

    def _unwrap(self, org: str, wrapped: WrappedKey) -> bytes:
        with available("KMS"):
            return self._kms.decrypt(
                CiphertextBlob=wrapped.ciphertext,
                EncryptionContext=_context(org, wrapped.id),
                KeyId=self._key_id,
            )["Plaintext"]

    def _create(self, org: str, key_id: str) -> WrappedKey:
        """Create a key; of several created at once, all callers get the one stored first."""
        with available("KMS"):
            made = self._kms.generate_data_key_without_plaintext(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=_context(org, key_id)
            )
        wrapped = WrappedKey(key_id, made["CiphertextBlob"], self._clock.now())
        try:
            self._keys.put(org, wrapped)
        except StaleWrite:
            first = self._newest(org)
            if first is None:
                raise Unavailable(
                    "dependency_unavailable", "the data key is being replaced; try again", retry_after_s=1
                ) from None
            return first
        return wrapped


def _forget(kept: dict[K, tuple[float, V]], now: float) -> None:
    """Remove expired keys. All have the same lifetime, so the oldest come first."""
    for key in list(takewhile(lambda each: kept[each][0] <= now, kept)):
        del kept[key]


def _bound(org: str, provider_id: str, version: int, key_id: str, destination: Destination) -> bytes:
    """Return the associated data of a seal (architecture.md, Sealing). No base_url is empty, so "" means None."""
    identity = (org, provider_id, str(version), key_id)
    return encode("providers/v2", *identity, destination.vendor, destination.base_url or "")


def _context(org: str, key_id: str) -> Mapping[str, str]:
    return {"purpose": PURPOSE, "org": org, "data_key_id": key_id}
