"""The AWS calls of a data plane."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from providers_data_plane.clients import build_client
from providers_data_plane.errors import Unavailable
from providers_data_plane.messages import probe_message
from providers_data_plane.sealed import SealedCredential, WrappedKey
from providers_data_plane.settings import Settings
from providers_data_plane.stored import (
    NOT_RECORDED,
    Item,
    StoredProvider,
    data_key_key,
    name_key,
    org_key,
    provider_key,
    sealed_from,
    secret_key,
    stored_provider,
    unmarshal,
    use_update,
    wrapped_from,
)
from providers_data_plane.unsealing import encryption_context


class Aws:
    """The AWS calls of a data plane. Clients are created on first use. Thread-safe.

    Args:
        settings: names of the tables, the key and the queue.
        client: creates a client of a service; by default from the environment's AWS credentials.
    """

    def __init__(self, settings: Settings, client: Callable[[str], Any] | None = None) -> None:
        self._settings = settings
        self._create = client or build_client
        self._clients: dict[str, Any] = {}
        self._creating = threading.Lock()

    def provider(self, org: str, provider_id: str) -> StoredProvider | None:
        """Return the current provider item. Raises Unavailable, as all methods."""
        item = self._get(self._settings.main_table, provider_key(org, provider_id))
        return None if item is None else stored_provider(item)

    def named(self, org: str, claim: str) -> str | None:
        """Return the id of the provider that has claimed a name."""
        item = self._get(self._settings.main_table, name_key(org, claim))
        return None if item is None else str(item["provider_id"])

    def sealed(self, org: str, provider_id: str, version: int) -> SealedCredential | None:
        """Return one version's row."""
        item = self._get(self._settings.secrets_table, secret_key(org, provider_id, version))
        return None if item is None else sealed_from(item)

    def wrapped_key(self, org: str, key_id: str) -> WrappedKey | None:
        """Return a wrapped data key."""
        item = self._get(self._settings.secrets_table, data_key_key(org_key(org), key_id))
        return None if item is None else wrapped_from(item)

    def unwrap(self, org: str, wrapped: WrappedKey) -> bytes:
        """Return the unwrapped form of a data key."""
        with _available("KMS"):
            found: bytes = self._client("kms").decrypt(
                CiphertextBlob=wrapped.ciphertext,
                EncryptionContext=encryption_context(org, wrapped.id),
                KeyId=self._settings.kms_key_id,
            )["Plaintext"]
        return found

    def record_use(self, org: str, provider_id: str, version: int, at: datetime) -> None:
        """Record that a version was used, unless another process has recorded it within a minute or the row is gone."""
        try:
            self._client("dynamodb").update_item(
                **use_update(self._settings.secrets_table, org, provider_id, version, at)
            )
        except (ClientError, BotoCoreError) as error:
            if _code(error) not in NOT_RECORDED:
                raise _unavailable("DynamoDB", error) from None

    def request_probe(self, org: str, provider_id: str, at: datetime) -> None:
        """Queue a probe of a provider. It takes the place of the next minute's: this minute may have its sample."""
        minute = (at + timedelta(minutes=1)).replace(second=0, microsecond=0)
        body = probe_message(minute, ((org, provider_id),))
        with _available("SQS"):
            self._client("sqs").send_message(QueueUrl=self._settings.queue_url, MessageBody=body)

    def _get(self, table: str, key: Item) -> Item | None:
        typed = {name: {"S": value} for name, value in key.items()}
        with _available("DynamoDB"):
            found = self._client("dynamodb").get_item(TableName=table, Key=typed, ConsistentRead=True).get("Item")
        return None if found is None else unmarshal(found)

    def _client(self, service: str) -> Any:
        with self._creating:
            if service not in self._clients:
                self._clients[service] = self._create(service)
            return self._clients[service]


@contextmanager
def _available(service: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise _unavailable(service, error) from None


def _unavailable(service: str, error: Exception) -> Unavailable:
    """Return the error for a failed call: with its kind, without its text."""
    return Unavailable(f"{service} is unavailable: {_code(error) or type(error).__name__}")


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
