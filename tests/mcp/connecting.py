"""The official SDK's client, over stdio and over HTTP, at any revision of the protocol."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import mcp.client.session
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from local.stack import Stack
from providers_contract.vocabulary import Scope

ROOT: Final = Path(__file__).parent.parent.parent
REVISIONS: Final = KNOWN_PROTOCOL_VERSIONS[-3:]
"""The current revision, and the two before it."""

Connect = Callable[[], AbstractAsyncContextManager[Client]]


@dataclass(frozen=True)
class Person:
    """A user of the tools."""

    stack: Stack
    org: str

    def key(self, *scopes: Scope) -> str:
        """A management key of theirs; every scope where none is named."""
        return self.stack.mint(self.org, *scopes).reveal()


def mode(revision: str, patch: pytest.MonkeyPatch) -> str:
    """The SDK's mode for a revision. For a handshake it offers its newest one, which is changed here."""
    if revision in MODERN_PROTOCOL_VERSIONS:
        return revision
    patch.setattr(mcp.client.session, "LATEST_HANDSHAKE_VERSION", revision)
    return "legacy"


@asynccontextmanager
async def over_http(url: str, key: str, how: str) -> AsyncIterator[Client]:
    """A client of `POST /mcp`."""
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=how) as client,
    ):
        yield client


def stdio_environment(url: str, key: str) -> dict[str, str]:
    """What a user would configure."""
    path = ":".join(str(ROOT / folder) for folder in ("layers/shared", ".", "client"))
    return {"PYTHONPATH": path, "PROVIDERS_API_URL": url, "PROVIDERS_API_KEY": key}


@asynccontextmanager
async def over_stdio(environment: Mapping[str, str], how: str, errors: Path) -> AsyncIterator[Client]:
    """A client of a process of its own, whose stderr goes to `errors`."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "providers_client.mcp"], env=dict(environment), cwd=ROOT
    )
    with errors.open("w") as log:
        async with Client(stdio_client(command, errlog=log), mode=how) as client:
            yield client


async def call(client: Client, tool: str, **given: Any) -> Any:
    """A tool's structured answer, which must be a success."""
    result = await client.call_tool(tool, given)
    assert not result.is_error, text(result)
    return result.structured_content


async def fail(client: Client, tool: str, **given: Any) -> Any:
    """A tool's structured error, which its text must say too."""
    result = await client.call_tool(tool, given)
    assert result.is_error, text(result)
    error = result.structured_content["error"]
    assert text(result).startswith(f"{error['code']}: {error['message']}")
    return error


def text(result: CallToolResult) -> str:
    """What a client without structured content shows."""
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text
