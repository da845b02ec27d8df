"""Envelope encryption: a data key for each organization, wrapped by KMS; AES-256-GCM below it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from providers.adapters.aws import available
from providers.model.encoding import encode
from providers.model.errors import Unavailable
from providers.model.provider import Destination, SealedCredential, WrappedKey
from providers.model.secret import Secret
from providers.ports import Clock, DataKeyStore, StaleWrite, TamperedCredential

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

PURPOSE: Final = "organization-data-key"
FIRST_KEY: Final = "00000001"
CACHE_S: Final = 300.0
"""Seconds that an unwrapped data key may stay in memory (architecture.md, Sealing)."""

_NONCE_BYTES: Final = 12


class KmsEnvelope:
    """The cipher over KMS. Safe to share between threads.

    Args:
        kms: a KMS client.
        key_id: id, ARN or alias of the stack's KMS key.
        keys: where the wrapped data keys are kept.
        clock: gives `created_at`.
        cache_s: seconds that an unwrapped data key may stay in memory.
    """

    def __init__(self, kms: KMSClient, key_id: str, keys: DataKeyStore, clock: Clock, cache_s: float = CACHE_S) -> None:
        self._kms = kms
        self._key_id = key_id
        self._keys = keys
        self._clock = clock
        self._cache_s = cache_s
        self._cache: dict[tuple[str, str], tuple[float, AESGCM]] = {}
        self._lock = threading.Lock()

    def seal(
        self, org: str, provider_id: str, version: int, destination: Destination, secret: Secret
    ) -> SealedCredential:
        """Seal `secret` under the organization's data key, which is made with the first credential."""
        nonce = os.urandom(_NONCE_BYTES)
        bound = _bound(org, provider_id, version, FIRST_KEY, destination)
        ciphertext = self._data_key(org, FIRST_KEY, create=True).encrypt(nonce, secret.reveal().encode(), bound)
        return SealedCredential(org, provider_id, version, FIRST_KEY, nonce, ciphertext, created_at=self._clock.now())

    def open(self, sealed: SealedCredential, destination: Destination) -> Secret:
        """The credential in `sealed`, if it was sealed for the place it names and for `destination`."""
        bound = _bound(sealed.org, sealed.provider_id, sealed.version, sealed.data_key_id, destination)
        key = self._data_key(sealed.org, sealed.data_key_id, create=False)
        try:
            return Secret(key.decrypt(sealed.nonce, sealed.ciphertext, bound).decode())
        except (InvalidTag, ValueError):
            raise TamperedCredential("a sealed credential does not open") from None

    def _data_key(self, org: str, key_id: str, *, create: bool) -> AESGCM:
        with self._lock:
            now = time.monotonic()
            for place in list(takewhile(lambda each: self._cache[each][0] <= now, self._cache)):
                del self._cache[place]  # all may stay for the same time, so the oldest are the first
            kept = self._cache.get((org, key_id))
            if kept is None:
                kept = (now + self._cache_s, AESGCM(self._unwrap(org, key_id, create)))
                self._cache[org, key_id] = kept
            return kept[1]

    def _unwrap(self, org: str, key_id: str, create: bool) -> bytes:
        wrapped = self._keys.get(org, key_id)
        if wrapped is None:
            if not create:
                raise TamperedCredential("a sealed credential names a data key that does not exist")
            wrapped = self._create(org, key_id)
        with available("KMS"):
            return self._kms.decrypt(
                CiphertextBlob=wrapped.ciphertext,
                EncryptionContext=_context(org, key_id),
                KeyId=self._key_id,
            )["Plaintext"]

    def _create(self, org: str, key_id: str) -> WrappedKey:
        """Make the organization's key; of several at once, the first to be stored is everybody's."""
        with available("KMS"):
            made = self._kms.generate_data_key_without_plaintext(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=_context(org, key_id)
            )
        wrapped = WrappedKey(key_id, made["CiphertextBlob"])
        try:
            self._keys.put(org, wrapped)
        except StaleWrite:
            first = self._keys.get(org, key_id)
            if first is None:
                raise Unavailable(
                    "dependency_unavailable", "the data key is being replaced; try again", retry_after_s=1
                ) from None
            return first
        return wrapped


def _bound(org: str, provider_id: str, version: int, key_id: str, destination: Destination) -> bytes:
    """The associated data of a seal (architecture.md, Sealing). No base_url is empty, so "" stands for None."""
    place = (org, provider_id, str(version), key_id)
    return encode("providers/v2", *place, destination.vendor, destination.base_url or "")


def _context(org: str, key_id: str) -> Mapping[str, str]:
    return {"purpose": PURPOSE, "org": org, "data_key_id": key_id}
