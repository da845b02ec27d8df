"""Today's client reads responses of a future server, and those that an earlier one stored."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from providers_client import Client, Conflict, ProvidersAPIError
from providers_contract.examples import HEALTH
from tests.client.canned import KEY, PROVIDER, PROVIDER_ID

FUTURE: dict[str, Any] = {
    **PROVIDER,
    "vendor": "mistral",
    "status": "archived",
    "health": {**PROVIDER["health"], "state": "recovering", "trend": "up"},
    "verification": {**PROVIDER["verification"], "outcome": "partial", "reason": "solar_flare"},
    "tags": ["new"],
}
ENTRY: dict[str, Any] = {
    "id": "01JFAKE00000000000000000E1",
    "at": "2036-04-14T12:00:00Z",
    "actor": {"type": "robot", "key_id": None, "model": "x"},
    "action": "provider.archived",
    "resource": {"type": "vault", "id": "v"},
    "before": None,
    "after": None,
    "request_id": None,
}


def client_of(status: int, body: Any) -> Client:
    """Return a client whose every request gets this response."""
    respond = httpx2.MockTransport(lambda _: httpx2.Response(status, json=body))
    return Client("https://api.example", KEY, transport=respond, retries=0)


def test_a_provider_from_the_future_is_read() -> None:
    """Unknown vendors, statuses, states, outcomes and reasons are kept; unknown fields are ignored."""
    found = client_of(200, {"data": FUTURE, "links": {}}).get_provider(PROVIDER_ID)
    assert (found.vendor, found.status, found.health.state) == ("mistral", "archived", "recovering")
    assert (found.verification.outcome, found.verification.reason) == ("partial", "solar_flare")


def test_a_provider_from_the_past_is_read() -> None:
    """A replayed response from before an upgrade lacks fields that are newer, and is read."""
    past = {name: value for name, value in PROVIDER.items() if name != "tags"}
    past["health"] = {name: value for name, value in PROVIDER["health"].items() if name != "reason"}
    found = client_of(200, {"data": past}).get_provider(PROVIDER_ID)
    assert (found.tags, found.health.reason) == ([], None)


def test_health_from_the_past_is_read() -> None:
    """A stack of an earlier version returns no changes of state."""
    past = {name: value for name, value in HEALTH.items() if name not in ("reason", "changes")}
    found = client_of(200, {"data": past}).get_provider_health(PROVIDER_ID)
    assert (found.state, found.changes) == ("healthy", [])


def test_a_warning_from_the_future_is_read() -> None:
    """An unknown warning is read with its fields."""
    warning = {"code": "moon_phase", "message": "look up", "phase": "full"}
    changed = client_of(200, {"data": FUTURE, "warnings": [warning]}).update_provider(PROVIDER_ID, name="x")
    assert [each.model_dump() for each in changed.warnings] == [warning]


def test_an_audit_entry_from_the_future_is_read() -> None:
    """Unknown actors, actions and resources are kept."""
    (found,) = client_of(200, {"data": [ENTRY], "next_cursor": None}).list_audit()
    assert (found.actor.type, found.action, found.resource.type) == ("robot", "provider.archived", "vault")


def test_a_routing_config_from_the_future_is_read() -> None:
    """An unknown strategy is kept."""
    config = {"slug": "a", "strategy": "dice", "attempts": [], "created_at": ENTRY["at"], "updated_at": ENTRY["at"]}
    assert client_of(200, {"data": config}).get_routing_config("a").strategy == "dice"


@pytest.mark.parametrize(("status", "family"), [(409, Conflict), (418, ProvidersAPIError), (503, ProvidersAPIError)])
def test_an_error_from_the_future_is_raised(status: int, family: type[ProvidersAPIError]) -> None:
    """An unknown error is raised by its status, with its code, type, reason and references."""
    error = {
        "type": "teapot_error",
        "code": "out_of_tea",
        "message": "no tea",
        "resource": None,
        "id": None,
        "param": None,
        "request_id": "r",
        "reason": "kettle_broken",
        "references": [{"type": "kettle", "id": "k"}],
        "brew": json.loads("{}"),
    }
    with pytest.raises(family) as caught:
        client_of(status, {"error": error}).get_provider(PROVIDER_ID)
    assert (caught.value.code, caught.value.type, caught.value.reason) == (
        "out_of_tea",
        "teapot_error",
        "kettle_broken",
    )
    assert caught.value.references[0].type == "kettle"
    assert caught.value.retryable == (status == 503)
