"""The environment variables that a model can use over stdio, and the hosts to which they are sent."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.vendors.keys import fake_key
from tests.mcp.connecting import ROOT, Person, call, fail, in_process, over_stdio, stdio_environment

AZURE_URL = "https://acme.openai.azure.com"
FOREIGN = "https://gateway.example.com/v1"
OPENAI, SECOND, ANTHROPIC = fake_key("openai"), fake_key("openai", serial=2), fake_key("anthropic")
VARIABLES = {
    "OPENAI_API_KEY": OPENAI,
    "ANTHROPIC_API_KEY": ANTHROPIC,
    "AZURE_OPENAI_API_KEY": fake_key("azure"),
    "AWS_BEARER_TOKEN_BEDROCK": "ABSK" + "FAKEEXAMPLE" * 10 + "::us-east-1",
    "GEMINI_API_KEY": fake_key("google"),
    "GOOGLE_MAPS_API_KEY": fake_key("google", serial=2),
    "AWS_SECRET_ACCESS_KEY": "FAKE/EXAMPLE/ONLY/FAKE/EXAMPLE/ONLY/FAKE",
    "AZURE_CLIENT_SECRET": "FAKE8Q~EXAMPLE.FAKE-EXAMPLE_FAKE-EXAMPLE",
    "OPENAI_WEBHOOK_SECRET": "whsec_FAKEEXAMPLEFAKEEXAMPLE",
    "GITHUB_TOKEN": "ghp_FAKEEXAMPLEFAKEEXAMPLEFAKEEXAMPLE",
    "DATABASE_URL": "postgres://user:FAKEEXAMPLE@db.example.com/x",
    "MY_KEY": SECOND,
    "OPENAI_MISPLACED": ANTHROPIC,
    "OPENAI_MANAGEMENT": "mlx_mk_FAKE_" + "FAKE" * 12,
}
REFUSED: list[tuple[dict[str, str], str]] = [
    ({"api_key_env": "ANTHROPIC_API_KEY"}, "variable_of_another_vendor"),
    ({"api_key_env": "AZURE_OPENAI_API_KEY"}, "variable_of_another_vendor"),
    ({"api_key_env": "OPENAI_API_KEY", "base_url": FOREIGN}, "host_not_allowed"),
    ({"api_key_env": "OPENAI_API_KEY", "base_url": "https://api.openai.com@gateway.example.com"}, "host_not_allowed"),
    ({"api_key_env": "OPENAI_API_KEY", "base_url": "https://[", "vendor": "groq"}, "variable_of_another_vendor"),
    ({"api_key_env": "OPENAI_API_KEY", "base_url": "https://["}, "host_not_allowed"),
    ({"api_key_env": "GOOGLE_MAPS_API_KEY", "vendor": "google"}, "variable_not_allowed"),
    ({"api_key_env": "AWS_SECRET_ACCESS_KEY", "vendor": "bedrock"}, "variable_not_allowed"),
    ({"api_key_env": "AZURE_CLIENT_SECRET", "vendor": "azure", "base_url": AZURE_URL}, "wrong_kind_of_key"),
    ({"api_key_env": "OPENAI_WEBHOOK_SECRET"}, "wrong_kind_of_key"),
    ({"api_key_env": "OPENAI_MISPLACED"}, "wrong_kind_of_key"),
    ({"api_key_env": "OPENAI_MANAGEMENT"}, "wrong_kind_of_key"),
    ({"api_key_env": "GITHUB_TOKEN"}, "variable_not_allowed"),
    ({"api_key_env": "DATABASE_URL"}, "variable_not_allowed"),
    ({"api_key_env": "MY_KEY"}, "variable_not_allowed"),
    ({"api_key_env": "PROVIDERS_API_KEY"}, "variable_not_allowed"),
    ({"api_key_env": "PATH"}, "variable_not_allowed"),
]
ALLOWED: list[dict[str, str]] = [
    {"api_key_env": "OPENAI_API_KEY"},
    {"api_key_env": "ANTHROPIC_API_KEY", "vendor": "anthropic", "base_url": "https://api.anthropic.com"},
    {"api_key_env": "AZURE_OPENAI_API_KEY", "vendor": "azure", "base_url": AZURE_URL},
    {"api_key_env": "GEMINI_API_KEY", "vendor": "google", "base_url": "default"},
]

UNUSUAL: list[Any] = [-3, 10**30, "", 1.5, None, True, {}]


def test_a_key_is_sent_to_its_own_vendor_only(person: Person, tmp_path: Path) -> None:
    """A key is sent to its own vendor only, and other variables nowhere."""
    environment = stdio_environment(person.stack.url, person.key()) | VARIABLES
    emulator = person.stack.emulator
    assert emulator is not None

    async def work() -> None:
        async with over_stdio(person.stdio(), environment, "auto", tmp_path / "stderr") as client:
            before = emulator.requests
            results: list[Any] = []
            for number, (given, code) in enumerate(REFUSED):
                error = await fail(client, "add_provider", **({"vendor": "openai", "name": f"R{number}"} | given))
                assert (error["param"], error["errors"][0]["code"]) == ("api_key_env", code), given
                results.append(error)
            assert emulator.requests == before
            assert not [value for value in VARIABLES.values() if value in json.dumps(results)]
            for number, given in enumerate(ALLOWED):
                await call(client, "add_provider", **({"vendor": "openai", "name": f"A{number}"} | given))
            key = await fail(client, "add_provider", vendor="openai", name="K", api_key=VARIABLES["OPENAI_MANAGEMENT"])
            assert key["errors"][0]["code"] == "management_key"

    asyncio.run(work())
    assert (tmp_path / "stderr").read_text() == ""


def test_a_rotation_uses_the_stored_vendor_and_base_url(person: Person) -> None:
    """A rotation uses the stored vendor and base_url, unless the new base_url is one of the vendor's own."""
    environment = stdio_environment(person.stack.url, person.key()) | {"OPENAI_API_KEY": SECOND, "GROQ_KEY": "x"}
    emulator = person.stack.emulator
    assert emulator is not None

    async def work() -> None:
        async with in_process(environment) as client:
            gateway = f"{emulator.url}/openai/v1"
            given = {"vendor": "openai", "name": "Gateway", "api_key": OPENAI, "base_url": gateway}
            provider = (await call(client, "add_provider", **given))["provider"]["id"]
            before = emulator.requests
            rotation = {"provider_id": provider, "api_key_env": "OPENAI_API_KEY"}
            for more in ({}, {"base_url": None}, {"base_url": FOREIGN}):
                error = await fail(client, "update_provider", **rotation, **more)
                assert error["errors"][0]["code"] == "host_not_allowed"
            error = await fail(client, "update_provider", provider_id=provider, api_key_env="GROQ_KEY")
            assert error["errors"][0]["code"] == "variable_of_another_vendor"
            assert emulator.requests == before
            assert (await call(client, "get_provider", provider_id=provider))["base_url"] == gateway
            rotated = await call(client, "update_provider", **rotation, base_url="default")
            assert (rotated["provider"]["base_url"], rotated["provider"]["key_version"]) == (None, 2)

    asyncio.run(work())


@pytest.mark.parametrize(
    ("listed", "name", "code"),
    [
        ("MY_*, OTHER", "MY_KEY", None),
        ("MY_KEY", "OPENAI_API_KEY", "variable_not_allowed"),
        ("*", "PROVIDERS_API_KEY", "variable_not_allowed"),
        ("*", "ANTHROPIC_API_KEY", "variable_of_another_vendor"),
        ("*", "GITHUB_TOKEN", "wrong_kind_of_key"),
        ("", "OPENAI_API_KEY", "variable_not_allowed"),
    ],
)
def test_the_servers_configuration_allows_other_variables(
    person: Person, listed: str, name: str, code: str | None
) -> None:
    """Configured names and patterns replace the default, and a value must still match the vendor."""
    environment = stdio_environment(person.stack.url, person.key()) | VARIABLES
    environment["PROVIDERS_MCP_KEY_VARIABLES"] = listed

    async def work() -> None:
        async with in_process(environment) as client:
            given = {"vendor": "openai", "name": "P", "api_key_env": name}
            if code is None:
                await call(client, "add_provider", **given)
            else:
                assert (await fail(client, "add_provider", **given))["errors"][0]["code"] == code

    asyncio.run(work())


def test_requests_with_unusual_ids_get_responses_over_stdio() -> None:
    """Each request gets a response or an error, with its id unless that is unreadable or contains a key (then null)."""
    environment = stdio_environment("http://127.0.0.1:1", "mlx_mk_fake_" + "0" * 64)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    lines: list[Any] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        *({"jsonrpc": "2.0", "id": each, "method": "ping"} for each in UNUSUAL),
        {"hello": "world"},
        {"jsonrpc": "2.0", "id": 15, "method": "ping", "params": []},
        {"jsonrpc": "1.0", "id": "a-b", "method": "ping"},
        {"jsonrpc": "2.0", "id": "k" * 48, "method": "ping", "params": []},
    ]
    text = "".join(f"{json.dumps(line)}\n" for line in lines) + "{not json\n\n"
    command = [sys.executable, "-m", "providers_client.mcp"]
    ran = subprocess.run(
        command, env=environment, input=text, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    responses = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [each["id"] for each in responses if "result" in each] == [1, -3, 10**30, ""]
    refused = [each["error"]["code"] for each in responses if each["id"] is None and "error" in each]
    assert refused == [-32600] * 7
    assert [each["id"] for each in responses if each["id"] is not None and "error" in each] == [15, "a-b"]
    assert "k" * 48 not in ran.stdout
