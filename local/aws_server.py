"""`make aws`: serve the embedded AWS and the vendor emulator for `sam local`, which calls them from its containers."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import boto3

from local.aws import REGION, create_resources
from local.aws_port import serving_aws
from local.template import Template
from local.vendors.server import serving
from providers.bootstrap import Dependencies, Settings
from providers.usecases.management_keys import mint_management_key
from providers_contract.secret import Secret
from providers_contract.vocabulary import Scope

AWS_PORT: Final = 5055
VENDORS_PORT: Final = 5056
"""Both ports are also in `local/sam-env.json`, which `sam local` reads."""

NAMES: Final = {
    "MAIN_TABLE": "providers-main",
    "SECRETS_TABLE": "providers-secrets",
    "KMS_KEY_ID": "alias/providers-credentials",
}


@asynccontextmanager
async def running_aws(
    host: str, management_key: Secret | None, aws_port: int = AWS_PORT, vendors_port: int = VENDORS_PORT
) -> AsyncIterator[Secret]:
    """Serve until the block ends, and yield a management key. Raises OSError if a port is taken."""
    async with serving(host=host, port=vendors_port):
        with serving_aws(host, aws_port, threading.Lock()) as url:
            yield _prepare(url, management_key)


def _prepare(url: str, management_key: Secret | None) -> Secret:
    """Create the tables, the KMS key and a management key through the server; return the management key."""
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)  # noqa: S106 - moto checks nothing
    template = Template()

    class Ports(Dependencies):
        def client(self, service: str) -> Any:
            return session.client(service, endpoint_url=url)  # type: ignore[call-overload]

    ports = Ports(Settings.from_environment(NAMES, local=True))
    names = {"MainTable": NAMES["MAIN_TABLE"], "SecretsTable": NAMES["SECRETS_TABLE"]}
    create_resources(template, ports.client, NAMES["KMS_KEY_ID"], names)
    ports.digests.create()
    return mint_management_key(ports, "org_local", "make aws", tuple(Scope), token=management_key)[1]
