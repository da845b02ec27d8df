"""`providers webhook test`: on a deployed stack and on the local one."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from local.background import in_background
from local.stack import running_stack
from tests.client.conftest import Commands
from tests.client.test_keys_command import OPERATOR, STACK, deployed
from tests.kit.receiver import receiving
from tests.test_events import schema_errors

__all__ = ["deployed"]  # the fixture


def update_stack(url: str = "", channel: str = "") -> None:
    """Give the stack in moto the notifications' parameters, and their output."""
    names = {"WebhookUrl": url, "SlackChannel": channel}
    outputs: dict[str, Any] = {"OperateFunctionName": {"Value": "operate"}}
    if url or channel:
        outputs["NotificationDeadLettersUrl"] = {"Value": "https://sqs.example.com/dead-letters"}
    boto3.client("cloudformation").update_stack(
        StackName="providers-api",
        TemplateBody=json.dumps(
            {
                "Parameters": {name: {"Type": "String"} for name in names},
                "Resources": {"Nothing": {"Type": "AWS::SQS::Queue"}},
                "Outputs": outputs,
            }
        ),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in names.items()],
    )


@pytest.mark.usefixtures("deployed")
def test_the_command_sends_an_event_and_says_who_gets_it() -> None:
    """The command prints the event's id, the receivers, and where to look; a secret in the URL is not shown."""
    update_stack("https://hooks.example.com/FAKE-secret", "C0123456789")
    done = OPERATOR.ok("webhook", "test", *STACK)
    assert done.out.startswith("Sent: webhook.test 01")
    assert done.err.splitlines() == [
        "The webhook at hooks.example.com gets it within a minute.",
        "The Slack channel C0123456789 shows a message within a minute.",
        "If it does not arrive, read why in the queue https://sqs.example.com/dead-letters",
    ]
    assert OPERATOR.ok("webhook", "test", *STACK, "--json").data.keys() == {"id", "type", "sent_at"}


@pytest.mark.usefixtures("deployed")
def test_a_stack_without_receivers_says_so() -> None:
    """A person whose stack has neither a webhook nor a channel is not left waiting."""
    update_stack()
    assert "has no WebhookUrl and no SlackChannel" in OPERATOR.ok("webhook", "test", *STACK).err


@pytest.mark.usefixtures("deployed")
def test_the_event_is_on_the_bus() -> None:
    """A rule for the stack's source gets the event."""
    events, sqs = boto3.client("events"), boto3.client("sqs")
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["providers-api"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
    sent = OPERATOR.ok("webhook", "test", *STACK, "--json").data
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    event = json.loads(message["Body"])
    assert event["detail"] == {"id": sent["id"]}
    assert event["detail-type"] == sent["type"] == "webhook.test"


def test_the_local_stack_posts_events_to_a_url() -> None:
    """With WEBHOOK, a receiver gets the test event and those of providers, as the schema describes them."""
    said: list[str] = []
    with receiving() as receiver:
        with in_background(running_stack(webhook=f"{receiver.url}/events", log=said.append)) as stack:
            local = Commands({"PROVIDERS_API_URL": stack.url})
            sent = local.ok("webhook", "test", "--local", "--json").data
        (posted,) = receiver.at("/events")  # the stack posts what is waiting before it stops
    assert schema_errors(posted.body) == []
    assert posted.body["detail"] == {"id": sent["id"]}
    assert f"webhook: webhook.test {sent['id']} was delivered" in said


def test_a_receiver_that_is_down_is_reported() -> None:
    """An event that the local stack could not post is reported where `make run` prints."""
    said: list[str] = []
    with in_background(running_stack(webhook="http://127.0.0.1:1/", log=said.append)) as stack:
        local = Commands({"PROVIDERS_API_URL": stack.url})
        sent = local.ok("webhook", "test", "--local", "--json").data
    assert f"webhook: webhook.test {sent['id']} was not delivered: ConnectError" in said
