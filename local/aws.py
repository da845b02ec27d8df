"""AWS inside this process: moto's DynamoDB and KMS, behind one lock.

moto's transactions are not atomic between threads; the lock around each call makes them so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

from botocore import UNSIGNED
from moto import mock_aws
from moto.core.models import MockAWS

from local.faster_moto import speed_up_moto
from local.sweeper import LocalClock
from local.template import Template
from providers.bootstrap import Dependencies, Settings

REGION: Final = "us-east-1"


class LocalDependencies(Dependencies):
    """The real ports over AWS clients that run one call at a time."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.turn: Final = threading.RLock()
        self.local_clock = self.clock = LocalClock()

    @cached_property
    def sqs(self) -> Any:
        """Return the SQS client."""
        return self.client("sqs")

    def client(self, service: str) -> Any:
        """Return a client of `service`; only one call of all clients runs at a time. moto checks no signature."""
        client = super().client(service)
        do_not_sign(client)
        client._make_api_call = _in_turn(client._make_api_call, self.turn)  # noqa: SLF001 - botocore has no hook around a whole call
        return client


def do_not_sign(client: Any) -> None:
    """Send requests without a signature: to make one takes a seventh of the time of a read."""
    client.meta.events.register("choose-signer", lambda **_: UNSIGNED)


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
        """Start with an empty account."""
        speed_up_moto()
        self._mock.start(reset=True)

    def stop(self) -> None:
        """Stop, and discard all data."""
        self._mock.stop()


def create_resources(
    template: Template, client: Callable[[str], Any], key_alias: str, names: Mapping[str, str] | None = None
) -> None:
    """Create the template's tables and queues, and the KMS key.

    `names` maps logical ids to names. A resource that it lacks gets its logical id, as in `Template.environment`.
    """

    def name_of(logical_id: str) -> str:
        return (names or {}).get(logical_id, logical_id)

    for logical_id, table in template.tables.items():
        client("dynamodb").create_table(**(table | {"TableName": name_of(logical_id)}))
    for queue in template.queues:
        client("sqs").create_queue(QueueName=name_of(queue))
    key_id = client("kms").create_key(Description="Wraps the data keys of a local stack")
    client("kms").create_alias(AliasName=key_alias, TargetKeyId=key_id["KeyMetadata"]["KeyId"])
