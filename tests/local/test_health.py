"""Health over HTTP: a key starts to fail at the emulator, sweeps run, and the health changes."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from local.vendors.keys import fake_key
from tests.local.conftest import Api


def sweep(api: Api) -> Any:
    """Run one sweep now."""
    response = api.client.post("/_local/sweep", json={})
    assert response.status_code == 200, response.text
    return response.json()["data"]


def control(api: Api, key: str, case: str) -> None:
    """Make a key play another case."""
    assert api.stack.emulator is not None
    change = {"vendor": "openai", "key": key, "case": case}
    assert httpx2.post(f"{api.stack.emulator.url}/_control", json=change, trust_env=False).status_code == 200


def state(api: Api, provider_id: str) -> tuple[str, str | None]:
    """Return the state and reason of a provider's health."""
    data = api.call("GET", f"/providers/{provider_id}/health").json()["data"]
    return data["state"], data["reason"]


def test_health_moves_when_a_key_starts_to_fail(api: Api) -> None:
    """Health is unknown, healthy, unhealthy after three refusals, healthy after two probes; a rotation resets it."""
    key = fake_key("openai", "valid", 1)
    provider = api.added(key)
    assert state(api, provider["id"]) == ("unknown", None)
    seen = []
    for case in ["valid"] + ["invalid"] * 4 + ["valid"] * 2:
        control(api, key, case)
        sweep(api)
        seen.append(state(api, provider["id"]))
    refused = ("unhealthy", "credential_rejected")
    assert seen == [("healthy", None)] * 3 + [refused] * 3 + [("healthy", None)]
    health = api.call("GET", f"/providers/{provider['id']}/health?history=1h").json()["data"]
    hour = health["windows"]["1h"]
    assert (hour["checks"], hour["success_rate"], hour["errors"]) == (7, 0.4286, {"credential_rejected": 4})
    assert hour["latency_ms"]["p50"] > 0
    assert len(health["history"]) == 60
    assert sum(point["checks"] for point in health["history"]) == 7
    changes = [(each["from"], each["to"], each["reason"], each["key_version"]) for each in health["changes"]]
    assert changes == [
        ("unhealthy", "healthy", None, 1),
        ("healthy", "unhealthy", "credential_rejected", 1),
        ("unknown", "healthy", None, 1),
    ]
    assert health["changes"][0]["at"] == health["since"]
    listed = api.call("GET", "/providers?health=healthy").json()["data"]
    assert [each["health"]["p50_latency_ms"] for each in listed] == [hour["latency_ms"]["p50"]]
    assert "history" not in listed[0]["health"]
    (charted,) = api.call("GET", "/providers?include=history").json()["data"]
    assert charted["health"].pop("history") == health["history"]
    assert charted == listed[0]
    (drawn,) = api.call("GET", "/providers?include=sparkline").json()["data"]
    line = drawn["health"].pop("sparkline")
    assert (line["latency_ms"], line["since"]) == (
        [point["p50_ms"] for point in health["history"]],
        health["history"][0]["at"],
    )
    assert [health["history"][minute]["success_rate"] for minute in line["failed"]] == [0.0] * 4
    assert drawn == listed[0]
    shown = api.call("GET", f"/providers/{provider['id']}").json()["data"]["health"]
    assert shown == {
        "state": "healthy",
        "reason": None,
        "p50_latency_ms": hour["latency_ms"]["p50"],
        "last_check_at": health["last_check_at"],
    }
    api.rotate(provider["id"], fake_key("openai", "valid", 2))
    assert state(api, provider["id"]) == ("unknown", None)
    sweep(api)
    assert state(api, provider["id"]) == ("healthy", None)


def test_a_pending_provider_is_verified_by_the_sweep(api: Api) -> None:
    """A pending provider becomes active when its vendor responds."""
    key = fake_key("openai", "server-500", 2)
    provider = api.add(key, on_unavailable="store_pending").json()["data"]
    assert provider["status"] == "pending"
    control(api, key, "valid")
    sweep(api)
    assert api.call("GET", f"/providers/{provider['id']}").json()["data"]["status"] == "active"


BAD_DAYS = ["slow", "drip", "huge", "drop"]


@pytest.mark.parametrize("case", BAD_DAYS)
def test_a_vendor_on_a_bad_day_costs_its_own_minute_bucket_only(
    api: Api, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other providers are probed in the same sweep, with their own latencies."""
    monkeypatch.setattr(api.stack.ports.verifier, "probe_deadline_s", 2.0)
    bad = fake_key("openai", "valid", 90 + BAD_DAYS.index(case))
    good = [api.added(fake_key("openai", "valid", number)) for number in range(100, 105)]
    worse = api.added(bad)
    control(api, bad, case)
    sweep(api)
    for provider in good:
        window = (
            api.another(api_org(api)).call("GET", f"/providers/{provider['id']}/health").json()["data"]["windows"]["5m"]
        )
        assert (window["checks"], window["success_rate"]) == (1, 1.0)
        assert window["latency_ms"]["p99"] < 2000
    window = five_minutes(api, worse["id"])
    assert (window["checks"], window["success_rate"], window["latency_ms"]["p50"]) == (1, 0.0, None)
    for provider in (*good, worse):
        api.another(api_org(api)).call("DELETE", f"/providers/{provider['id']}")


def five_minutes(api: Api, provider_id: str) -> Any:
    """Return the shortest window of a provider's health."""
    return api.call("GET", f"/providers/{provider_id}/health").json()["data"]["windows"]["5m"]


def api_org(api: Api) -> str:
    """Return the organization of a caller."""
    key = api.stack.ports.management_keys.get(api.key.split("_")[2])
    assert key is not None
    return key.org


def test_events_reach_a_rule_with_a_target(api: Api) -> None:
    """Created, rotated, health_changed and deleted each arrive once and in order, through EventBridge in a queue."""
    events, sqs = api.stack.ports.client("events"), api.stack.ports.sqs
    url = sqs.create_queue(QueueName="listener")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["providers-api"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
    provider = api.added(fake_key("openai", "valid", 5))
    api.rotate(provider["id"], fake_key("openai", "valid", 6))
    sweep(api)
    sweep(api)
    api.call("DELETE", f"/providers/{provider['id']}")
    sweep(api)
    received = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            received.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    mine = [each for each in received if each["detail"]["provider_id"] == provider["id"]]
    assert [each["detail-type"] for each in mine] == [
        "provider.created",
        "provider.rotated",
        "provider.health_changed",
        "provider.deleted",
    ]
    assert (mine[2]["detail"]["from"], mine[2]["detail"]["to"]) == ("unknown", "healthy")
    assert len({each["detail"]["id"] for each in mine}) == 4
    assert "FAKE" not in json.dumps(received)
