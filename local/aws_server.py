"""`make aws`: serve the embedded AWS and the vendor emulator for `sam local`, which calls them from its containers."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from local.aws import REGION, create_resources
from local.browsers import refusal
from local.template import Template
from local.vendors.server import Emulator
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


class _NoBrowsers:
    """WSGI middleware that refuses browsers: moto allows every origin (CORS) and checks no credentials.

    `bound` is the host name or address that the server listens on.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], bound: str) -> None:
        self._application = application
        self._bound = bound

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        names = {"Host": "HTTP_HOST", "Origin": "HTTP_ORIGIN", "Sec-Fetch-Site": "HTTP_SEC_FETCH_SITE"}
        headers = {name: environ[variable] for name, variable in names.items() if variable in environ}
        refused = refusal(headers, self._bound)
        if refused is None:
            return self._application(environ, start_response)
        start_response(f"{refused.status} Forbidden", [("Content-Type", "application/json")])
        return [json.dumps(refused.body()).encode()]


class _OneAtATime:
    """WSGI middleware that handles one request at a time: moto's transactions are not atomic between threads."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._turn = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        with self._turn:
            return list(self._application(environ, start_response))


@asynccontextmanager
async def running_aws(
    host: str, management_key: Secret | None, aws_port: int = AWS_PORT, vendors_port: int = VENDORS_PORT
) -> AsyncIterator[Secret]:
    """Serve until the block ends, and yield a management key. Raises OSError if a port is taken."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a log line for each AWS call is noise
    emulator = Emulator()
    await emulator.start(host, vendors_port)
    moto = _OneAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server(host, aws_port, _NoBrowsers(moto, host), threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="moto")
    thread.start()
    try:
        yield _prepare(f"http://127.0.0.1:{aws_port}", management_key)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        await emulator.stop()


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
