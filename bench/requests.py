"""A request for every function that succeeds, over the embedded AWS and the emulator of the vendors."""

from __future__ import annotations

import json
import os
import socket
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from local.aws import REGION
from local.aws_server import NAMES, running_aws
from local.background import in_background
from local.faster_moto import speed_up_moto
from local.template import Template
from local.vendors.keys import fake_key
from providers.bootstrap import Dependencies, Settings
from providers.model.routing import Attempt
from providers.usecases.add import add_provider
from providers.usecases.commands import Change, NewProvider
from providers.usecases.management_keys import mint_management_key
from providers.usecases.routing import put_routing_config
from providers.usecases.update import update_provider
from providers.usecases.uploads import ToAdd, create_upload, upload_token
from providers_contract.operations import OPERATIONS
from providers_contract.secret import Secret
from providers_contract.vocabulary import Scope
from tests.kit.lambdas import event
from tests.kit.operations import ROWS, Existing

_LIMITS: Final = dict.fromkeys(
    ("RATE_LIMIT_PER_MINUTE", "VERIFICATIONS_PER_MINUTE_PER_ORG", "VERIFICATIONS_PER_MINUTE"), "1000000"
)

CALLING_VENDORS: Final = frozenset(
    f"{name}Function" for name in ("AddProvider", "UpdateProvider", "RollbackProvider", "UseUpload", "RunProbes")
)
"""Only a local stack calls an emulator of the vendors, so these functions run with its settings."""


class Requests:
    """Makes the event of each function. A change gets an organization of its own, prepared beforehand."""

    def __init__(self, aws_url: str, vendors_url: str, management_key: Secret) -> None:
        self._template: Final = Template()
        own = {**NAMES, **_LIMITS, "QUEUE_URL": f"{aws_url}/123456789012/ProbeQueue"}
        self._environment: Final = {**self._template.environment(), **own}
        self._local: Final = {"LOCAL_AWS_URL": aws_url, "LOCAL_VENDORS_URL": vendors_url}
        self._ports: Final = Dependencies(Settings.from_environment({**self._environment, **self._local}))
        self._key: Final = management_key
        self._serial = 0
        self._read: Final = self._prepared()
        made = {"RunProbesFunction": self._messages, "OperateFunction": lambda: _file("operate")}
        made |= dict.fromkeys(self._template.scheduled, lambda: {"time": datetime.now(UTC).isoformat()})
        org, existing = self._read
        made |= {"ResolveCredentialFunction": lambda: {"org": org, "provider": existing.provider_id}}
        made |= {"ShowUploadFunction": self._link, "UseUploadFunction": self._link}
        self._made: Final[Mapping[str, Callable[[], dict[str, Any]]]] = made
        self.functions: Final = list(self._template.of_type("AWS::Serverless::Function"))

    def close(self) -> None:
        """Close the connections."""
        self._ports.close()

    def environment(self, function: str) -> dict[str, str]:
        """Return the environment of a function: as deployed, if it does not call vendors."""
        aws = self._local if function in CALLING_VENDORS else {"AWS_ENDPOINT_URL": self._local["LOCAL_AWS_URL"]}
        return {**self._environment, **aws}

    def event(self, function: str) -> dict[str, Any]:
        """Return an event for which `function` succeeds, once if it changes something."""
        if function in self._made:
            return self._made[function]()
        name = self._template.module(function).split(".")[1]
        if name not in ROWS:
            given = _file(name)
            given["headers"]["Authorization"] = f"Bearer {self._key.reveal()}"
            return given
        operation = OPERATIONS[name]
        org, existing = self._prepared() if operation.changes else self._read
        given = dict(ROWS[name].request(existing))
        if name == "update_provider":
            given["body"] = {"api_key": self._new_key().reveal()}
        return event(**given, org=org) | {"httpMethod": operation.method, "resource": operation.path}

    def _new_key(self) -> Secret:
        self._serial += 1
        return Secret(fake_key("openai", serial=self._serial))

    def _prepared(self) -> tuple[str, Existing]:
        """Return a new organization with a rotated provider, one that nothing references, and a routing config."""
        org = f"org_{self._serial}"
        used, free = (
            add_provider(self._ports, org, NewProvider("openai", name, self._new_key()))[0] for name in ("Used", "Free")
        )
        for provider in (used, free):
            update_provider(self._ports, org, provider.id, Change(api_key=self._new_key()))
        put_routing_config(self._ports, org, "main", "fallback", (Attempt(used.id, "m"),))
        return org, Existing(free.id, "1", "main")

    def _messages(self) -> dict[str, Any]:
        org, existing = self._read
        body = {"minute": datetime.now(UTC).replace(second=0, microsecond=0).isoformat()}
        return {
            "Records": [
                {"messageId": "1", "body": json.dumps(body | {"providers": [[org, existing.provider_id]]})},
            ]
        }

    def _link(self) -> dict[str, Any]:
        credential = self._new_key()
        org = f"org_{self._serial}"
        key, _ = mint_management_key(self._ports, org, "bench", tuple(Scope))
        upload = create_upload(self._ports, org, key.id, ToAdd("openai", "Uploaded"))
        given = _file("use_upload")
        given["pathParameters"] = {"token": upload_token(self._ports, upload.id)}
        return given | {"body": f"api_key={credential.reveal()}"}


@contextmanager
def requests() -> Iterator[Requests]:
    """Serve an embedded AWS and the emulator of the vendors in this process, and yield requests for them."""
    os.environ |= {"AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    speed_up_moto()
    aws_port, vendors_port = free_port(), free_port()
    aws = running_aws("127.0.0.1", None, aws_port, vendors_port)
    with in_background(aws) as management_key:
        made = Requests(f"http://127.0.0.1:{aws_port}", f"http://127.0.0.1:{vendors_port}", management_key)
        try:
            yield made
        finally:
            made.close()
            reset = urllib.request.Request(f"http://127.0.0.1:{aws_port}/moto-api/reset", method="POST")
            urllib.request.urlopen(reset).close()


def free_port() -> int:
    """Return a port of the loopback address that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


def _file(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Template().root / "events" / f"{name}.json").read_text())
    return found
