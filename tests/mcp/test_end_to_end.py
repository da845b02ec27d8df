"""The official SDK's client with the local stack, over stdio and HTTP, at each protocol revision."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

import providers_client
from local.vendors.keys import fake_key
from providers.model.health import MINUTE, floor_minute
from providers_contract.vocabulary import Scope
from tests.mcp.connecting import (
    REVISIONS,
    Connect,
    Person,
    call,
    fail,
    mode,
    over_http,
    over_stdio,
    stdio_environment,
    text,
)

TRANSPORTS = ["http", "stdio"]


def connector(
    person: Person, transport: str, how: str, errors: Path, key: str | None = None, *, undo: bool = False
) -> Connect:
    """Return a function that connects with `key`, by default one with every scope."""
    url, given = person.stack.url, key or person.key()
    if transport == "http":
        return lambda: over_http(url, given, how, "?tools=undo" if undo else "")
    environment = stdio_environment(url, given) | {"OPENAI_KEY": fake_key("openai", serial=77)}
    environment |= {"PROVIDERS_MCP_TOOLS": "undo"} if undo else {}
    return lambda: over_stdio(person.stdio(), environment, how, errors)


async def life(client: Client, person: Person) -> None:
    """Call every tool, and check its result and its errors."""
    key, second = fake_key("openai"), fake_key("openai", serial=2)
    added = await call(client, "add_provider", vendor="openai", name="Production", api_key=key)
    assert (added["status"], added["warnings"]) == ("stored", [])
    provider = added["provider"]["id"]
    again = await fail(client, "add_provider", vendor="openai", name="production", api_key=second)
    assert (again["code"], again["param"]) == ("name_taken", "name")
    refused = await fail(client, "add_provider", vendor="groq", name="G", api_key=fake_key("groq", "invalid"))
    assert (refused["code"], refused["reason"]) == ("credential_rejected", "credential_rejected")
    assert re.fullmatch(r"[0-9a-f-]{36}", refused["request_id"])

    await call(client, "add_provider", vendor="bedrock", name="Other", api_key=fake_key("bedrock"))
    page = await call(client, "list_providers", limit=1)
    assert [each["name"] for each in page["data"]] == ["Other"]
    page = await call(client, "list_providers", limit=1, cursor=page["next_cursor"])
    assert ([each["id"] for each in page["data"]], page["next_cursor"]) == ([provider], None)
    assert (await fail(client, "list_providers", cursor="no-cursor"))["code"] == "invalid_cursor"
    assert (await call(client, "list_providers", vendor="groq"))["data"] == []

    rotated = await call(client, "update_provider", provider_id=provider, api_key=second, name="Renamed")
    assert (rotated["provider"]["key_version"], rotated["provider"]["name"]) == (2, "Renamed")
    disabled = await call(client, "update_provider", provider_id=provider, status="disabled")
    assert disabled["provider"]["status"] == "disabled"
    unavailable = await fail(
        client, "update_provider", provider_id=provider, api_key=fake_key("openai", "invalid", serial=3)
    )
    assert unavailable["code"] == "credential_rejected"
    assert (await fail(client, "update_provider", provider_id=provider))["errors"][0]["code"] == "missing"
    assert await call(client, "get_provider", provider_id=provider) == disabled["provider"]
    health = await call(client, "get_provider_health", provider_id=provider, history="1h")
    assert (health["state"], set(health["windows"])) == ("unknown", {"5m", "1h", "24h", "7d"})

    with providers_client.Client(person.stack.url, person.key()) as rest:
        rest.put_routing_config("@prod", "single", [{"provider_id": provider, "model": "gpt-5"}])
        in_use = await client.call_tool("delete_provider", {"provider_id": provider})
        assert in_use.structured_content["error"]["references"] == [{"type": "routing_config", "id": "@prod"}]
        assert "in use by: routing_config @prod" in text(in_use)
        rest.delete_routing_config("@prod")
    dry = await call(client, "delete_provider", provider_id=provider, dry_run=True)
    assert (dry["deleted"], dry["dry_run"]) == (False, True)
    assert (await call(client, "delete_provider", provider_id=provider))["deleted"] is True
    for tool in ("get_provider", "update_provider", "delete_provider", "get_provider_health"):
        more = {"name": "N"} if tool == "update_provider" else {}
        gone = await fail(client, tool, provider_id=provider, **more)
        assert (gone["code"], gone["resource"], gone["id"]) == ("provider_not_found", "provider", provider)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("revision", REVISIONS)
def test_the_life_of_a_provider(
    person: Person, revision: str, transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All six tools are listed with their annotations, work, and fail like the API."""
    errors = tmp_path / "stderr"
    connect = connector(person, transport, mode(revision, monkeypatch), errors)

    async def work() -> None:
        async with connect() as client:
            assert client.protocol_version == revision
            tools = (await client.list_tools()).tools
            assert [each.name for each in tools] == [
                "list_providers",
                "get_provider",
                "add_provider",
                "update_provider",
                "delete_provider",
                "get_provider_health",
            ]
            for tool in tools:
                assert tool.annotations is not None
                hints = tool.annotations.model_dump(exclude={"title"})
                assert set(map(type, hints.values())) == {bool}, tool.name
                assert len(hints) == 4
                assert tool.output_schema is not None
                assert set(tool.output_schema) == {"type", "anyOf"}
            await life(client, person)
            with pytest.raises(MCPError, match="no such tool"):
                await client.call_tool("drop_table", {})

    asyncio.run(work())
    if transport == "stdio":
        assert errors.read_text() == ""


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_rotation_is_undone(person: Person, transport: str, tmp_path: Path) -> None:
    """With the tools that undo changes, a model finds what it did, and restores the key that it replaced."""
    connect = connector(person, transport, "auto", tmp_path / "stderr", undo=True)
    reader = connector(person, "http", "auto", tmp_path / "more", person.key(Scope.PROVIDERS_READ), undo=True)

    async def work() -> None:
        async with connect() as client, reader() as reading:
            first, second = (fake_key("openai", serial=each) for each in (61, 62))
            added = await call(client, "add_provider", vendor="openai", name="P", api_key=first)
            provider = added["provider"]["id"]
            missing = await fail(client, "rollback_provider", provider_id=provider, version=7)
            assert missing["code"] == "version_not_found"
            await call(client, "update_provider", provider_id=provider, api_key=second)
            versions = (await call(client, "list_versions", provider_id=provider))["data"]
            assert [(each["number"], each["active"]) for each in versions] == [(2, True), (1, False)]
            refused = await fail(reading, "rollback_provider", provider_id=provider, version=1)
            assert refused["code"] == "insufficient_scope"
            restored = await call(client, "rollback_provider", provider_id=provider, version=1)
            assert restored["provider"]["key_version"] == 3
            assert restored["provider"]["key_hint"] == added["provider"]["key_hint"]
            page = await call(reading, "list_audit", provider_id=provider, limit=2)
            assert [each["action"] for each in page["data"]] == ["provider.rolled_back", "provider.rotated"]
            page = await call(reading, "list_audit", provider_id=provider, cursor=page["next_cursor"])
            assert [each["action"] for each in page["data"]] == ["provider.created"]

    asyncio.run(work())


def test_a_read_only_key_changes_nothing(person: Person, tmp_path: Path) -> None:
    """The tools have no permissions of their own: the API refuses, and the tools return its error."""
    with providers_client.Client(person.stack.url, person.key()) as rest:
        provider = rest.add_provider("openai", "P", fake_key("openai")).data
    connect = connector(person, "http", "auto", tmp_path, person.key(Scope.PROVIDERS_READ))

    async def work() -> None:
        async with connect() as client:
            assert (await call(client, "get_provider", provider_id=provider.id))["name"] == "P"
            key = fake_key("openai", serial=2)
            changes = [
                ("add_provider", {"vendor": "openai", "name": "N", "api_key": key}),
                ("update_provider", {"provider_id": provider.id, "name": "N"}),
                ("delete_provider", {"provider_id": provider.id}),
            ]
            for tool, given in changes:
                error = await fail(client, tool, **given)
                assert error["code"] == "insufficient_scope"
                assert "providers:write" in error["message"]

    asyncio.run(work())


def test_an_unknown_key_is_reported_by_a_tool(person: Person, tmp_path: Path) -> None:
    """Connecting with an invalid key works, and a tool reports that it is invalid."""
    connect = connector(person, "http", "auto", tmp_path, "mlx_mk_fake_" + "0" * 64)

    async def work() -> None:
        async with connect() as client:
            assert len((await client.list_tools()).tools) == 6
            assert (await fail(client, "list_providers"))["code"] == "invalid_api_key"

    asyncio.run(work())


def test_a_variable_of_the_servers_environment_over_stdio(person: Person, tmp_path: Path) -> None:
    """A model can use a key by its variable's name without seeing it; other variables are refused."""
    connect = connector(person, "stdio", "auto", tmp_path / "stderr")

    async def work() -> None:
        async with connect() as client:
            added = await call(client, "add_provider", vendor="openai", name="P", api_key_env="OPENAI_KEY")
            same = fake_key("openai", serial=77)
            again = await call(client, "add_provider", vendor="openai", name="Same", api_key=same)
            assert again["warnings"][0]["provider_ids"] == [added["provider"]["id"]]
            error = await fail(client, "add_provider", vendor="openai", name="Q", api_key_env="OPENAI_NOT_THERE")
            assert (error["code"], error["param"]) == ("variable_not_set", "api_key_env")
            assert "NOT_THERE" not in error["message"]
            error = await fail(client, "add_provider", vendor="openai", name="Q", api_key_env="PROVIDERS_API_KEY")
            assert error["errors"][0]["code"] == "variable_not_allowed"

    asyncio.run(work())


def test_a_variable_is_refused_over_http(person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Over HTTP, environment variables are refused, because they would be the server's."""
    monkeypatch.setenv("OPENAI_KEY", fake_key("openai"))
    connect = connector(person, "http", "auto", tmp_path)

    async def work() -> None:
        async with connect() as client:
            error = await fail(client, "add_provider", vendor="openai", name="P", api_key_env="OPENAI_KEY")
            assert error["errors"][0]["code"] == "stdio_only"
            assert (await call(client, "list_providers"))["data"] == []

    asyncio.run(work())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_key_in_an_argument_is_found_nowhere(
    person: Person,
    transport: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A key in any argument is never in a response, an error, a log line or on stderr."""
    good, refused = fake_key("openai", serial=50), fake_key("openai", "invalid", serial=51)
    errors = tmp_path / "stderr"
    connect = connector(person, transport, "auto", errors)
    provider = "prov_" + "0" * 26
    calls: list[tuple[str, dict[str, Any]]] = [
        ("add_provider", {"vendor": "openai", "name": "P", "api_key": good}),
        ("add_provider", {"vendor": "openai", "name": "Q", "api_key": refused}),
        ("add_provider", {"vendor": "openai", "name": "R", "api_key": good + " \n"}),
        ("add_provider", {"vendor": good, "name": "P", "api_key": {"is": good}}),
        ("add_provider", {"vendor": "openai", "name": "P", "api_key_env": good}),
        ("add_provider", {"vendor": "openai", "name": "P", good: good}),
        ("add_provider", {"vendor": "openai", "name": "P", "api_key": good, "key_expires_at": good}),
        ("update_provider", {"provider_id": good, "api_key": good}),
        ("update_provider", {"provider_id": provider, "base_url": f"https://{good}/", "api_key": good}),
        ("get_provider", {"provider_id": good}),
        ("list_providers", {"cursor": good, "vendor": good, "limit": good}),
        ("delete_provider", {"provider_id": provider, "dry_run": good}),
        ("get_provider_health", {"provider_id": provider, "history": good}),
    ]

    async def work() -> list[str]:
        async with connect() as client:
            results = [(await client.call_tool(tool, given)).model_dump_json() for tool, given in calls]
            with pytest.raises(MCPError) as caught:
                await client.call_tool(good, {})
            return [*results, str(caught.value)]

    results = asyncio.run(work())
    logged = [str(vars(record)) for record in caplog.records]
    written = [*capfd.readouterr(), errors.read_text() if transport == "stdio" else ""]
    seen = "\n".join([*results, *logged, *written])
    assert json.loads(results[0])["structured_content"]["status"] == "stored"
    assert ("POST /mcp" in "".join(logged)) == (transport == "http")
    assert not [key for key in (good, refused) if key in seen or key[:-4] in seen]


def test_requests_without_a_key_or_for_a_stream_are_refused(person: Person) -> None:
    """The gateway's responses have the protocol's statuses and headers, in the API's format."""
    with httpx2.Client(base_url=person.stack.url, trust_env=False) as http:
        anonymous = http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert (anonymous.status_code, anonymous.headers["www-authenticate"]) == (401, "Bearer")
        assert anonymous.json()["error"]["code"] == "missing_api_key"
        for method in ("GET", "DELETE"):
            refused = http.request(method, "/mcp", headers={"authorization": f"Bearer {person.key()}"})
            assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
            assert refused.json()["error"]["code"] == "method_not_allowed"


def test_a_tool_call_counts_once(person: Person) -> None:
    """Connecting and listing the tools do not count towards the key's rate limit."""
    key = person.key()
    clock = person.stack.ports.local_clock
    clock.put_forward_to(floor_minute(clock.now()) + MINUTE)  # the two calls are in the same minute

    async def work() -> None:
        async with over_http(person.stack.url, key, "auto") as client:
            await client.list_tools()
            await call(client, "list_providers")

    asyncio.run(work())
    headers = {"authorization": f"Bearer {key}"}
    response = httpx2.get(f"{person.stack.url}/manage/v1/providers", headers=headers, trust_env=False)
    assert int(response.headers["ratelimit-limit"]) - int(response.headers["ratelimit-remaining"]) == 2


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "providers-mcp: set PROVIDERS_API_URL and PROVIDERS_API_KEY\n"),
        (
            {"PROVIDERS_API_URL": "https://api.example", "PROVIDERS_API_KEY": "canary"},
            "providers-mcp: invalid management key: expected mlx_mk_<id>_<secret>\n",
        ),
    ],
    ids=["nothing", "no key"],
)
def test_a_server_that_cannot_start_says_why(environment: dict[str, str], message: str) -> None:
    """A server that cannot start prints one line on stderr, without a traceback."""
    path = {"PYTHONPATH": stdio_environment("", "")["PYTHONPATH"]}
    command = [sys.executable, "-m", "providers_client.mcp"]
    ran = subprocess.run(command, env=path | environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", message)
