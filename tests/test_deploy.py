"""The built template, deployed to an emulator of AWS that enforces IAM, and used as callers and operators use it.

Needs the build of `make test-deploy`, and in the environment `AWS_ENDPOINT_URL` with the loopback address of an
emulator that has CloudFormation, API Gateway, Lambda, Scheduler, SQS, EventBridge, KMS and DynamoDB. `EMULATOR_LOG`
names its log, in which a denied call is a line that begins with DENIED.

One stack serves all tests, which run in this order. What no emulator shows: throttles, WAF, custom domains, reserved
concurrency, DynamoDB's own use of the KMS key, and how long Scheduler and Lambda keep an event.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest
from botocore.exceptions import ClientError

from local.background import in_background
from local.vendors.server import serving
from providers.bootstrap import Dependencies, Settings
from providers.usecases.resolve import resolve
from tests.kit import deployed
from tests.kit.deployed import ENDPOINT, ORG, Deployed, denied, deploy, inventory, physical, run, secret
from tests.kit.description import operations
from tests.kit.receiver import Received, Receiver, receiving

STACK, SECOND = "providers-test", "second-test"
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/none"

pytestmark = [
    pytest.mark.deploy,
    pytest.mark.skipif(
        not ENDPOINT.startswith("http://127.0.0.1:"), reason="AWS_ENDPOINT_URL names no emulator on this machine"
    ),
]


@dataclass
class World:
    """The stack, and what it talks to."""

    stack: Deployed
    build: Path
    vendors_url: str
    receiver: Receiver
    scheduled: str
    """A provider that no test touches, so that only the schedule probes it."""

    def vendor_says(self, key: str, case: str) -> None:
        """Make the vendors' emulator respond to a key as in one of its cases."""
        with httpx2.Client(trust_env=False) as http:
            control = {"vendor": "openai", "key": key, "case": case}
            http.post(f"{self.vendors_url}/_control", json=control).raise_for_status()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The stack, deployed as with `make deploy`, with notifications that go to a receiver on loopback."""
    with ExitStack() as ending:
        vendors = ending.enter_context(in_background(serving()))
        receiver = ending.enter_context(receiving())
        build = ending.enter_context(deployed.build_for(tmp_path_factory.mktemp("deploy"), vendors.url))
        told = deploy(STACK, build)
        assert "ApiUrl" in told
        assert "make management-key" in told
        notify(receiver)
        stack = Deployed.of(STACK)
        deployed.set_variable(physical(STACK, "McpFunction"), "API_URL", stack.url)  # else https, as on AWS
        yield World(stack, build, vendors.url, receiver, stack.add("Scheduled", 1))


def notify(receiver: Receiver) -> None:
    """Deploy the notifications, as a stack of their own: the emulator resolves no secrets in nested stacks."""
    secrets, stacks = boto3.client("secretsmanager"), boto3.client("cloudformation")
    events = boto3.client("events")
    webhook = secrets.create_secret(Name="webhook", SecretString="Bearer webhook-FAKE-secret")["ARN"]
    slack = secrets.create_secret(Name="slack", SecretString="xoxb-FAKE-token")["ARN"]
    given = {"WebhookUrl": "https://webhook.example.com/events", "WebhookSecretArn": webhook}
    given |= {"SlackChannel": "C0123456789", "SlackTokenSecretArn": slack}
    stacks.create_stack(
        StackName="notifications",
        TemplateBody=(deployed.ROOT / "notifications" / "template.yaml").read_text(),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    stacks.get_waiter("stack_create_complete").wait(StackName="notifications", WaiterConfig={"Delay": 1})
    for each in events.list_api_destinations()["ApiDestinations"]:  # AWS accepts https only, and no loopback
        path = "/slack" if each["InvocationEndpoint"].startswith("https://slack.com/") else "/webhook"
        events.update_api_destination(Name=each["Name"], InvocationEndpoint=receiver.url + path)


def test_every_operation_works_under_its_own_role(world: World) -> None:
    """Every deployed function works with its own role, and IAM denies no call."""
    stack = world.stack
    provider_id = stack.add("Production", 11)
    at = {"provider_id": provider_id}
    assert "providers:read" in stack.done("get_management_key")["scopes"]
    stack.done("list_providers", params={"vendor": "openai"})
    stack.done("get_provider", at)
    for number in range(12, 18):
        stack.done("update_provider", at, json={"api_key": secret(number)})
    assert len(stack.done("list_versions", at)) == 5
    stack.done("destroy_version", at | {"number": "4"})
    assert stack.done("rollback_provider", at)["key_version"] == 8
    config = {"strategy": "single", "attempts": [{"provider_id": provider_id, "model": "gpt-5"}]}
    slug = {"slug": "@production"}
    stack.done("put_routing_config", slug, json=config)
    stack.done("get_routing_config", slug)
    stack.done("list_routing_configs")
    assert stack.call("delete_provider", at).json()["error"]["code"] == "provider_in_use"
    stack.done("delete_routing_config", slug)
    link = stack.done("create_upload", json={"provider_id": provider_id})["url"].rpartition("/")[2]
    with httpx2.Client(trust_env=False, timeout=60) as http:
        address = f"{stack.url}/manage/v1/uploads/{link}"
        assert http.get(address).status_code == 200
        assert http.post(address, data={"api_key": secret(19)}).status_code == 200
        assert http.get(f"{stack.url}/manage/v1/openapi.json").status_code == 200
        stack.used.add("get_openapi")
        console = http.get(f"{stack.url}/console")
        style = re.search(r'"(console/\w+/style\.css)"', console.text)
        assert style is not None
        assert http.get(f"{stack.url}/{style[1]}").headers["content-type"] == "text/css"
        assert http.get(f"{stack.url}/docs").status_code == 200
    stack.done("get_provider_health", at)
    actions = [entry["action"] for entry in stack.done("list_audit", params={"resource_id": provider_id})]
    assert actions[0] == "provider.rotated"
    stack.done("delete_provider", at)
    assert stack.used == operations().keys()
    assert denied() == []


def test_every_method_reaches_a_function(world: World) -> None:
    """HEAD responds like GET, OPTIONS lists a path's methods, and a method that the path lacks is 405."""
    headers = {"Authorization": f"Bearer {world.stack.key}"}
    with httpx2.Client(trust_env=False, timeout=60, base_url=world.stack.url) as http:
        assert http.head("/manage/v1/providers", headers=headers).status_code == 200
        listed = http.options("/manage/v1/providers", headers=headers)
        assert (listed.status_code, listed.headers["Allow"]) == (204, "GET, POST, HEAD, OPTIONS")
        assert http.put("/manage/v1/providers", headers=headers).status_code == 405
        assert http.head("/docs").status_code == 200


@pytest.mark.parametrize("table", ["MainTable", "SecretsTable"])
def test_the_tables_are_protected_once_they_exist(world: World, table: str) -> None:
    """The command that deploys a new stack turns on deletion protection in its second run."""
    found = boto3.client("dynamodb").describe_table(TableName=physical(STACK, table))["Table"]
    assert str(found["DeletionProtectionEnabled"]).lower() == "true"  # the emulator returns the parameter's text


def test_a_model_uses_the_api_over_mcp(world: World) -> None:
    """The deployed MCP endpoint lists the providers that its caller's key may see."""
    headers = {"Authorization": f"Bearer {world.stack.key}", "Accept": "application/json, text/event-stream"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_providers", "arguments": {}}}
    with httpx2.Client(trust_env=False, timeout=60) as http:
        answer = http.post(f"{world.stack.url}/mcp", headers=headers, json=call)
    assert answer.status_code == 200, answer.text
    assert "Scheduled" in answer.text


def test_the_schedule_probes_every_provider(world: World) -> None:
    """EventBridge Scheduler runs the sweep each minute: a provider that nothing else probed gets healthy."""
    end = time.monotonic() + 90
    while (health := world.stack.state(world.scheduled))["state"] == "unknown" and time.monotonic() < end:
        time.sleep(2)
    assert health["state"] == "healthy"
    assert denied() == []


def _told_once(world: World) -> list[Received]:
    """Return the messages to Slack in their order, each once: an event can be delivered twice (docs/events.md)."""
    return list({each.body["text"]: each for each in world.receiver.at("/slack")}.values())


def test_a_key_that_is_revoked_is_noticed_and_recovers(world: World) -> None:
    """The deployed sweep marks a provider unhealthy after three probes and healthy again after two; both are told."""
    provider_id = world.stack.add("Watched", 20)
    world.stack.until(provider_id, "healthy")
    world.vendor_says(secret(20), "invalid")
    assert world.stack.until(provider_id, "unhealthy")["reason"] == "credential_rejected"
    world.vendor_says(secret(20), "valid")
    world.stack.until(provider_id, "healthy")
    assert denied() == []
    world.stack.sweep(0)  # publishes what the last probe has committed
    end = time.monotonic() + 10
    while len(told := _told_once(world)) < 2 and time.monotonic() < end:
        time.sleep(0.2)
    alert, recovery = told
    assert alert.body["text"] == f"{provider_id} (openai) is unhealthy: credential_rejected"
    assert recovery.body["text"] == f"{provider_id} (openai) is healthy, no longer unhealthy"
    assert {each.body["channel"] for each in (alert, recovery)} == {"C0123456789"}
    assert {each.headers["Authorization"] for each in (alert, recovery)} == {"Bearer xoxb-FAKE-token"}
    posted = world.receiver.at("/webhook")
    assert {each.headers["Authorization"] for each in posted} == {"Bearer webhook-FAKE-secret"}
    assert {"provider.created", "provider.rotated", "provider.health_changed", "provider.deleted"} <= {
        each.body["detail-type"] for each in posted
    }


def test_no_secret_can_be_read_from_the_notifications(world: World) -> None:
    """What describes the notifications shows neither the webhook's secret nor Slack's token."""
    events, stacks = boto3.client("events"), boto3.client("cloudformation")
    shown: list[Any] = [events.list_api_destinations(), events.list_connections(), stacks.describe_stacks()]
    shown += [events.describe_connection(Name=each["Name"]) for each in events.list_connections()["Connections"]]
    shown += [events.list_targets_by_rule(Rule=each["Name"]) for each in events.list_rules()["Rules"]]
    assert str(shown).count("C0123456789") > 0
    assert "FAKE" not in str(shown)


def test_a_test_event_reaches_the_webhook_and_the_channel(world: World) -> None:
    """`providers webhook test` sends one event, which the function's role allows."""
    run(sys.executable, "-m", "providers_client", "webhook", "test", "--stack", STACK)

    def arrived() -> list[Received]:
        posted = [each for each in world.receiver.at("/webhook") if each.body["detail-type"] == "webhook.test"]
        return posted + [each for each in world.receiver.at("/slack") if each.body["text"].startswith("Test message")]

    end = time.monotonic() + 10
    while len(arrived()) < 2 and time.monotonic() < end:
        time.sleep(0.2)
    assert [each.path for each in arrived()] == ["/webhook", "/slack"]
    assert denied() == []


def test_a_data_key_is_replaced_and_a_credential_resolved(world: World) -> None:
    """Operator commands and a data plane work with the deployed tables and key."""
    provider_id = world.stack.add("Used", 30)
    keys = (sys.executable, "-m", "providers_client", "data-keys")
    assert "again under data key 00000002" in run(*keys, "rotate", "--stack", STACK, "--org", ORG)
    settings = {"MainTable": "MAIN_TABLE", "SecretsTable": "SECRETS_TABLE", "CredentialsKey": "KMS_KEY_ID"}
    named = {each: physical(STACK, name) for name, each in settings.items()}
    with closing(Dependencies(Settings.from_environment(named))) as ports:
        assert resolve(ports, ORG, provider_id).secret.reveal() == secret(30)
    assert denied() == []


def test_an_update_under_load_fails_no_request(world: World) -> None:
    """Code, layer and a parameter are updated while clients read and write; the layer's previous version remains."""
    functions = boto3.client("lambda")
    name = physical(STACK, "ListProvidersFunction")
    before = functions.get_function_configuration(FunctionName=name)
    deployed.change(world.build / "ListProvidersFunction" / "app.py", "\n# changed\n")
    deployed.change(world.build / "SharedLayer" / "python" / "providers" / "entrypoints.py", "\n# changed\n")
    answers: list[httpx2.Response] = []
    stop = threading.Event()

    def use(call: Callable[[], httpx2.Response]) -> None:
        while not stop.wait(0.2):
            answer = call()
            # Lambda lets an invocation finish on the old code; MiniStack ends the process that it updates.
            answers.append(call() if answer.status_code == 502 and "Worker process died" in answer.text else answer)

    at = {"provider_id": world.scheduled}
    clients = [
        threading.Thread(target=use, args=[lambda: world.stack.call("list_providers")]),
        threading.Thread(
            target=use, args=[lambda: world.stack.call("update_provider", at, json={"name": "Scheduled"})]
        ),
    ]
    for each in clients:
        each.start()
    try:
        deploy(STACK, world.build, GraceSeconds="60")
    finally:
        time.sleep(3)  # the new code answers, too
        stop.set()
        for each in clients:
            each.join()
    failed = [(each.status_code, each.text) for each in answers if each.status_code != 200]
    assert not failed, str(failed)
    assert len(answers) > 20
    after = functions.get_function_configuration(FunctionName=name)
    assert after["CodeSha256"] != before["CodeSha256"]
    assert after["Environment"]["Variables"]["GRACE_SECONDS"] == "60"
    (old,), (new,) = before["Layers"], after["Layers"]
    assert new["Arn"] != old["Arn"]
    assert functions.get_layer_version_by_arn(Arn=old["Arn"])["LayerVersionArn"] == old["Arn"]
    assert denied() == []


def test_a_failed_deployment_leaves_nothing_and_can_be_repeated(world: World) -> None:
    """A first deployment that fails after its data exists is rolled back without remains, and can be repeated."""
    retained = {"ApiGatewayLogsRole": "create", "LogsOnDeletion": "retain"}
    domain = {"DomainName": "providers.example.com", "CertificateArn": CERTIFICATE, "HostedZoneId": "ZNONE"}
    with pytest.raises(subprocess.CalledProcessError):
        deploy(SECOND, world.build, **retained, **domain)
    pages = boto3.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=SECOND)
    events = [each for page in pages for each in page["StackEvents"]]
    made = {each["LogicalResourceId"] for each in events if each["ResourceStatus"] == "CREATE_COMPLETE"}
    assert {"MainTable", "SecretsTable", "CredentialsKey", "ApiGatewayLogsWriter", "RetainedAccessLogs"} <= made
    assert inventory(SECOND) == []
    assert "Deleted the remains" in deploy(SECOND, world.build, DeletionProtection="false")
    assert inventory(SECOND)


def test_a_second_stack_stands_alone(world: World) -> None:
    """A second stack beside the first works, and neither accepts the other's management key or sees its providers."""
    second = Deployed.of(SECOND)
    second.add("Production", 40)
    assert [each["name"] for each in second.done("list_providers")] == ["Production"]
    assert "Production" not in [each["name"] for each in world.stack.done("list_providers")]
    own, second.key = second.key, world.stack.key
    assert second.call("list_providers").status_code == 401
    second.key = own
    boto3.client("cloudformation").delete_stack(StackName=SECOND)
    boto3.client("cloudformation").get_waiter("stack_delete_complete").wait(StackName=SECOND)
    assert world.stack.call("list_providers").status_code == 200
    assert denied() == []


CONTROLS: dict[str, Callable[[Any, str], object]] = {
    "delete a provider item": lambda dynamodb, table: dynamodb.delete_item(
        TableName=table, Key={"PK": {"S": f"ORG#{ORG}"}, "SK": {"S": "PROV#x"}}
    ),
    "read a management key": lambda dynamodb, table: dynamodb.get_item(
        TableName=table, Key={"PK": {"S": "MK#x"}, "SK": {"S": "-"}}
    ),
}


@pytest.mark.parametrize("attempt", CONTROLS.values(), ids=CONTROLS)
def test_what_a_role_does_not_allow_is_refused(world: World, attempt: Callable[[Any, str], object]) -> None:
    """The emulator enforces IAM, so that the tests above prove something."""
    before = len(denied())
    role = boto3.client("iam").get_role(RoleName=physical(world.stack.stack, "ListProvidersFunctionRole"))["Role"][
        "Arn"
    ]
    given = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="control")["Credentials"]
    client = boto3.client(
        "dynamodb",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        attempt(client, physical(STACK, "MainTable"))
    assert len(denied()) > before


def test_a_deleted_stacks_data_is_adopted(world: World) -> None:
    """Only the data and what the account uses outlive the stack; a new one adopts it, and its keys go on working."""
    names = {name: physical(STACK, name) for name in ("MainTable", "SecretsTable", "CredentialsKey")}
    providers = world.stack.done("list_providers")
    boto3.client("cloudformation").delete_stack(StackName=STACK)
    boto3.client("cloudformation").get_waiter("stack_delete_complete").wait(StackName=STACK)
    layer, role = f"{STACK}-shared", f"{STACK}-ApiGatewayLogsWriter"
    kept = [names["MainTable"], names["SecretsTable"], STACK, layer]  # the key is named by its description
    assert [each for each in inventory(STACK) if each not in kept and not each.startswith(role)] == []
    assert set(kept) <= set(inventory(STACK))
    tables = ("--main-table", names["MainTable"], "--secrets-table", names["SecretsTable"])
    run(sys.executable, "-m", "deploy.adopt", "--stack", "adopting-test", *tables, "--kms-key", names["CredentialsKey"])
    deploy("adopting-test", world.build)
    adopting = Deployed.of("adopting-test", world.stack.key)
    assert [each["id"] for each in adopting.done("list_providers")] == [each["id"] for each in providers]
    adopting.done("update_provider", {"provider_id": world.scheduled}, json={"api_key": secret(50)})
    boto3.client("cloudformation").delete_stack(StackName="adopting-test")
