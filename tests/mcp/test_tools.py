"""The tools, over a client with scripted responses."""

from __future__ import annotations

import json
import logging
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client.client import Client as McpClient

from providers_client import Client, ConfigurationError, ProvidersAPIError, Unprocessable
from providers_client.mcp import logs
from providers_client.mcp.server import make_server, offered
from providers_client.mcp.settings import undo_is_wanted
from providers_client.mcp.tool import Caller
from providers_client.sending import Backoff
from tests.client.canned import KEY, PROVIDER, PROVIDER_ID, Script, error, page
from tests.mcp.test_schemas import UPLOAD

CANARY = "sk-proj-FAKE-canary-EXAMPLE-100001"
TOOLS = offered(undo=True)
STORED = httpx2.Response(201, json={"data": PROVIDER})
LINK = httpx2.Response(201, json={"data": UPLOAD})


def caller(script: Script, environment: dict[str, str] | None = None) -> Caller:
    """Return a caller over stdio, or over HTTP if there is no environment."""
    transport = httpx2.MockTransport(script)
    return Caller(Client("https://api.example/live", KEY, transport=transport, backoff=Backoff(retries=0)), environment)


def run(tool: str, given: dict[str, Any], *responses: httpx2.Response, environment: Any = None) -> tuple[Any, Script]:
    """Return a tool's result and the requests that it made."""
    script = Script(responses)
    return TOOLS[tool].call(caller(script, environment), given).model_dump(mode="json"), script


def body(script: Script) -> Any:
    """Return the body of the only request."""
    (request,) = script.seen
    return json.loads(request.content)


def test_filters_and_cursor_are_passed_on() -> None:
    """Limit, filters and cursor are passed to the API."""
    response, script = run("list_providers", {"limit": 7, "cursor": "c1", "health": "degraded"}, page([PROVIDER], "c2"))
    assert response == {"data": [PROVIDER], "next_cursor": "c2"}
    assert dict(script.seen[0].url.params) == {"limit": "7", "cursor": "c1", "health": "degraded"}


def test_an_integer_can_have_a_decimal_point() -> None:
    """5.0 is accepted as an integer, as in JSON Schema."""
    _, script = run("list_providers", {"limit": 5.0, "vendor": None, "cursor": None}, page([], None))
    assert dict(script.seen[0].url.params) == {"limit": "5"}


def test_without_a_key_a_provider_is_added_by_link() -> None:
    """Without a key, the result is an upload link and instructions for the model."""
    given = {"vendor": "azure", "name": "P", "base_url": "https://r.openai.azure.com", "api_key": None}
    response, script = run("add_provider", given, LINK)
    assert script.seen[0].url.path == "/live/manage/v1/uploads"
    assert body(script) == {"vendor": "azure", "name": "P", "base_url": "https://r.openai.azure.com"}
    assert response == UPLOAD | {"status": "upload_link", "message": response["message"]}
    assert "Give this link to a person" in response["message"]


def test_a_key_is_replaced_by_link() -> None:
    """A key can be replaced by an upload link if the caller requests it."""
    response, script = run("update_provider", {"provider_id": PROVIDER_ID, "upload_link": True}, LINK)
    assert body(script) == {"provider_id": PROVIDER_ID}
    assert (response["status"], response["url"]) == ("upload_link", UPLOAD["url"])


def test_both_tools_accept_a_key_by_its_variables_name() -> None:
    """Both tools accept a key by its variable's name."""
    environment = {"OPENAI_KEY": CANARY}
    given = {"vendor": "openai", "name": "P", "api_key_env": "OPENAI_KEY"}
    _, script = run("add_provider", given, STORED, environment=environment)
    assert body(script) == {"vendor": "openai", "name": "P", "api_key": CANARY}
    given = {"provider_id": PROVIDER_ID, "api_key_env": "OPENAI_KEY"}
    found = httpx2.Response(200, json={"data": PROVIDER}, headers={"ETag": '"3"'})
    _, script = run("update_provider", given, found, STORED, environment=environment)
    assert json.loads(script.seen[1].content) == {"api_key": CANARY}
    assert script.seen[1].headers["if-match"] == '"3"'


def test_invisible_characters_around_a_key_are_not_sent() -> None:
    """Invisible characters around a key are removed; a variable with nothing else counts as not set."""
    blank = "\ufeff\u200b"
    environment = {"OPENAI_KEY": f"{blank}{CANARY}{blank}", "OPENAI_EMPTY_KEY": blank}
    given = {"vendor": "openai", "name": "P"}
    _, script = run("add_provider", given | {"api_key_env": "OPENAI_KEY"}, STORED, environment=environment)
    assert body(script)["api_key"] == CANARY
    _, script = run("add_provider", given | {"api_key": f"{blank}{CANARY}{blank}"}, STORED)
    assert body(script)["api_key"] == CANARY
    with pytest.raises(Unprocessable) as caught:
        run("add_provider", given | {"api_key_env": "OPENAI_EMPTY_KEY"}, STORED, environment=environment)
    assert caught.value.code == "variable_not_set"


def test_an_addition_sends_every_argument() -> None:
    """Every argument is sent, with times in UTC."""
    given = {
        "vendor": "openai",
        "name": "P",
        "api_key": CANARY,
        "key_expires_at": "2099-01-01T01:00:00+01:00",
        "on_unavailable": "store_pending",
    }
    response, script = run("add_provider", given, STORED)
    assert body(script) == given | {"key_expires_at": "2099-01-01T00:00:00Z"}
    assert response == {"status": "stored", "provider": PROVIDER, "warnings": []}


UPDATES = [
    ({"name": "N", "status": None, "api_key": None}, {"name": "N"}),
    ({"status": "disabled", "upload_link": False}, {"status": "disabled"}),
    ({"base_url": None, "name": "N"}, {"name": "N"}),
    ({"base_url": None, "api_key": CANARY, "key_expires_at": None}, {"api_key": CANARY}),
    ({"base_url": "default"}, {"base_url": None}),
    ({"key_expires_at": "none", "name": "N"}, {"key_expires_at": None, "name": "N"}),
    ({"key_expires_at": "2099-01-01T00:00:00Z"}, {"key_expires_at": "2099-01-01T00:00:00Z"}),
]


@pytest.mark.parametrize(("given", "sent"), UPDATES)
def test_an_update_sends_only_the_given_arguments(given: dict[str, Any], sent: dict[str, Any]) -> None:
    """Null arguments are ignored, because strict-mode clients send them; fields are reset by words."""
    _, script = run("update_provider", {"provider_id": PROVIDER_ID} | given, STORED)
    assert body(script) == sent


def test_a_dry_run_is_passed_on() -> None:
    """A dry run is passed to the API."""
    response, script = run(
        "delete_provider",
        {"provider_id": PROVIDER_ID, "dry_run": True},
        httpx2.Response(200, json={"data": {"id": PROVIDER_ID, "deleted": False, "dry_run": True}}),
    )
    assert script.seen[0].url.params["dry_run"] == "true"
    assert response == {"id": PROVIDER_ID, "deleted": False, "dry_run": True}


@pytest.mark.parametrize(("given", "sent"), [({}, {}), ({"version": 3.0}, {"version": 3}), ({"version": None}, {})])
def test_a_rollback_restores_the_given_version(given: dict[str, Any], sent: dict[str, Any]) -> None:
    """A rollback restores the given version, without one the previous, and returns the provider."""
    response, script = run("rollback_provider", {"provider_id": PROVIDER_ID} | given, STORED)
    assert (script.seen[0].url.path, body(script)) == (f"/live/manage/v1/providers/{PROVIDER_ID}/rollback", sent)
    assert response == {"status": "stored", "provider": PROVIDER, "warnings": []}


def test_the_audit_trail_is_filtered_by_provider() -> None:
    """Provider, action, limit and cursor are passed to the API."""
    given = {"provider_id": PROVIDER_ID, "action": "provider.rotated", "cursor": "c1"}
    response, script = run("list_audit", given, page([], None))
    assert response == {"data": [], "next_cursor": None}
    assert dict(script.seen[0].url.params) == {
        "resource_id": PROVIDER_ID,
        "action": "provider.rotated",
        "limit": "50",
        "cursor": "c1",
    }


@pytest.mark.parametrize(("value", "wanted"), [(None, False), (" ", False), ("undo", True)])
def test_a_word_adds_the_tools_that_undo_changes(value: str | None, wanted: bool) -> None:
    """Only the word undo adds tools; another is refused without repeating it."""
    assert undo_is_wanted("PROVIDERS_MCP_TOOLS", value) is wanted
    with pytest.raises(ConfigurationError, match=r"^PROVIDERS_MCP_TOOLS must be undo, or not set$"):
        undo_is_wanted("PROVIDERS_MCP_TOOLS", CANARY)


ADD = {"vendor": "openai", "name": "P"}
UPDATE = {"provider_id": PROVIDER_ID}
INVALID = [
    ("get_provider", {}, [("provider_id", "missing")]),
    ("get_provider", {"provider_id": CANARY}, [("provider_id", "string_pattern_mismatch")]),
    ("get_provider", UPDATE | {CANARY: CANARY}, [(None, "extra_forbidden")]),
    ("get_provider", UPDATE | {"verbose": True}, [("verbose", "extra_forbidden")]),
    ("list_providers", {"limit": 101}, [("limit", "less_than_equal")]),
    ("list_providers", {"limit": 0}, [("limit", "greater_than_equal")]),
    ("list_providers", {"limit": "50"}, [("limit", "int_type")]),
    (
        "list_providers",
        {"vendor": CANARY, "health": "well"},
        [("vendor", "literal_error"), ("health", "literal_error")],
    ),
    ("add_provider", {"api_key": [CANARY]}, [("vendor", "missing"), ("name", "missing"), ("api_key", "string_type")]),
    ("add_provider", ADD | {"name": "n" * 81, "api_key": CANARY}, [("name", "name_length")]),
    ("add_provider", ADD | {"api_key": CANARY * 300}, [("api_key", "too_long")]),
    ("add_provider", ADD | {"api_key": CANARY, "api_key_env": "K"}, [("api_key_env", "exclusive")]),
    ("add_provider", ADD | {"api_key_env": CANARY}, [("api_key_env", "variable_name")]),
    ("add_provider", ADD | {"api_key_env": "1K"}, [("api_key_env", "variable_name")]),
    ("add_provider", ADD | {"api_key_env": "OPENAI_UNSET"}, "variable_not_set"),
    ("add_provider", ADD | {"api_key_env": "OPENAI_EMPTY"}, "variable_not_set"),
    ("add_provider", ADD | {"api_key": f" {KEY}"}, [("api_key", "management_key")]),
    ("add_provider", ADD | {"api_key_env": CANARY.replace("-", "_")}, [("api_key_env", "variable_not_allowed")]),
    ("add_provider", ADD | {"api_key": CANARY, "key_expires_at": "2099-01-01"}, [("key_expires_at", "time")]),
    ("add_provider", ADD | {"on_unavailable": "store_pending"}, [("on_unavailable", "key_required")]),
    ("update_provider", UPDATE, [(None, "missing")]),
    ("update_provider", UPDATE | {"upload_link": False}, [(None, "missing")]),
    ("update_provider", UPDATE | {"upload_link": True, "name": "N"}, [("name", "exclusive")]),
    ("update_provider", UPDATE | {"upload_link": True, "base_url": "default"}, [("base_url", "exclusive")]),
    ("update_provider", UPDATE | {"base_url": None, "name": None}, [(None, "missing")]),
    ("update_provider", UPDATE | {"api_key": KEY.upper()}, [("api_key", "management_key")]),
    ("list_providers", {"limit": 5.5}, [("limit", "int_type")]),
    ("list_providers", {"limit": float("inf")}, [("limit", "int_type")]),
    ("list_providers", {"limit": True}, [("limit", "int_type")]),
    ("delete_provider", UPDATE | {"dry_run": "yes"}, [("dry_run", "bool_type")]),
    ("get_provider_health", UPDATE | {"history": "1y"}, [("history", "literal_error")]),
    ("list_versions", {}, [("provider_id", "missing")]),
    ("rollback_provider", UPDATE | {"version": 0}, [("version", "greater_than_equal")]),
    ("rollback_provider", UPDATE | {"version": "1"}, [("version", "int_type")]),
    (
        "list_audit",
        {"provider_id": CANARY, "action": CANARY},
        [("provider_id", "string_pattern_mismatch"), ("action", "literal_error")],
    ),
]


@pytest.mark.parametrize(("tool", "given", "expected"), INVALID)
def test_invalid_arguments_are_named_without_echoing_input(tool: str, given: dict[str, Any], expected: Any) -> None:
    """Invalid arguments are all named, without repeating a key, and nothing is sent."""
    script = Script([])
    with pytest.raises(Unprocessable) as caught:
        TOOLS[tool].call(caller(script, {"K": CANARY, "OPENAI_EMPTY": " "}), given)
    error = caught.value
    if isinstance(expected, str):
        assert error.code == expected
    else:
        assert error.code == "validation_failed"
        assert [(each.param, each.code) for each in error.errors] == expected
    text = f"{error} {error.errors} {error.param}"
    assert CANARY not in text
    assert CANARY.replace("-", "_") not in text
    assert KEY not in text
    assert "is not valid" not in text
    assert not script.seen


def test_over_http_no_variable_is_read() -> None:
    """Over HTTP, the server's environment variables are never read."""
    with pytest.raises(Unprocessable) as caught:
        TOOLS["add_provider"].call(caller(Script([])), ADD | {"api_key_env": "HOME"})
    assert [each.code for each in caught.value.errors] == ["stdio_only"]


def test_a_tool_returns_the_apis_error() -> None:
    """A tool returns the API's error completely."""
    response = error(422, "credential_rejected", param="api_key", reason="credential_rejected", retryable=False)
    with pytest.raises(ProvidersAPIError) as caught:
        run("add_provider", ADD | {"api_key": CANARY}, response)
    assert (caught.value.reason, caught.value.request_id) == ("credential_rejected", "request-1")


def test_an_unexpected_failure_is_returned_and_logged_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error is returned and logged without its text, which could contain a key."""
    written: list[dict[str, Any]] = []
    for name in ("mcp", "providers_client", "httpx2", "httpcore2"):
        for attribute in ("handlers", "level", "propagate"):  # put back at the end
            monkeypatch.setattr(logging.getLogger(name), attribute, getattr(logging.getLogger(name), attribute))
    logs.install(written.append)

    def fail(_: httpx2.Request) -> httpx2.Response:
        raise RuntimeError(CANARY)

    who = Caller(Client("https://api.example", KEY, transport=httpx2.MockTransport(fail)))

    async def call() -> Any:
        async with McpClient(make_server(who)) as client:
            return await client.call_tool("list_providers", {})

    result = anyio.run(call)
    assert result.is_error
    assert result.structured_content["error"]["code"] == "internal_error"
    assert [(each["logger"], each["kind"]) for each in written] == [("providers_client.mcp.server", "RuntimeError")]
    assert CANARY not in f"{written} {result}"
