"""The official SDK's client over stdio and HTTP, at any protocol revision."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import mcp.client.session
import pytest
from jsonschema import Draft202012Validator
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

import providers_client
from local.stack import Stack
from providers_client.mcp.server import listed, make_server
from providers_client.mcp.tool import Caller
from providers_client.sending import from_environment
from providers_contract.vocabulary import Scope

ROOT: Final = Path(__file__).parent.parent.parent
REVISIONS: Final = KNOWN_PROTOCOL_VERSIONS[-3:]
"""The current revision, and the two before it."""
OUTPUTS: Final = {tool.name: Draft202012Validator(tool.output_schema or False) for tool in listed(undo=True)}
"""Validators of the tools' results."""

Connect = Callable[[], AbstractAsyncContextManager[Client]]


@dataclass(frozen=True)
class Person:
    """A user of the tools. `stdio` returns the command that starts a server over stdio."""

    stack: Stack
    org: str
    stdio: Callable[[], list[str]]

    def key(self, *scopes: Scope) -> str:
        """Return one of the user's management keys, by default with every scope."""
        return self.stack.mint(self.org, *scopes).reveal()


def mode(revision: str, patch: pytest.MonkeyPatch) -> str:
    """Return the SDK's mode for a revision. For a handshake, the SDK offers its newest one, which is changed here."""
    if revision in MODERN_PROTOCOL_VERSIONS:
        return revision
    patch.setattr(mcp.client.session, "LATEST_HANDSHAKE_VERSION", revision)
    return "legacy"


@asynccontextmanager
async def over_http(url: str, key: str, how: str, query: str = "") -> AsyncIterator[Client]:
    """Return a client of `POST /mcp`."""
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http,
        Client(streamable_http_client(f"{url}/mcp{query}", http_client=http), mode=how) as client,
    ):
        yield client


def stdio_environment(url: str, key: str) -> dict[str, str]:
    """Return the environment that a user would configure."""
    path = ":".join(str(ROOT / folder) for folder in ("layers/shared", ".", "client"))
    return {"PYTHONPATH": path, "PROVIDERS_API_URL": url, "PROVIDERS_API_KEY": key}


@asynccontextmanager
async def over_stdio(
    command: list[str], environment: Mapping[str, str], how: str, errors: Path
) -> AsyncIterator[Client]:
    """Return a client of a new process, whose stderr goes to `errors`."""
    program, *arguments = command
    server = StdioServerParameters(command=program, args=arguments, env=dict(environment), cwd=ROOT)
    with errors.open("w") as log:
        async with Client(stdio_client(server, errlog=log), mode=how) as client:
            yield client


@asynccontextmanager
async def in_process(environment: Mapping[str, str]) -> AsyncIterator[Client]:
    """Return a client of the stdio server's tools in this process, configured by `environment`."""
    with providers_client.Client(*from_environment(environment)) as api:
        async with Client(make_server(Caller(api, environment))) as client:
            yield client


async def call(client: Client, tool: str, **given: Any) -> Any:
    """Return a tool's structured result, which must be a success that matches the tool's output schema."""
    result = await client.call_tool(tool, given)
    assert not result.is_error, text(result)
    OUTPUTS[tool].validate(result.structured_content)
    return result.structured_content


async def fail(client: Client, tool: str, **given: Any) -> Any:
    """Return a tool's structured error, which its text must repeat, and which must match the tool's output schema."""
    result = await client.call_tool(tool, given)
    assert result.is_error, text(result)
    OUTPUTS[tool].validate(result.structured_content)
    error = result.structured_content["error"]
    assert text(result).startswith(f"{error['code']}: {error['message']}")
    return error


def text(result: CallToolResult) -> str:
    """Return the text that a client without structured content shows."""
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text
