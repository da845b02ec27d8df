"""`functions/mcp`, invoked as by API Gateway."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from mcp_types import METHOD_NOT_FOUND
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from functions.mcp import app
from local.template import Template
from providers_client.mcp import http
from providers_client.mcp.tool import Caller
from providers_client.version import VERSION
from tests.client.canned import KEY, PROVIDER, Script, page
from tests.mcp.connecting import REVISIONS

ROOT = Path(__file__).parent.parent.parent
MOST_BYTES_OF_TOOLS = 12_000
CANARY = "sk-proj-FAKE-canary-EXAMPLE-100001"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_providers", "arguments": {}}}


def event(
    body: Any = LIST, *, method: str = "POST", path: str = "/live/mcp", tools: str | None = None, **headers: str | None
) -> dict[str, Any]:
    """Return an event; headers are written with underscores, and None removes one."""
    given = {
        "Authorization": f"Bearer {KEY}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in given.items() if value is not None}
    return {
        "resource": "/mcp",
        "path": "/mcp",
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": {"tools": tools} if tools is not None else None,
        "requestContext": {"requestId": "request-1", "domainName": "api.example", "path": path, "resourcePath": "/mcp"},
        "body": body if isinstance(body, str) or body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def modern(method: str, **params: Any) -> dict[str, Any]:
    """Return an event of the current revision, which has no handshake."""
    meta = {"io.modelcontextprotocol/protocolVersion": REVISIONS[-1], "io.modelcontextprotocol/clientCapabilities": {}}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta, **params}}
    return event(body, MCP_Protocol_Version=REVISIONS[-1], Mcp_Method=method)


def call(given: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and body."""
    response = app.handler(given, None)
    assert response["headers"]["X-Request-Id"] == "request-1"
    return response["statusCode"], response["headers"], json.loads(response["body"]) if response["body"] else None


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return everything that was logged, with every field."""
    return "\n".join(str(vars(record)) for record in caplog.records)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> list[httpx2.Request]:
    """Replace the REST API that the function calls; return the requests that it gets."""
    seen: list[httpx2.Request] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"data": [PROVIDER], "next_cursor": None})

    monkeypatch.delenv("API_URL", raising=False)
    monkeypatch.setattr(http, "_connections", httpx2.MockTransport(respond))
    return seen


REFUSALS = [
    (event(Authorization=None), 401, "missing_api_key"),
    (event(Authorization="Basic eDp5"), 401, "missing_api_key"),
    (event(Authorization="Bearer"), 401, "invalid_api_key"),
    (event(Authorization=f"Bearer {CANARY}"), 401, "invalid_api_key"),
    (event(None, method="GET"), 405, "method_not_allowed"),
    (event(None, method="DELETE", Authorization=None), 405, "method_not_allowed"),
    (event(Origin="https://evil.example"), 403, "origin_not_allowed"),
    (event(Origin="null"), 403, "origin_not_allowed"),
    (event(Origin="http://api.example"), 403, "origin_not_allowed"),
    (event(tools=CANARY), 400, "invalid_parameter"),
    (event(Content_Type="text/plain"), 415, "unsupported_media_type"),
    (event("{"), 400, "malformed_json"),
    (event(None), 400, "malformed_json"),
    (event([LIST]), 400, "malformed_json"),
    (event({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": CANARY}), 400, "malformed_json"),
    (event({"api_key": CANARY}), 400, "malformed_json"),
    (event(LIST | {"params": {"_meta": {"x": "y" * 70_000}}}), 413, "body_too_large"),
]


@pytest.mark.parametrize(("given", "status", "code"), REFUSALS)
def test_a_refusal_has_the_apis_format(
    api: list[httpx2.Request], given: dict[str, Any], status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused request gets an error in the API's format that does not repeat the input."""
    found, headers, body = call(given)
    assert (found, body["error"]["code"], body["error"]["request_id"]) == (status, code, "request-1")
    assert ("WWW-Authenticate" in headers) == (status == 401)
    assert headers.get("Allow") == ("POST" if status == 405 else None)
    assert CANARY not in json.dumps(body) + logged(caplog)
    assert code in logged(caplog)
    assert not api


def test_connecting_and_listing_do_not_call_the_api(api: list[httpx2.Request]) -> None:
    """Connecting and listing tools do not use up the key's rate limit."""
    hello = {
        "protocolVersion": REVISIONS[1],
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    status, _, body = call(event({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}))
    assert (status, body["result"]["protocolVersion"]) == (200, REVISIONS[1])
    assert body["result"]["serverInfo"]["version"] == VERSION  # also if the package is copied, not installed
    status, _, body = call(event({"jsonrpc": "2.0", "method": "notifications/initialized"}))
    assert (status, body) == (202, None)
    status, headers, body = call(event(MCP_Protocol_Version=REVISIONS[1]))
    assert (status, len(body["result"]["tools"])) == (200, 6)
    assert headers["Content-Type"] == "application/json"
    assert "Mcp-Session-Id" not in headers
    assert not api


def test_the_list_of_tools_is_small_and_can_be_kept(api: list[httpx2.Request]) -> None:
    """The list takes at most about 3,000 tokens of a model's context, and a client may keep it for an hour."""
    response = app.handler(modern("tools/list"), None)
    assert len(response["body"].encode()) <= MOST_BYTES_OF_TOOLS
    result = json.loads(response["body"])["result"]
    assert (len(result["tools"]), result["ttlMs"], result["cacheScope"]) == (6, 3_600_000, "public")


def test_a_subscription_is_refused_at_once(api: list[httpx2.Request]) -> None:
    """A subscription, which a server without streams does not have, is refused, and does not keep the function busy."""
    given = modern("subscriptions/listen", notifications={"toolsListChanged": True})
    responses: list[Any] = []
    thread = Thread(target=lambda: responses.append(call(given)), daemon=True)  # if it is busy, it never returns
    thread.start()
    thread.join(10)
    ((status, _, body),) = responses
    assert (status, body["error"]["code"]) == (404, METHOD_NOT_FOUND)


@pytest.mark.parametrize(("tools", "count"), [(None, 6), ("", 6), ("undo", 9)])
def test_tools_that_undo_changes_are_an_option(api: list[httpx2.Request], tools: str | None, count: int) -> None:
    """The tools that undo changes are listed, and can be called, only with ?tools=undo."""
    assert len(call(event(tools=tools))[2]["result"]["tools"]) == count
    given = CALL | {"params": {"name": "list_audit", "arguments": {"limit": 1}}}
    body = call(event(given, tools=tools))[2]
    assert ("error" in body, bool(api)) == (count == 6, count == 9)


IDS: list[tuple[Any, int]] = [
    (1.5, 400),
    (5.0, 400),
    (None, 400),
    (True, 400),
    ({}, 400),
    ([], 400),
    (-3, 200),
    (10**30, 200),
    ("", 200),
]


@pytest.mark.parametrize(("given", "status"), IDS, ids=repr)
def test_a_request_with_an_unusual_id_gets_a_response(api: list[httpx2.Request], given: Any, status: int) -> None:
    """A request with an unusual id is never taken for a notification (202 without a response)."""
    found, _, body = call(event(LIST | {"id": given}))
    assert found == status
    if status == 200:
        assert (body["id"], len(body["result"]["tools"])) == (given, 6)
    else:
        assert body["error"]["message"] == "the id of a JSON-RPC request is a string or an integer"


@pytest.mark.parametrize(
    ("accept", "status"), [(None, 200), ("", 200), ("*/*", 200), ("application/*", 200), ("text/html", 406)]
)
def test_without_an_accept_header_any_type_is_accepted(
    api: list[httpx2.Request], accept: str | None, status: int
) -> None:
    """Without an Accept header, any type is accepted, as in HTTP; a type other than JSON is refused."""
    assert call(event(Accept=accept))[0] == status


@pytest.mark.parametrize("revision", ["1900-01-01", "2099-01-01", "newest"])
def test_an_unknown_revision_is_a_400(api: list[httpx2.Request], revision: str) -> None:
    """An unknown revision returns 400, with the supported ones for current revisions."""
    status, _, body = call(event(MCP_Protocol_Version=revision))
    assert (status, body["id"]) == (400, LIST["id"])
    assert f"this server supports {HANDSHAKE_PROTOCOL_VERSIONS[0]}, " in body["error"]["message"]
    meta = {
        "io.modelcontextprotocol/protocolVersion": revision,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    status, _, body = call(
        event(LIST | {"params": {"_meta": meta}}, MCP_Protocol_Version=revision, Mcp_Method="tools/list")
    )
    assert (status, body["error"]["data"]["supported"]) == (400, [REVISIONS[-1]])


@pytest.mark.parametrize("revision", HANDSHAKE_PROTOCOL_VERSIONS)
def test_a_revision_with_a_handshake_is_negotiated(api: list[httpx2.Request], revision: str) -> None:
    """The server accepts the client's revision in a handshake."""
    hello = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    _, _, body = call(event({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}))
    assert body["result"]["protocolVersion"] == revision


LOCATIONS = [
    (event(CALL), "https://api.example/live/manage/v1/providers"),
    (event(CALL, path="/mcp"), "https://api.example/manage/v1/providers"),
    (event(CALL, path="/team/llm/mcp/"), "https://api.example/team/llm/manage/v1/providers"),
]


@pytest.mark.parametrize(("given", "url"), LOCATIONS)
def test_the_api_is_called_at_the_same_host_and_stage(
    api: list[httpx2.Request], given: dict[str, Any], url: str
) -> None:
    """The API is called at the same host and stage or base path, with the caller's key."""
    assert call(given)[2]["result"]["isError"] is False
    (request,) = api
    assert str(request.url).partition("?")[0] == url
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_its_own_origin_is_allowed(api: list[httpx2.Request]) -> None:
    """Requests from the API's own origin are allowed, because it cannot be a DNS-rebound name."""
    assert call(event(Origin="https://api.example"))[0] == 200


def test_a_body_in_base64_is_read(api: list[httpx2.Request]) -> None:
    """A body that API Gateway encodes in base64 is read."""
    given = event(CALL)
    given |= {"body": base64.b64encode(given["body"].encode()).decode(), "isBase64Encoded": True}
    assert call(given)[0] == 200
    assert len(api) == 1


def test_callers_share_no_key(api: list[httpx2.Request]) -> None:
    """Each request uses its own caller's key, and no key is kept."""
    other = "mlx_mk_other_" + "FAKE" * 12
    for key in (KEY, other, KEY):
        call(event(CALL, Authorization=f"bearer {key}"))
    assert [each.headers["authorization"] for each in api] == [f"Bearer {key}" for key in (KEY, other, KEY)]
    kept = {**vars(app), **vars(http)}
    assert KEY not in repr(kept)
    assert not [name for name, value in kept.items() if isinstance(value, Caller)]


def test_a_repeated_header_is_refused(api: list[httpx2.Request]) -> None:
    """Two revision headers in one request are refused, as the protocol requires."""
    given = event(MCP_Protocol_Version=REVISIONS[-1])
    given["multiValueHeaders"]["MCP-Protocol-Version"] = [REVISIONS[-1], REVISIONS[0]]
    status, _, body = call(given)
    assert (status, body["error"]["message"]) == (400, "mcp-protocol-version header appears more than once")


def test_a_failing_api_is_a_tool_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of the API is a tool error, not an error of the endpoint."""
    script = Script([httpx2.Response(404, text="<html>"), page([], None)])
    monkeypatch.delenv("API_URL", raising=False)
    monkeypatch.setattr(http, "_connections", httpx2.MockTransport(script))
    status, _, body = call(event(CALL))
    assert (status, body["result"]["isError"]) == (200, True)
    assert body["result"]["structuredContent"]["error"]["code"] == "unexpected_response"


def test_an_unexpected_error_has_the_apis_format(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error has the API's format and is logged by type and location."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(app, "respond", fail)
    status, _, body = call(event())
    assert (status, body["error"]["code"]) == (500, "internal_error")
    assert "RuntimeError" in logged(caplog)
    assert CANARY not in logged(caplog) + json.dumps(body)


def test_no_other_function_imports_the_protocols_library() -> None:
    """Only the MCP function imports the slow MCP library."""
    template = Template()
    modules = [template.module(name) for name in template.of_type("AWS::Serverless::Function")]
    modules.remove("functions.mcp.app")
    code = f"import importlib, sys\nfor name in {[*modules, 'providers_client', 'local.stack']!r}:\n"
    code += "    importlib.import_module(name)\nprint([name for name in ('mcp', 'mcp_types') if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


UNUSED = ("attr", "jsonschema", "jsonschema_specifications", "jwt", "referencing", "rpds", "click", "rich", "aiohttp")


def test_it_runs_without_the_excluded_packages() -> None:
    """The function works without the packages that functions/mcp/Makefile leaves out."""
    code = f"""
import json, sys
for name in {UNUSED!r}:
    sys.modules[name] = None  # importing it fails
from functions.mcp.app import handler
event = json.load(open("events/mcp.json"))
print(handler(event, None)["statusCode"])
event["requestContext"]["domainName"] = "127.0.0.1:1"
event["body"] = json.dumps({CALL!r})
print(json.loads(handler(event, None)["body"])["result"]["structuredContent"]["error"]["code"])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    lines = [line for line in ran.stdout.splitlines() if not line.startswith("{")]
    assert lines == ["200", "connection_failed"]
