"""The operator function: its responses, its errors, and its log."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest

from functions.operate.app import handler
from providers.adapters.messaging import detail
from providers.ports import Published
from providers.usecases.management_keys import authenticate
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import Invocation
from tests.kit.requests import added

ORG = "org_a"


def run(action: Any, left_ms: int = 60_000, **arguments: Any) -> Any:
    """Return the function's response."""
    return handler({"action": action, "arguments": arguments}, Invocation(left_ms))


def test_a_new_key_is_in_the_response_only(ports: FakePorts, log: io.StringIO) -> None:
    """A new key is in the response only; the log contains the action and no part of the key."""
    token = run("keys.create", org=ORG, name="CI")["data"]["token"]
    assert authenticate(ports, f"Bearer {token}").key.org == ORG
    assert "keys.create" in log.getvalue()
    assert token.rpartition("_")[2] not in log.getvalue()


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {},
        {"action": "keys.list"},
        {"action": "keys.drop", "arguments": {}},
        {"action": "keys.list", "arguments": {"org": 1}},
        {"action": "keys.list", "arguments": {"all": True}},
        {"action": "keys.list", "arguments": {}, "more": 1},
        {"action": "keys.create", "arguments": {"org": "a b", "name": "CI"}},
        {"action": "keys.create", "arguments": {"org": "a", "name": "line\nbreak"}},
        {"action": "keys.create", "arguments": {"org": "a", "name": "CI", "scopes": ["everything"]}},
        {"action": "keys.create", "arguments": {"org": "a", "name": "CI", "expires_in": "99999999d"}},
        {"action": "data_keys.reseal", "arguments": {"org": "a", "before": "sk-proj-FAKE-EXAMPLE"}},
    ],
    ids=str,
)
def test_malformed_payloads_are_refused(ports: FakePorts, event: Any) -> None:
    """A malformed invocation returns an API error without repeating it, and changes nothing."""
    error = handler(event, Invocation())["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "validation_failed")
    assert not any(word in error["message"] for word in ("everything", "FAKE", "99999999", "a b"))
    assert ports.management_keys.list(None) == []


@pytest.mark.parametrize(
    ("action", "arguments", "code"),
    [
        ("keys.revoke", {"id": "nobody"}, "management_key_not_found"),
        ("keys.revoke", {"id": "No#body"}, "management_key_not_found"),
        ("data_keys.rotate", {"org": "org_none"}, "data_key_not_found"),
        ("data_keys.destroy", {"org": "org_none", "id": "00000001"}, "data_key_not_found"),
    ],
)
@pytest.mark.usefixtures("ports")
def test_missing_resources_are_not_found(action: str, arguments: dict[str, Any], code: str) -> None:
    """Missing resources return the API's error codes."""
    assert run(action, **arguments)["error"]["code"] == code


def test_the_newest_data_key_stays(ports: FakePorts) -> None:
    """The newest data key cannot be destroyed, because it seals new credentials."""
    added(ports, "1")
    assert run("data_keys.destroy", org=ORG, id="00000001")["error"]["code"] == "data_key_in_use"


def test_resealing_ends_in_time_and_continues(ports: FakePorts) -> None:
    """Without time left, each pass re-encrypts one provider and returns where to continue."""
    for number in range(3):
        added(ports, str(number))
    done = run("data_keys.rotate", left_ms=0, org=ORG)["data"]
    sealed = [done["versions"]]
    while done["before"]:
        done = run("data_keys.reseal", left_ms=0, org=ORG, before=done["before"])["data"]
        sealed.append(done["versions"])
    assert sealed == [1, 1, 1]
    newest, oldest = run("data_keys.list", org=ORG)["data"]
    assert (newest["versions"], oldest["versions"]) == (3, 0)


def test_an_unexpected_failure_is_an_internal_error(ports: FakePorts, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error returns internal_error without its text."""

    def broken(_: Any) -> None:
        raise RuntimeError("secret text")

    monkeypatch.setattr(ports.management_keys, "list", broken)
    error = run("keys.list")["error"]
    assert error["code"] == "internal_error"
    assert "secret text" not in str(error)


def test_a_key_has_the_requested_lifetime(ports: FakePorts) -> None:
    """A key's lifetime is given in minutes, hours or days."""
    for given, life in [("30m", timedelta(minutes=30)), ("12h", timedelta(hours=12)), ("90d", timedelta(days=90))]:
        made = run("keys.create", org=ORG, name="CI", expires_in=given)["data"]
        key = ports.management_keys.get(made["id"])
        assert key is not None
        assert key.expires_at == ports.clock.now() + life


def test_a_test_event_is_published_at_once(ports: FakePorts) -> None:
    """The test event is on the bus when the function responds, and names no organization and no provider."""
    sent = run("webhook.test")["data"]
    (event,) = ports.publisher.published
    assert (event.id, event.type) == (sent["id"], "webhook.test") == (sent["id"], sent["type"])
    assert detail(event) == {"id": event.id}


def test_a_test_event_that_is_not_accepted_is_an_error(ports: FakePorts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command does not report an event as sent that EventBridge did not accept."""
    monkeypatch.setattr(ports.publisher, "publish", lambda _: Published([], []))
    assert run("webhook.test")["error"]["code"] == "dependency_unavailable"
