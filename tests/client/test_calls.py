"""The request and the result of each method."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from providers_client import AttemptView, Client
from tests.client.canned import KEY, NOW, PROVIDER, PROVIDER_ID, Script, page

TIME = "2026-04-14T12:00:00Z"
OWN_KEY = {
    "id": "01jfakefakefakefakefakefake",
    "org": "org_a",
    "name": "Ops",
    "scopes": ["providers:read"],
    "expires_at": None,
}
AUDIT = {
    "id": "aud_1",
    "at": TIME,
    "actor": {"type": "management_key", "key_id": "k1"},
    "action": "provider.rotated",
    "resource": {"type": "provider", "id": PROVIDER_ID},
    "before": {"key_version": 2},
    "after": {"key_version": 3},
    "request_id": "r1",
}
UPLOAD = {
    "id": "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "url": "https://api.example.com/upload/x",
    "provider_id": None,
    "vendor": "openai",
    "name": "A",
    "expires_at": TIME,
}
VERSION = {
    "number": 2,
    "hint": "sk-…0001",
    "created_at": TIME,
    "active": False,
    "retires_at": TIME,
    "last_used_at": None,
    "safe_to_revoke": True,
}
CONFIG = {
    "slug": "@production",
    "strategy": "single",
    "attempts": [{"provider_id": PROVIDER_ID, "model": "gpt-5"}],
    "created_at": TIME,
    "updated_at": TIME,
}
ONE = f"/providers/{PROVIDER_ID}"
CHANGED = {"data": PROVIDER, "warnings": [{"code": "duplicate_credential", "message": "…", "provider_ids": ["p"]}]}

Case = tuple[str, Callable[[Client], Any], str, Any, Any, Any]
CASES: list[Case] = [
    (
        "add",
        lambda c: c.add_provider(
            "azure",
            "A",
            "FAKE",
            base_url="https://a.openai.azure.com",
            key_expires_at=NOW,
            on_unavailable="store_pending",
        ),
        "POST /providers",
        {
            "vendor": "azure",
            "name": "A",
            "api_key": "FAKE",
            "base_url": "https://a.openai.azure.com",
            "key_expires_at": TIME,
            "on_unavailable": "store_pending",
        },
        CHANGED,
        CHANGED,
    ),
    (
        "add the least",
        lambda c: c.add_provider("openai", "A", "FAKE"),
        "POST /providers",
        {"vendor": "openai", "name": "A", "api_key": "FAKE"},
        {"data": PROVIDER},
        {"data": PROVIDER},
    ),
    ("get", lambda c: c.get_provider(PROVIDER_ID), f"GET {ONE}", None, {"data": PROVIDER}, PROVIDER),
    (
        "delete",
        lambda c: c.delete_provider(PROVIDER_ID),
        f"DELETE {ONE}",
        None,
        {"data": {"id": PROVIDER_ID, "deleted": True}},
        {"id": PROVIDER_ID, "deleted": True},
    ),
    (
        "delete dry",
        lambda c: c.delete_provider(PROVIDER_ID, dry_run=True, if_match='"1"'),
        f"DELETE {ONE}?dry_run=true",
        None,
        {"data": {"id": PROVIDER_ID, "deleted": False, "dry_run": True}},
        {"id": PROVIDER_ID, "deleted": False, "dry_run": True},
    ),
    (
        "versions",
        lambda c: c.list_versions(PROVIDER_ID),
        f"GET {ONE}/versions",
        None,
        {"data": [VERSION, VERSION]},
        [VERSION, VERSION],
    ),
    (
        "destroy a version",
        lambda c: c.destroy_version(PROVIDER_ID, 2, if_match='"7"'),
        f"DELETE {ONE}/versions/2",
        None,
        {"data": {"provider_id": PROVIDER_ID, "number": 2, "deleted": True}},
        {"provider_id": PROVIDER_ID, "number": 2, "deleted": True},
    ),
    (
        "rollback",
        lambda c: c.rollback_provider(PROVIDER_ID),
        f"POST {ONE}/rollback",
        {},
        {"data": PROVIDER},
        {"data": PROVIDER},
    ),
    (
        "rollback to",
        lambda c: c.rollback_provider(PROVIDER_ID, 2, if_match='"1"'),
        f"POST {ONE}/rollback",
        {"version": 2},
        CHANGED,
        CHANGED,
    ),
    (
        "audit",
        lambda c: list(c.list_audit(PROVIDER_ID, "provider.rotated", "k1", 20)),
        f"GET /audit?limit=20&resource_id={PROVIDER_ID}&action=provider.rotated&key_id=k1",
        None,
        page([AUDIT], None),
        [AUDIT],
    ),
    ("own key", lambda c: c.get_management_key(), "GET /key", None, {"data": OWN_KEY}, OWN_KEY),
    (
        "upload",
        lambda c: c.create_upload(vendor="openai", name="A"),
        "POST /uploads",
        {"vendor": "openai", "name": "A"},
        {"data": UPLOAD},
        UPLOAD,
    ),
    (
        "put",
        lambda c: c.put_routing_config("@production", "single", [AttemptView(provider_id=PROVIDER_ID, model="gpt-5")]),
        "PUT /routing-configs/@production",
        {"strategy": "single", "attempts": [{"provider_id": PROVIDER_ID, "model": "gpt-5"}]},
        {"data": CONFIG},
        CONFIG,
    ),
    (
        "list configs",
        lambda c: list(c.list_routing_configs()),
        "GET /routing-configs?limit=100",
        None,
        page([CONFIG], None),
        [CONFIG],
    ),
]


def plain(found: Any) -> Any:
    """Return models as the JSON from which they were parsed."""
    if isinstance(found, list):
        return [plain(each) for each in found]
    return found.model_dump(mode="json", by_alias=True, exclude_unset=True)


@pytest.mark.parametrize(("_name", "work", "sent", "body", "response", "given"), CASES, ids=[case[0] for case in CASES])
def test_a_method_sends_and_reads(
    _name: str, work: Callable[[Client], Any], sent: str, body: Any, response: Any, given: Any
) -> None:
    """The request matches the contract, and the result contains every field of the response."""
    script = Script([response if isinstance(response, httpx2.Response) else httpx2.Response(200, json=response)])
    with Client("https://a.example.com", KEY, transport=httpx2.MockTransport(script)) as client:
        assert plain(work(client)) == given
    (request,) = script.seen
    assert f"{request.method} {request.url.raw_path.decode().removeprefix('/manage/v1')}" == sent
    assert (json.loads(request.content) if request.content else None) == body
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_fields_that_a_newer_api_adds_are_ignored() -> None:
    """Unknown fields are ignored, so that a newer API does not break the client."""
    script = Script([httpx2.Response(200, json={"data": PROVIDER | {"new": 1}, "also": 2})])
    with Client("https://a.example.com", KEY, transport=httpx2.MockTransport(script)) as client:
        assert plain(client.get_provider(PROVIDER_ID)) == PROVIDER


GROWN = [
    (
        "GET /providers/{id}",
        lambda c: c.get_provider(PROVIDER_ID),
        {"data": PROVIDER | {"vendor": "new", "status": "new", "health": PROVIDER["health"] | {"state": "new"}}},
    ),
    (
        "PATCH /providers/{id}",
        lambda c: c.update_provider(PROVIDER_ID, name="A"),
        CHANGED | {"warnings": [{"code": "new", "message": "…"}]},
    ),
    ("GET /audit", lambda c: [*c.list_audit()], {"data": [AUDIT | {"action": "new"}], "next_cursor": None}),
    (
        "POST /uploads",
        lambda c: c.create_upload(vendor="openai", name="A"),
        {"data": UPLOAD | {"vendor": "new"}},
    ),
]


@pytest.mark.parametrize(("call", "response"), [each[1:] for each in GROWN], ids=[each[0] for each in GROWN])
def test_values_that_a_newer_api_adds_are_kept(call: Callable[[Client], Any], response: Any) -> None:
    """Unknown vendors, states, statuses, actions and codes are kept: one new vendor must not break a whole list."""
    script = Script([httpx2.Response(200, json=response)])
    with Client("https://a.example.com", KEY, transport=httpx2.MockTransport(script)) as client:
        found = call(client)
        assert "new" in json.dumps(plain(found))
