"""AWS inside this process: moto's DynamoDB and KMS, behind one lock.

moto's transactions are not atomic between threads; the lock around each call makes them so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from moto import mock_aws
from moto.core.models import MockAWS

from local.template import Template
from providers.bootstrap import Dependencies, Settings

REGION: Final = "us-east-1"


class LocalDependencies(Dependencies):
    """The real ports over AWS clients that take turns."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._turn = threading.RLock()

    def _client(self, service: str) -> Any:
        client = super()._client(service)
        client._make_api_call = _in_turn(client._make_api_call, self._turn)  # noqa: SLF001 - botocore has no hook around a whole call
        return client


def _in_turn(call: Callable[..., Any], turn: threading.RLock) -> Callable[..., Any]:
    def taking_turns(*args: Any, **kwargs: Any) -> Any:
        with turn:
            return call(*args, **kwargs)

    return taking_turns


class EmbeddedAws:
    """moto in this process, from `start` to `stop`: while it runs, no boto3 call of this process reaches AWS."""

    def __init__(self) -> None:
        self._mock: MockAWS = mock_aws()

    def start(self) -> None:
        """Begin, with nothing in it."""
        self._mock.start(reset=True)

    def stop(self) -> None:
        """End, and forget everything."""
        self._mock.stop()


def create_resources(
    template: Template, dynamodb: Any, kms: Any, key_alias: str, names: Mapping[str, str] | None = None
) -> None:
    """The template's tables and the KMS key. A table is called by its logical id where `names` has no other."""
    for logical_id, table in template.tables.items():
        dynamodb.create_table(**(table | {"TableName": (names or {}).get(logical_id, logical_id)}))
    key_id = kms.create_key(Description="Wraps the data keys of a stack on one machine")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=key_alias, TargetKeyId=key_id)
