"""The whole stack in one process: gateway, embedded AWS, vendor emulator."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from local.aws import REGION, EmbeddedAws, LocalDependencies, create_resources
from local.aws_port import serving_aws
from local.gateway import Gateway
from local.kept import Kept
from local.sweeper import Sweeper
from local.template import Template
from local.vendors.server import Emulator, serving
from local.webhook import WebhookPublisher
from providers import bootstrap
from providers.bootstrap import Settings
from providers.ports import StaleWrite
from providers.usecases.management_keys import mint_management_key
from providers_contract.secret import Secret
from providers_contract.vocabulary import Scope

ORG: Final = "org_local"
KEY_ALIAS: Final = "alias/local"
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack. `emulator` is None if it calls the real vendors, `aws_url` if it does not serve its AWS.

    `aws_access_key_id` is random: programs that have it can read the stored credentials at `aws_url`.
    """

    url: str
    management_key: Secret
    ports: LocalDependencies
    emulator: Emulator | None
    aws_url: str | None
    aws_access_key_id: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        """Return the variables that point AWS's SDKs, and with them a data plane, at this stack.

        The others are the stack's outputs, by the names that a data plane reads, the organization,
        and the address of the emulated vendors, which docs/use.md uses as base_urls.
        """
        settings = self.ports.settings
        return {
            "AWS_ENDPOINT_URL": self.aws_url or "",
            "AWS_ACCESS_KEY_ID": self.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "MAIN_TABLE": settings.main_table,
            "SECRETS_TABLE": settings.secrets_table,
            "KMS_KEY_ID": settings.kms_key_id,
            "GRACE_SECONDS": str(settings.grace_s),
            "QUEUE_URL": settings.queue_url,
            "PROVIDERS_ORG": ORG,
            "VENDORS_URL": self.emulator.url if self.emulator else "",
        }

    def mint(self, org: str, *scopes: Scope) -> Secret:
        """Create and return a management key; it has every scope if none is given."""
        _, token = mint_management_key(self.ports, org, "minted locally", scopes or tuple(Scope))
        return token


@asynccontextmanager
async def running_stack(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    aws_port: int | None = None,
    management_key: Secret | None = None,
    real_vendors: bool = False,
    sweep_seconds: float = 0,
    settings: Mapping[str, str] | None = None,
    data: Path | None = None,
    webhook: str | None = None,
    log: Callable[[str], object] = str,
) -> AsyncIterator[Stack]:
    """Run the stack until the block ends. `port` 0 takes a free one; `sweep_seconds` 0 sweeps only on request.

    `aws_port` is where other programs of this machine reach the embedded AWS; None does not serve it.

    `data` is a folder that keeps the stack's state between runs, `webhook` a URL to which events are posted.

    `settings` are environment variables of the functions that differ from the template's defaults.

    Raises ValueError for a malformed management key or webhook, OSError if the port is taken or the folder is unusable.
    """
    template = Template()
    async with AsyncExitStack() as closing:
        emulator = None
        if not real_vendors:
            emulator = await closing.enter_async_context(serving())
        os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
        aws = EmbeddedAws()
        aws.start()
        closing.callback(aws.stop)
        own_places = {"KMS_KEY_ID": KEY_ALIAS, "LOCAL_VENDORS_URL": emulator.url if emulator else ""}
        environment = {**template.environment(), **(settings or {}), **own_places}
        ports = LocalDependencies(Settings.from_environment(environment, local=True))
        create_resources(template, ports.client, KEY_ALIAS)
        token = await closing.enter_async_context(_with_state(ports, data, management_key))
        if webhook is not None:
            ports.publisher = posting = WebhookPublisher(ports.publisher, webhook, REGION, log)
            closing.callback(posting.close)
        bootstrap.install(ports)
        closing.callback(bootstrap.install, None)
        own: dict[str, Callable[[bytes], Any]] = {}
        gateway = Gateway(template, log, own, operated="OperateFunction", bound=host)
        closing.callback(gateway.close)
        closing.callback(ports.close)
        ports.run(asyncio.sleep(0))  # creates the vendors' loop now: two concurrent first requests would create two
        aws_url, access_key_id = None, f"local-{secrets.token_hex(16)}"
        if aws_port is not None:
            functions = dict.fromkeys(template.invoked, gateway.invoke)
            aws_url = closing.enter_context(serving_aws(LOOPBACK, aws_port, ports.turn, functions, access_key_id))
        sweeper = Sweeper(template, gateway.invoke, ports.sqs, ports.local_clock)
        own["POST /_local/sweep"] = lambda _: sweeper.sweep()
        if emulator:
            own["POST /_local/vendors"] = emulator.control
        runner = web.AppRunner(
            gateway.app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=1,
            auto_decompress=False,  # API Gateway passes the body on as sent
        )
        await runner.setup()
        closing.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0]
        address = ip_address(bound[0])
        if address.is_unspecified:  # it listens on all addresses; this one works
            address = ip_address("::1" if address.version == 6 else LOOPBACK)
        shown = f"[{address}]" if address.version == 6 else str(address)
        url = f"http://{shown}:{bound[1]}"
        os.environ["API_URL"] = url  # the MCP function calls back here; on AWS it uses its own host
        closing.callback(os.environ.pop, "API_URL", None)
        if sweep_seconds > 0:
            sweeping = asyncio.create_task(sweeper.keep_sweeping(sweep_seconds))
            closing.push_async_callback(_cancelled, sweeping)
        yield Stack(url, token, ports, emulator, aws_url, access_key_id)


@asynccontextmanager
async def _with_state(ports: LocalDependencies, data: Path | None, given: Secret | None) -> AsyncIterator[Secret]:
    """Restore what the folder keeps, yield the management key, and keep the folder current until the block ends."""
    kept = None if data is None else Kept(data)
    if kept is not None:
        kept.restore(ports, KEY_ALIAS)
        given = given or kept.management_key
    ports.digests.create()
    try:
        token = mint_management_key(ports, ORG, "make run", tuple(Scope), token=given)[1]
    except StaleWrite:  # it is a key of an earlier run
        if given is None:
            raise
        token = given
    if kept is None:
        yield token
        return
    saving = asyncio.create_task(kept.keep_saving(ports, token))
    try:
        yield token
    finally:
        await _cancelled(saving)
        kept.save(ports, token)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
