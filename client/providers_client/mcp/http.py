"""The server over HTTP: one response for each request, no state between them (streamable HTTP, stateless, JSON)."""

from __future__ import annotations

import asyncio
import atexit
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import PROTOCOL_VERSION_META_KEY, UNSUPPORTED_PROTOCOL_VERSION
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

from providers_client.mcp.server import make_server
from providers_client.mcp.settings import BACKOFF, TIMEOUT_S
from providers_client.mcp.tool import Caller
from providers_client.sync import Client

_connections: Final = httpx2.HTTPTransport()
"""Connections to the API, reused by later requests; they contain no key. Each request has its own client."""
atexit.register(_connections.close)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP response; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: str


def caller(base_url: str, api_key: str) -> Caller:
    """Return who calls. Raises ConfigurationError for an invalid base URL or key."""
    return Caller(Client(base_url, api_key, timeout=TIMEOUT_S, backoff=BACKOFF, transport=_connections))


def respond(who: Caller, headers: Iterable[tuple[str, str]], body: bytes, *, undo: bool = False) -> HttpResponse:
    """Return the response to one POST.

    Args:
        who: who calls.
        headers: names are lower-case; a header that was sent twice appears twice.
        body: the message.
        undo: whether the tools that undo changes are offered.
    """
    sent = [*headers]
    return _refused_version(sent, body) or asyncio.run(_respond(make_server(who, undo=undo), sent, body))


def _refused_version(headers: Iterable[tuple[str, str]], body: bytes) -> HttpResponse | None:
    """Return the response to an unknown MCP-Protocol-Version, None for a known one.

    The library takes every unknown version for a newer one, and then misses the fields that newer messages have.
    """
    version = dict(headers).get("mcp-protocol-version")
    if version is None or version in KNOWN_PROTOCOL_VERSIONS or PROTOCOL_VERSION_META_KEY.encode() in body:
        return None
    supported = [*KNOWN_PROTOCOL_VERSIONS]
    message = f"Unsupported MCP-Protocol-Version: this server supports {', '.join(supported)}"
    error = {"code": UNSUPPORTED_PROTOCOL_VERSION, "message": message, "data": {"supported": supported}}
    text = json.dumps({"jsonrpc": "2.0", "id": json.loads(body).get("id"), "error": error})
    return HttpResponse(400, {"content-type": "application/json"}, text)


async def _respond(server: Server[Any], headers: Iterable[tuple[str, str]], body: bytes) -> HttpResponse:
    manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/mcp",
        "raw_path": b"/mcp",
        "query_string": b"",
        "headers": list(_forwarded(headers)),
    }
    parts: list[dict[str, Any]] = []
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        # The library waits for a disconnect, which does not come: a body again and again would keep it busy forever.
        return unread.pop() if unread else await asyncio.Future()

    async def send(message: Any) -> None:
        parts.append(message)

    async with manager.run():
        await manager.handle_request(scope, receive, send)
    start, *rest = parts
    response_headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    text = b"".join(part.get("body", b"") for part in rest).decode()
    return HttpResponse(start["status"], response_headers, text)


def _forwarded(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the headers of the protocol, without the management key. A missing Accept means any type (RFC 9110)."""
    kept = [(name, value) for name, value in headers if name in ("accept", "content-type") or name.startswith("mcp-")]
    kept = [(name, value) for name, value in kept if name != "accept" or value.strip()]
    if "accept" not in dict(kept):
        kept.append(("accept", "*/*"))
    for name, value in kept:
        yield name.encode("latin-1", "replace"), value.encode("latin-1", "replace")
