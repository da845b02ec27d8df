"""A stack over moto and a data plane that reads from it, on one clock that tests set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws
from ulid import ULID

from local.faster_moto import speed_up_moto
from local.template import Template
from providers.bootstrap import Dependencies
from providers.bootstrap import Settings as StackSettings
from providers.model.provider import Provider
from providers.model.vendor import Credential, Vendor
from providers.model.verdict import Verdict
from providers.usecases.add import add_provider
from providers.usecases.commands import Change, NewProvider
from providers.usecases.update import update_provider
from providers_data_plane import Credentials, Settings
from tests.kit.aws import REGION
from tests.kit.requests import ORG, key

ALIAS = "alias/data-plane"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/123456789012/probes"
OTHER_HOST = "proxy.example.com"


class SetClock:
    """A clock that tests put forward, for a stack and its data plane."""

    def __init__(self) -> None:
        self.at = datetime(2026, 4, 14, 12, 0, 20, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time."""
        return self.at

    def elapsed(self) -> float:
        """Return seconds since 1970."""
        return self.at.timestamp()

    def new_id(self) -> str:
        """Return an id with this time."""
        return str(ULID.from_datetime(self.at))

    def pass_time(self, seconds: float) -> None:
        """Put it forward."""
        self.at += timedelta(seconds=seconds)


class Stack(Dependencies):
    """A stack whose vendors accept every credential."""

    def verify(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """Return the verdict that it is valid."""
        return Verdict()


@dataclass
class Deployment:
    """A stack, and what a data plane does to it.

    Attributes:
        calls: every AWS call of the data planes.
        broken: makes their calls fail.
        before: called with the name of each of their calls, before it is made.
    """

    stack: Stack
    clock: SetClock
    settings: Settings
    calls: list[str] = field(default_factory=list)
    broken: bool = False
    before: Callable[[str], object] = str
    opened: list[Credentials] = field(default_factory=list)

    def credentials(self, **changed: Any) -> Credentials:
        """Return the credentials of a new process."""
        made = Credentials(replace(self.settings, **changed), client=self.client, clock=self.clock)
        self.opened.append(made)
        return made

    def client(self, service: str) -> Any:
        """Return a client whose calls are recorded."""
        client = boto3.client(service, region_name=REGION)  # type: ignore[call-overload]

        def note(model: Any, **_: Any) -> None:
            self.calls.append(model.name)
            self.before(model.name)
            if self.broken:
                raise EndpointConnectionError(endpoint_url="https://aws.example")

        client.meta.events.register("before-call.*.*", note)
        return client

    def reads(self) -> list[str]:
        """Return the calls so far without the writes in the background, and forget them."""
        found = [call for call in self.calls if call not in ("UpdateItem", "SendMessage")]
        self.calls.clear()
        return found

    def add(self, name: str = "OpenAI Production", **members: Any) -> Provider:
        """Add a provider with the credential `key("one")`."""
        made, _ = add_provider(self.stack, ORG, NewProvider("openai", name, key("one"), **members))
        return made

    def rotate(self, provider: Provider, name: str) -> None:
        """Replace its credential by `key(name)`."""
        self.change(provider, api_key=key(name))

    def change(self, provider: Provider, **members: Any) -> None:
        """Change a provider."""
        update_provider(self.stack, ORG, provider.id, Change(**members))

    def messages(self) -> list[str]:
        """Return the bodies in the queue, and remove them."""
        sqs = boto3.client("sqs", region_name=REGION)
        found = sqs.receive_message(QueueUrl=QUEUE, MaxNumberOfMessages=10, VisibilityTimeout=3600)
        return [message["Body"] for message in found.get("Messages", [])]


@contextmanager
def deployment(grace_s: int = 3600) -> Iterator[Deployment]:
    """Yield an empty stack in moto."""
    speed_up_moto()
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        for logical_id, table in Template().tables.items():
            boto3.client("dynamodb", region_name=REGION).create_table(**(table | {"TableName": logical_id}))
        kms = boto3.client("kms", region_name=REGION)
        key_id = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=ALIAS, TargetKeyId=key_id)
        boto3.client("sqs", region_name=REGION).create_queue(QueueName="probes")
        places = ("MainTable", "SecretsTable", ALIAS)
        stack = Stack(StackSettings(*places, grace_s=grace_s, allowed_base_url_hosts=(OTHER_HOST,)))
        clock = SetClock()
        stack.clock = clock
        stack.digests.create()
        settings = Settings(*places, grace_s, org=ORG, queue_url=QUEUE, allowed_base_url_hosts=(OTHER_HOST,))
        deployed = Deployment(stack, clock, settings)
        try:
            yield deployed
        finally:
            for each in deployed.opened:
                each.close()
