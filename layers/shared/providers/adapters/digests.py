"""Keyed digests with one KMS-wrapped key for the stack. Needs only the standard library's hmac."""

from __future__ import annotations

import hashlib
import hmac
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from providers.adapters.aws import available
from providers.model.errors import Unavailable
from providers.ports import DataKeyStore, StaleWrite
from providers_data_plane.encoding import encode
from providers_data_plane.sealed import WrappedKey

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

PURPOSE: Final = "stack-digest-key"
OWNER: Final = "STACK"
KEY_ID: Final = "00000001"
_CONTEXT: Final = {"purpose": PURPOSE, "data_key_id": KEY_ID}


class StackDigests:
    """HMAC-SHA256 under a key derived for each purpose from the stack's digest key.

    The digest key is created once, by `create` (minting the first management key calls it). It is read and unwrapped
    for the first digest, and cached for the life of the process: the authorizer needs it for every request.
    Thread-safe.
    """

    def __init__(self, kms: KMSClient, kms_key_id: str, keys: DataKeyStore) -> None:
        self._kms = kms
        self._kms_key_id = kms_key_id
        self._keys = keys
        self._key: bytes | None = None
        self._lock = threading.Lock()

    def create(self) -> None:
        """Create the stack's digest key if there is none. Raises Unavailable."""
        if self._keys.get(OWNER, KEY_ID) is not None:
            return
        with available("KMS"):
            made = self._kms.generate_data_key_without_plaintext(
                KeyId=self._kms_key_id, KeySpec="AES_256", EncryptionContext=_CONTEXT
            )
        try:
            self._keys.put(OWNER, WrappedKey(KEY_ID, made["CiphertextBlob"], datetime.now(UTC)))
        except StaleWrite:
            return  # another process has just created it; theirs is used

    def digest(self, purpose: str, *parts: str) -> str:
        """Return 64 hex digits over `parts`, each prefixed by its length, different per purpose. Raises Unavailable."""
        subkey = hmac.digest(self._digest_key(), purpose.encode(), hashlib.sha256)
        return hmac.new(subkey, encode(*parts), hashlib.sha256).hexdigest()

    def _digest_key(self) -> bytes:
        with self._lock:
            if self._key is None:
                wrapped = self._keys.get(OWNER, KEY_ID)
                if wrapped is None:
                    raise Unavailable(
                        "dependency_unavailable",
                        "this stack has no digest key yet: mint its first management key",
                        retry_after_s=60,
                    )
                with available("KMS"):
                    self._key = self._kms.decrypt(
                        CiphertextBlob=wrapped.ciphertext, EncryptionContext=_CONTEXT, KeyId=self._kms_key_id
                    )["Plaintext"]
            return self._key
