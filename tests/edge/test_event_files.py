"""The functions, invoked with the events in `events/`, as `sam local invoke` does."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.authorize.app import handler as authorize
from functions.dispatch_probes.app import handler as dispatch
from functions.mcp.app import handler as mcp
from functions.operate.app import handler as operate
from functions.reap_versions.app import handler as reap
from functions.resolve_credential.app import handler as resolve_credential
from functions.run_probes.app import handler as run_probes
from providers.model.management_key import ManagementKey
from providers.model.provider import Provider
from providers.model.routing import Attempt
from providers.usecases.authenticity import with_mac
from providers.usecases.routing import put_routing_config
from providers.usecases.uploads import ToAdd, create_upload, upload_token
from providers_contract.vocabulary import Scope
from providers_data_plane.sealed import SealedCredential
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import Invocation, invoke
from tests.kit.requests import added, key

EVENTS = Path(__file__).parent.parent.parent / "events"
ORG = "org_demo"
IDS = [f"prov_01JFAKE000000000000000000{number}" for number in (1, 2)]


def load(name: str) -> Any:
    """Return the event for a function."""
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.fixture
def demo(ports: FakePorts) -> FakePorts:
    """Add the two providers and the routing config that the events refer to."""
    for number, provider_id in enumerate(IDS):
        made: Provider = added(ports, str(number))
        sealed: SealedCredential = ports.db.rows.pop((made.org, made.id, 1))
        del ports.db.providers[made.org, made.id]
        moved = replace(made, org=ORG, id=provider_id)
        ports.db.providers[ORG, provider_id] = moved
        ports.db.names[ORG, moved.name_claim] = provider_id
        destination = made.destination(made.active)
        row = ports.cipher.seal(ORG, provider_id, 1, destination, ports.cipher.open(sealed, destination))
        ports.db.rows[ORG, provider_id, 1] = row
    ports.db.outbox.clear()
    return ports


RESPONSES = [
    ("add_provider", 201),
    ("list_providers", 200),
    ("get_provider", 200),
    ("get_provider_health", 200),
    ("update_provider", 200),
    ("list_versions", 200),
    ("delete_provider", 200),
    ("create_upload", 201),
    ("list_audit", 200),
    ("put_routing_config", 201),
    ("list_routing_configs", 200),
    ("get_management_key", 200),
]


@pytest.mark.parametrize(("function", "status"), RESPONSES)
@pytest.mark.usefixtures("demo")
def test_an_endpoint_accepts_its_event(function: str, status: int) -> None:
    """Every endpoint accepts its event."""
    response = invoke(function, load(function))
    assert response.status == status, response.text
    assert response.body["data"] is not None


@pytest.mark.parametrize(("function", "status"), [("get_routing_config", 200), ("delete_routing_config", 200)])
def test_routing_events_find_their_config(demo: FakePorts, function: str, status: int) -> None:
    """The routing events use a slug that PUT's event accepts."""
    put_routing_config(demo, ORG, "@production", "single", [Attempt(IDS[0], "m")])
    assert invoke(function, load(function)).status == status


def test_the_rollbacks_event_finds_an_earlier_version(demo: FakePorts) -> None:
    """The rollback event refers to a rotated provider within its grace window."""
    assert invoke("update_provider", load("update_provider")).data["key_version"] == 2
    assert invoke("rollback_provider", load("rollback_provider")).data["key_version"] == 3


def test_the_reapers_event_destroys_expired_versions(demo: FakePorts) -> None:
    """The reaper's event has the schedule's time and destroys expired versions."""
    demo.clock.at = datetime.fromisoformat(load("reap_versions")["time"]) - timedelta(hours=2)
    invoke("update_provider", load("update_provider"))
    assert reap(load("reap_versions"), Invocation()) == {"destroyed": 1}


def test_the_operators_event_creates_a_key(demo: FakePorts) -> None:
    """The operator's event creates a key for its organization with its scopes."""
    made = operate(load("operate"), Invocation())["data"]
    (key,) = demo.management_keys.list(ORG)
    assert (made["id"], made["scopes"], made["token"][:7]) == (key.id, ["providers:read"], "mlx_mk_")


@pytest.mark.usefixtures("demo")
def test_the_resolvers_event_returns_a_credential() -> None:
    """The event of `resolve_credential` names a provider, whose credential is returned."""
    found = resolve_credential(load("resolve_credential"), Invocation())["data"]
    assert (found["secret"], found["version"], found["max_age"]) == (key("0").reveal(), 1, 30)


@pytest.mark.parametrize(("function", "status"), [("show_upload", 200), ("use_upload", 201)])
def test_the_events_of_a_link_contain_no_valid_link(demo: FakePorts, function: str, status: int) -> None:
    """The link events contain a fake token, so they return 404 pages as they are, and work with a real token."""
    given = load(function)
    page = invoke(function, given)
    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    scopes = frozenset({Scope.PROVIDERS_WRITE})
    demo.management_keys.put(with_mac(demo, ManagementKey("01test", "digest", ORG, "test", scopes, demo.clock.now())))
    made = create_upload(demo, ORG, "01test", ToAdd("openai", "From a link"))
    assert invoke(function, given | {"pathParameters": {"token": upload_token(demo, made.id)}}).status == status


def test_the_mcp_event_lists_the_tools() -> None:
    """The MCP event lists the tools without calling the API, so it needs no valid key."""
    response = mcp(load("mcp"), None)
    assert (response["statusCode"], len(json.loads(response["body"])["result"]["tools"])) == (200, 6)


def test_the_authorizers_event_is_refused_without_its_key(demo: FakePorts) -> None:
    """The authorizer refuses its event's fake key."""
    response = authorize(load("authorize"), None)
    assert response["policyDocument"]["Statement"][0]["Effect"] == "Deny"
    assert response["context"]["code"] == "invalid_api_key"


def test_the_sweeps_events_are_accepted(demo: FakePorts) -> None:
    """The schedule's event queues both providers, and the queue's event probes them."""
    assert dispatch(load("dispatch_probes"), Invocation()) == {"due": 2, "published": 0, "quarantined": 0}
    given = load("run_probes")
    demo.clock.at = demo.clock.at.fromisoformat(json.loads(given["Records"][0]["body"])["minute"])

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 60_000

    assert run_probes(given, Context()) == {"batchItemFailures": []}
    assert set(demo.db.samples) == set(IDS)


def test_the_document_needs_no_caller() -> None:
    """The OpenAPI document is returned without an authorizer's context."""
    response = invoke("get_openapi", load("get_openapi"))
    assert (response.status, response.body["openapi"]) == (200, "3.1.0")


def test_the_console_needs_no_caller() -> None:
    """The console's page is returned without an authorizer's context."""
    page = invoke("get_console", load("get_console"))
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_every_function_has_an_event() -> None:
    """Every function has an event, and every event a function."""
    functions = {path.parent.name for path in (EVENTS.parent / "functions").glob("*/app.py")}
    assert {path.stem for path in EVENTS.glob("*.json")} == functions
