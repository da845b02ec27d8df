"""The server over stdio: `providers-mcp`, or `python -m providers_client.mcp`."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from io import TextIOWrapper
from typing import Any, cast

import anyio
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from providers_client.mcp import logs
from providers_client.mcp.messages import problem_with, refusal
from providers_client.mcp.server import make_server
from providers_client.mcp.tool import Caller
from providers_client.sync import Client


def serve(client: Client, *, undo: bool) -> None:
    """Serve with `client` until stdin ends; with `undo`, also the tools that undo changes."""
    logs.install(_write)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # end at once, without a traceback: there is nothing to clean up
    with client:
        anyio.run(_serve, make_server(Caller(client, os.environ), undo=undo))


class _Lines:
    """Yields the lines of stdin that are valid messages; calls `refuse` with the reason and the line for the others."""

    refuse: Callable[[str, str], Awaitable[None]]

    async def __aiter__(self) -> AsyncIterator[str]:
        lines = anyio.wrap_file(TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace"))
        async for line in lines:
            problem = problem_with(line)
            if problem is None:
                yield line
            elif line.strip():
                await self.refuse(problem, line)


async def _serve(server: Server[Any]) -> None:
    lines = _Lines()
    async with stdio_server(cast("anyio.AsyncFile[str]", lines)) as (incoming, outgoing):

        async def refuse(message: str, line: str) -> None:
            await outgoing.send(SessionMessage(refusal(message, line)))

        lines.refuse = refuse
        await server.run(incoming, outgoing, server.create_initialization_options())


def _write(fields: dict[str, Any]) -> None:
    print(json.dumps(fields), file=sys.stderr, flush=True)  # noqa: T201 - stdout is the protocol's
