"""Envelope encryption: AES-256-GCM with data keys per organization, which KMS wraps."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from providers.adapters.aws import available
from providers.model.errors import Unavailable
from providers.ports import Clock, DataKeyStore, StaleWrite, TamperedCredential
from providers_contract.secret import Secret
from providers_data_plane.errors import CredentialTampered
from providers_data_plane.sealed import DATA_KEY_CACHE, DataKey, Destination, SealedCredential, WrappedKey
from providers_data_plane.unsealing import DataKeys, associated_data, encryption_context, forget_old

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

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
        self._opened = DataKeys(keys.get, self._unwrap, self._cache_s)
        self._current: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def seal(
        self, org: str, provider_id: str, version: int, destination: Destination, secret: Secret
    ) -> SealedCredential:
        """Encrypt `secret` with the organization's newest data key; the first credential creates the first key."""
        nonce = os.urandom(_NONCE_BYTES)
        key_id, key = self._sealing_key(org)
        bound = associated_data(org, provider_id, version, key_id, destination)
        ciphertext = key.encrypt(nonce, secret.reveal().encode(), bound)
        return SealedCredential(org, provider_id, version, key_id, nonce, ciphertext, created_at=self._clock.now())

    def open(self, sealed: SealedCredential, destination: Destination) -> Secret:
        """Return the credential in `sealed`, if it was sealed for its item and for `destination`."""
        try:
            return self._opened.open(sealed, destination)
        except CredentialTampered as error:
            raise TamperedCredential(error.message) from None

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
        self._opened.forget(org, key_id)

    def _sealing_key(self, org: str) -> tuple[str, AESGCM]:
        with self._lock:
            forget_old(self._current, time.monotonic())
            kept = self._current.get(org)
            key = None if kept is None else self._opened.cached(org, kept[1])
            if kept is None or key is None:
                wrapped = self._newest(org) or self._create(org, FIRST_KEY)
                self._current.pop(org, None)  # so that it comes last: `forget_old` stops at the first unexpired key
                kept = self._current[org] = (time.monotonic() + self._cache_s, wrapped.id)
                key = self._opened.key(org, wrapped)
            return kept[1], key

    def _newest(self, org: str) -> WrappedKey | None:
        return next(iter(self._keys.list(org, 1)), None)

    def _unwrap(self, org: str, wrapped: WrappedKey) -> bytes:
        with available("KMS"):
            return self._kms.decrypt(
                CiphertextBlob=wrapped.ciphertext,
                EncryptionContext=encryption_context(org, wrapped.id),
                KeyId=self._key_id,
            )["Plaintext"]

    def _create(self, org: str, key_id: str) -> WrappedKey:
        """Create a key; of several created at once, all callers get the one stored first."""
        with available("KMS"):
            made = self._kms.generate_data_key_without_plaintext(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=encryption_context(org, key_id)
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
