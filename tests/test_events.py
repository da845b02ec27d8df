"""The events as receivers see them: schema and examples of the docs, and the rules of `notifications/`."""

from __future__ import annotations

import asyncio
import copy
import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from jsonschema import Draft202012Validator
from moto import mock_aws

from local.template import Template
from providers.adapters.messaging import EventBridgePublisher
from providers.model.events import (
    Event,
    EventType,
    expiring_event,
    health_event,
    provider_event,
    revocable_event,
    webhook_test_event,
)
from providers.model.health import Health
from providers.model.provider import ExpiryNotice
from providers.model.verdict import Verdict
from providers.usecases.delete import delete_provider
from providers.usecases.probe import probe_messages
from providers.usecases.sweep import dispatch
from providers_contract.vocabulary import HealthState, Outcome, Reason, Status
from tests.kit.aws import REGION
from tests.kit.fakes import FakeClock, FakePorts
from tests.kit.requests import ORG, added, rotate

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs" / "events.md").read_text()
SCHEMA = json.loads((ROOT / "docs" / "events.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
NOTIFICATIONS = Template(ROOT / "notifications" / "template.yaml")
RULES = NOTIFICATIONS.of_type("AWS::Events::Rule")
ODD_NAME = 'Say "hi" to <!channel> \\ & {"é": 1}'
HEALTHY, DEGRADED, UNHEALTHY = (state.value for state in list(HealthState)[1:])

type_of = "detail-type"


class Bus:
    """An EventBridge client that records events as a rule's target would receive them."""

    def __init__(self) -> None:
        self.delivered: list[dict[str, Any]] = []

    def put_events(self, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - botocore's name
        for entry in Entries:
            envelope = {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": entry["DetailType"],
                "source": entry["Source"],
                "account": "123456789012",
                "time": f"{entry['Time'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "region": REGION,
                "resources": list(entry["Resources"]),
                "detail": json.loads(entry["Detail"]),
            }
            self.delivered.append(envelope)
        return {"Entries": [{"EventId": each["id"]} for each in self.delivered[-len(Entries) :]]}


def delivered(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return the events as a rule's target receives them, through the stack's publisher."""
    bus = Bus()
    EventBridgePublisher(cast(Any, bus), "default").publish(events)
    return bus.delivered


def health_changes(name: str = "OpenAI Production", clock: FakeClock | None = None) -> list[Event]:
    """Return a `health_changed` event for every change of state."""
    ports = FakePorts()
    provider, clock = replace(added(ports), name=name), clock or ports.clock
    reasons = {HealthState.HEALTHY: None, HealthState.DEGRADED: Reason.QUOTA_EXHAUSTED}
    return [
        health_event(
            clock.new_id(),
            clock.now(),
            provider,
            Health(before),
            Health(after, reasons.get(after, Reason.CREDENTIAL_REJECTED)),
        )
        for before in HealthState
        for after in list(HealthState)[1:]
        if before is not after
    ]


def made(name: str = "OpenAI Production") -> list[Event]:
    """Return every event that the model can make."""
    ports = FakePorts()
    before = added(ports)
    after = replace(rotate(ports, before, "two"), name=name)
    first = replace(before, name=name)
    expired = replace(first, status=Status.DISABLED)
    kinds = [
        (EventType.CREATED, first),
        (EventType.ROTATED, after),
        (EventType.DELETED, after),
        (EventType.PENDING_EXPIRED, expired),
    ]
    events = [provider_event(ports.clock.new_id(), kind, ports.clock.now(), provider) for kind, provider in kinds]
    events.append(revocable_event(ports.clock.new_id(), ports.clock.now(), after, 1))
    notice = ExpiryNotice(7, ports.clock.now() + timedelta(days=7))
    events.append(expiring_event(ports.clock.new_id(), ports.clock.now(), after, notice))
    events.append(webhook_test_event(ports.clock.new_id(), ports.clock.now()))
    return events + health_changes(name, ports.clock)


def lived() -> list[Event]:
    """Return the events of the life of a provider."""
    ports = FakePorts()
    provider = added(ports)

    def sweep(reason: Reason | None, times: int) -> None:
        ports.verify.verdict = Verdict(reason, latency_ms=120)
        for _ in range(times):
            ports.clock.pass_time(minutes=1)
            ports.queue.sent.clear()
            dispatch(ports, ports.clock.now())
            assert asyncio.run(probe_messages(ports, ports.queue.sent, 1, 1e12)) == [True]

    sweep(None, 2)
    sweep(Reason.CREDENTIAL_REJECTED, 5)
    sweep(None, 3)
    ports.verify.verdict = Verdict()
    rotate(ports, provider, "two")
    sweep(Reason.INSUFFICIENT_PERMISSION, 3)
    delete_provider(ports, ORG, provider.id)
    return ports.events


def schema_errors(event: Any) -> list[str]:
    """Return the schema's errors for an event."""
    return [error.message for error in VALIDATOR.iter_errors(event)]


def test_the_schema_is_valid() -> None:
    """The schema is valid for its draft."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_schema_lists_what_the_code_can_send() -> None:
    """The schema lists every event type, reason and state."""
    types = [each["properties"]["detail-type"]["const"] for each in SCHEMA["oneOf"]]
    assert types == [each.value for each in EventType]
    assert SCHEMA["$defs"]["reason"]["enum"] == [each.value for each in Reason]
    changes = SCHEMA["$defs"]["health_changed"]["oneOf"]
    for change in changes:
        before, after = change["properties"]["from"]["enum"], change["properties"]["to"]["const"]
        assert before == [each.value for each in HealthState if each != after]
    assert [each["properties"]["to"]["const"] for each in changes] == [HEALTHY, DEGRADED, UNHEALTHY]


@pytest.mark.parametrize("name", ["OpenAI Production", ODD_NAME, "é" * 80])
def test_every_event_of_the_model_matches_the_schema(name: str) -> None:
    """Every event type, state change and kind of name matches the schema."""
    events = delivered(made(name))
    assert {each[type_of] for each in events} == {each.value for each in EventType}
    assert {each["detail"].get("name") for each in events if each[type_of] != "webhook.test"} == {name}
    assert [schema_errors(each) for each in events] == [[]] * len(events)


def test_every_event_of_a_providers_life_matches_the_schema() -> None:
    """Each change has one event with an increasing id; an unchanged state has none."""
    events = delivered(lived())
    assert [schema_errors(each) for each in events] == [[]] * len(events)
    assert [(each[type_of], each["detail"].get("to"), each["detail"].get("reason")) for each in events] == [
        ("provider.created", None, None),
        ("provider.health_changed", "healthy", None),
        ("provider.health_changed", "unhealthy", "credential_rejected"),
        ("provider.health_changed", "healthy", None),
        ("provider.rotated", None, None),
        ("provider.health_changed", "degraded", "insufficient_permission"),
        ("provider.deleted", None, None),
    ]
    assert [each["detail"]["key_version"] for each in events] == [1, 1, 1, 1, 2, 2, 2]
    ids = [each["detail"]["id"] for each in events]
    assert ids == sorted(set(ids))
    assert "sk-fake" not in json.dumps(events)


def test_an_event_that_is_published_again_keeps_its_own_id() -> None:
    """A republished event keeps its id, unlike EventBridge's."""
    event = made()[0]
    first, second = delivered([event, event])
    assert first["detail"] == second["detail"]
    assert first["id"] != second["id"]


def detail(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda event: event["detail"].update(changes)


def envelope(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda event: event.update({name.replace("_", "-"): value for name, value in changes.items()})


WRONG = {
    "another source": ("created", envelope(source="providers")),
    "an unknown type": ("created", envelope(detail_type="provider.renamed")),
    "a detail of another type": ("created", envelope(detail_type="provider.health_changed")),
    "health as a creation": ("health_changed", envelope(detail_type="provider.created")),
    "a time without a zone": ("created", envelope(time="2026-04-14T12:00:00")),
    "a time as a number": ("created", envelope(time=1776168000)),
    "no resource": ("created", envelope(resources=[])),
    "a test about a provider": ("test", detail(provider_id="prov_01KP5XSPG0TB5VSHQC4J7Y2GRV")),
    "a test with a resource": ("test", envelope(resources=["prov_01KP5XSPG0TB5VSHQC4J7Y2GRV"])),
    "a resource that is no provider": ("created", envelope(resources=["org_a"])),
    "no detail": ("created", envelope(detail=None)),
    "an undocumented field": ("created", detail(key_hint="sk-proj-…0001")),
    "a field of health in a rotation": ("rotated", detail(to="healthy")),
    "an id that is no ULID": ("created", detail(id="evt_1")),
    "a provider's id without its prefix": ("deleted", detail(provider_id="01KP5XSPG0TB5VSHQC4J7Y2GRV")),
    "an empty organization": ("created", detail(org="")),
    "a vendor's title": ("created", detail(vendor="OpenAI")),
    "an empty name": ("created", detail(name="")),
    "a name of 81 characters": ("created", detail(name="x" * 81)),
    "a version as text": ("created", detail(key_version="1")),
    "a version before the first": ("created", detail(key_version=0)),
    "a rotation to the first version": ("rotated", detail(key_version=1)),
    "a pending provider that expired and is pending": ("pending_expired", detail(status="pending")),
    "an unknown status": ("created", detail(status="gone")),
    "an unknown state": ("health_changed", detail(to="dead")),
    "a return to unknown": ("health_changed", detail(to="unknown")),
    "no change": ("health_changed", detail(**{"from": "healthy", "to": "healthy", "reason": None})),
    "healthy for a reason": ("health_changed", detail(to="healthy", reason="timeout", **{"from": "degraded"})),
    "unhealthy for none": ("health_changed", detail(**{"from": "healthy", "to": "unhealthy", "reason": None})),
    "an expiry without seconds": ("credential_expiring", detail(key_expires_at="2026-04-27")),
    "another notice": ("credential_expiring", detail(within_days=14)),
    "an unknown reason": ("health_changed", detail(**{"from": "healthy", "to": "unhealthy", "reason": "bad"})),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_changed_field_does_not_match_the_schema(case: str) -> None:
    """A changed field does not match the schema, so that consumers are not surprised."""
    kind, spoil = WRONG[case]
    event = copy.deepcopy(next(each for each in delivered(made()) if each[type_of].endswith(f".{kind}")))
    assert schema_errors(event) == []
    spoil(event)
    assert schema_errors(event)


@pytest.mark.parametrize("kind", list(EventType))
def test_no_field_can_be_missing(kind: EventType) -> None:
    """Every field of the envelope and the detail is required."""
    event = next(each for each in delivered(made()) if each[type_of] == kind)
    for fields in (event, event["detail"]):
        for name in list(fields):
            value = fields.pop(name)
            assert schema_errors(event), name
            fields[name] = value
    assert schema_errors(event) == []


# ── The docs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)]


def test_the_docs_examples_match_the_schema() -> None:
    """The docs have a valid example for each event type."""
    examples = [each for each in EXAMPLES if isinstance(each[type_of], str)]
    assert [schema_errors(each) for each in examples] == [[]] * len(EventType)
    assert [each[type_of] for each in examples] == [kind.value for kind in EventType]
    assert re.findall(r"^### (.*)", DOCS, re.MULTILINE) == [kind.value for kind in EventType]


def test_the_docs_say_when_each_event_is_sent() -> None:
    """The docs' table of events is that of the schema, from which the OpenAPI document takes it."""
    table = re.findall(r"^\| `((?:provider|webhook)\.\w+)` \| (.*) \|$", DOCS, re.MULTILINE)
    branches = [(each["properties"]["detail-type"]["const"], each["description"]) for each in SCHEMA["oneOf"]]
    assert table == branches


def test_the_docs_name_every_field() -> None:
    """The docs' table lists exactly the fields of a detail."""
    events = r"`provider\.(?:health_changed|credential_expiring)`"
    table = re.findall(rf"^\| `(\w+)` \| (?:all|(?:all but )?{events}) \|", DOCS, re.MULTILINE)
    fields = [definition["properties"] for definition in SCHEMA["$defs"].values() if "required" in definition]
    assert table == list(dict.fromkeys(name for each in fields for name in each))


def test_the_docs_pattern_matches_as_documented() -> None:
    """The docs' pattern matches refused keys and not vendor outages."""
    (pattern,) = [each for each in EXAMPLES if isinstance(each[type_of], list)]
    (template, *_) = [each for each in health_changes() if each.detail["to"] == "unhealthy"]
    ports = FakePorts()
    events = [
        replace(template, id=ports.clock.new_id(), detail=template.detail | {"reason": reason.value})
        for reason in Reason
    ]
    found = matched({"docs": pattern}, events)["docs"]
    assert {each["detail"]["reason"] for each in found} == {
        each.value for each in Reason if Verdict(each).outcome is Outcome.INVALID
    }
    assert matched({"docs": pattern}, [replace(each, org="org_b") for each in events])["docs"] == []


# ── notifications/template.yaml ──────────────────────────────────────────────────────────────────────────────────────


def matched(patterns: dict[str, Any], events: Sequence[Event]) -> dict[str, list[dict[str, Any]]]:
    """Return which events each pattern matches, for rules with queues in moto."""
    with mock_aws():
        bus, sqs = boto3.client("events", region_name=REGION), boto3.client("sqs", region_name=REGION)
        urls = {}
        for name, pattern in patterns.items():
            urls[name] = sqs.create_queue(QueueName=name)["QueueUrl"]
            arn = sqs.get_queue_attributes(QueueUrl=urls[name], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            bus.put_rule(Name=name, EventPattern=json.dumps(pattern))
            bus.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        EventBridgePublisher(bus, "default").publish(events)
        for kind in EventType:  # another stack's, which look the same
            bus.put_events(Entries=[{"Source": "others", "DetailType": kind, "Detail": json.dumps(events[-1].detail)}])
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in patterns}
        for name, url in urls.items():
            while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
                for message in messages:
                    found[name].append(json.loads(message["Body"]))
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found


def with_states(pattern: Any, states: Sequence[str]) -> Any:
    """Return a pattern with the parameter SlackStates filled in."""
    if pattern == {"Ref": "SlackStates"}:
        return list(states)
    if isinstance(pattern, dict):
        return {name: with_states(value, states) for name, value in pattern.items()}
    return [with_states(each, states) for each in pattern] if isinstance(pattern, list) else pattern


TO_UNHEALTHY = {(before, UNHEALTHY) for before in ("unknown", HEALTHY, DEGRADED)}
TO_DEGRADED = {(before, DEGRADED) for before in ("unknown", HEALTHY, UNHEALTHY)}
STATES = [
    ([UNHEALTHY, DEGRADED], TO_UNHEALTHY | TO_DEGRADED, {(UNHEALTHY, HEALTHY), (DEGRADED, HEALTHY)}),
    ([UNHEALTHY], TO_UNHEALTHY, {(UNHEALTHY, HEALTHY), (UNHEALTHY, DEGRADED)}),
    ([DEGRADED], TO_DEGRADED, {(DEGRADED, HEALTHY), (DEGRADED, UNHEALTHY)}),
]


@pytest.mark.parametrize(("states", "alerts", "recoveries"), STATES, ids=["both", "unhealthy", "degraded"])
def test_each_rule_matches_its_events(
    states: list[str], alerts: set[tuple[str, str]], recoveries: set[tuple[str, str]]
) -> None:
    """The webhook gets all events; Slack gets changes into or out of its states, but no new key's first success."""
    events = made()
    found = matched({name: with_states(rule["EventPattern"], states) for name, rule in RULES.items()}, events)
    assert sorted(each["detail"]["id"] for each in found["WebhookRule"]) == [each.id for each in events]
    changes = {
        name: sorted((each["detail"]["from"], each["detail"]["to"]) for each in found[name])
        for name in ("SlackAlertRule", "SlackRecoveryRule")
    }
    assert changes == {"SlackAlertRule": sorted(alerts), "SlackRecoveryRule": sorted(recoveries)}
    assert {each[type_of] for each in found["SlackExpiryRule"]} == {"provider.credential_expiring"}
    assert {each[type_of] for each in found["SlackTestRule"]} == {"webhook.test"}
    assert not alerts & recoveries


def slack_message(rule: str, event: dict[str, Any]) -> Any:
    """Return the output of a rule's input transformer for an event.

    As EventBridge documents it (user guide, Input transformation): a variable on its own becomes JSON, and within
    quotes nothing is escaped.
    """
    transformer = RULES[rule]["Targets"][0]["InputTransformer"]
    text = transformer["InputTemplate"]["Fn::Sub"].replace("${SlackChannel}", "C0123456789")
    for name, path in transformer["InputPathsMap"].items():
        value = event
        for step in path.removeprefix("$.").split("."):
            value = value[step]
        assert isinstance(value, str), name
        whole, within = rf"(?<=: )<{name}>(?=,)", rf"<{name}>"
        text = re.sub(whole, lambda _, value=value: json.dumps(value), text)
        text = re.sub(within, lambda _, value=value: str(value), text)
    return json.loads(text)


def line(message: Any) -> str:
    """Return a message as a channel shows it."""
    (block,) = message["blocks"]
    (section,) = block["elements"]
    assert (block["type"], section["type"]) == ("rich_text", "rich_text_section")
    assert {element["type"] for element in section["elements"]} == {"text"}
    return "".join(element["text"] for element in section["elements"])


LINES = [
    ("SlackAlertRule", "healthy", "unhealthy", "(openai) is unhealthy: credential_rejected"),
    ("SlackAlertRule", "unknown", "degraded", "(openai) is degraded: quota_exhausted"),
    ("SlackRecoveryRule", "unhealthy", "healthy", "(openai) is healthy, no longer unhealthy"),
    ("SlackRecoveryRule", "unhealthy", "degraded", "(openai) is degraded, no longer unhealthy"),
]


@pytest.mark.parametrize("name", ["OpenAI Production", ODD_NAME])
@pytest.mark.parametrize(("rule", "before", "after", "text"), LINES)
def test_slack_gets_a_readable_message(name: str, rule: str, before: str, after: str, text: str) -> None:
    """A Slack message names the provider, its state and the reason, with any name shown literally."""
    (event,) = [
        each
        for each in delivered(health_changes(name))
        if (each["detail"]["from"], each["detail"]["to"]) == (before, after)
    ]
    message = slack_message(rule, event)
    assert line(message) == f"{name} {text}"
    assert message["text"] == f"{event['detail']['provider_id']} {text}"
    assert message["channel"] == "C0123456789"


def test_slack_gets_a_message_before_a_credential_expires() -> None:
    """The message names the provider and the time."""
    (event,) = [each for each in delivered(made(ODD_NAME)) if each[type_of] == "provider.credential_expiring"]
    message, end = slack_message("SlackExpiryRule", event), event["detail"]["key_expires_at"]
    assert line(message) == f"{ODD_NAME} (openai): the credential expires at {end}; rotate it before"
    assert message["text"] == f"{event['resources'][0]} (openai): the credential expires at {end}"


def test_slack_gets_the_test_event() -> None:
    """The message says that it is a test."""
    (event,) = [each for each in delivered(made()) if each[type_of] == "webhook.test"]
    assert slack_message("SlackTestRule", event) == {
        "channel": "C0123456789",
        "text": f"Test message of the Providers API ({event['detail']['id']}): alerts will appear in this channel",
    }


def test_failed_deliveries_are_kept() -> None:
    """Each target retries and then sends the event to a queue that only these rules can use."""
    for rule in RULES.values():
        for target in rule["Targets"]:
            assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] >= 3600
            assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": "DeadLetters.Arn"}
            assert target["RoleArn"] == {"Fn::GetAtt": "Sender.Arn"}
    (policy,) = NOTIFICATIONS.of_type("AWS::SQS::QueuePolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    senders = [choice["Fn::If"][1] for choice in statement["Condition"]["ArnEquals"]["aws:SourceArn"]]
    assert senders == [{"Fn::GetAtt": f"{name}.Arn"} for name in RULES]
    (role,) = NOTIFICATIONS.of_type("AWS::IAM::Role").values()
    (allowed,) = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert allowed["Action"] == "events:InvokeApiDestination"
    destinations = NOTIFICATIONS.of_type("AWS::Events::ApiDestination")
    assert [each["Fn::If"][1] for each in allowed["Resource"]] == [
        {"Fn::GetAtt": f"{name}.Arn"} for name in destinations
    ]


def test_secrets_are_read_from_secrets_manager_and_only_into_connections() -> None:
    """No parameter is a secret: CloudFormation reads them into the connections, which do not show them."""
    connections = {
        name: each["AuthParameters"]["ApiKeyAuthParameters"]["ApiKeyValue"]["Fn::Sub"]
        for name, each in NOTIFICATIONS.of_type("AWS::Events::Connection").items()
    }
    assert connections == {
        "WebhookConnection": "{{resolve:secretsmanager:${WebhookSecretArn}:SecretString}}",
        "SlackConnection": "Bearer {{resolve:secretsmanager:${SlackTokenSecretArn}:SecretString}}",
    }
    assert json.dumps(NOTIFICATIONS.content).count("{{resolve:") == len(connections)
    secrets = {name for name, each in NOTIFICATIONS.content["Parameters"].items() if "secret" in name.lower()}
    assert secrets == {"WebhookSecretArn", "SlackTokenSecretArn", "SecretsRevision"}
    for each in NOTIFICATIONS.of_type("AWS::Events::Connection").values():
        assert "${SecretsRevision}" in each["Description"]["Fn::Sub"]  # else a new value would never be read


def test_an_events_time_is_the_changes_time() -> None:
    """An event's time is that of the change, in UTC without fractions, not that of publishing."""
    event = replace(made()[0], at=datetime(2026, 4, 14, 14, 0, 1, 999_999, tzinfo=UTC))
    (received,) = delivered([event])
    assert received["time"] == "2026-04-14T14:00:01Z"
