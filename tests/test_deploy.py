"""The built template, deployed to an emulator of AWS that enforces IAM, and used as callers use it.

Needs the build of `make test-deploy`, and in the environment `AWS_ENDPOINT_URL` with the loopback address of an
emulator that has CloudFormation, API Gateway, Lambda, Scheduler, SQS, EventBridge, KMS and DynamoDB. `EMULATOR_LOG`
names its log, in which a refused call is a line that begins with DENIED.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest
from botocore.exceptions import ClientError

from local.background import in_background
from local.template import Template
from local.vendors.keys import fake_key
from local.vendors.server import serving
from providers.bootstrap import Dependencies, Settings
from providers.usecases.resolve import resolve
from tests.kit.description import operations

ROOT = Path(__file__).parent.parent
BUILT = ROOT / ".aws-sam" / "local" / "template.yaml"
SAM = os.environ.get("SAM") or shutil.which("sam") or str(ROOT / ".venv-sam" / "bin" / "sam")
ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "")
STACK = "providers-test"
ORG = "org_test"

pytestmark = [
    pytest.mark.deploy,
    pytest.mark.skipif(
        not ENDPOINT.startswith("http://127.0.0.1:"), reason="AWS_ENDPOINT_URL names no emulator on this machine"
    ),
]


def denied() -> list[str]:
    """Return the calls that IAM denied."""
    return [line for line in Path(os.environ["EMULATOR_LOG"]).read_text().splitlines() if line.startswith("DENIED")]


def run(*arguments: str) -> str:
    """Return a program's output. Fails the test if it fails."""
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{arguments[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@dataclass
class Deployed:
    """A deployed stack with the vendors' emulator, and a caller with a management key."""

    url: str
    vendors_url: str
    key: str
    used: set[str] = field(default_factory=set)

    def call(self, operation: str, path: dict[str, str] | None = None, **given: Any) -> httpx2.Response:
        """Return the response of an operation."""
        route = next(each for each in Template().routes if each.function == _function(operation))
        address = self.url + route.resource.format(**(path or {}))
        self.used.add(operation)
        with httpx2.Client(trust_env=False, timeout=60) as http:
            return http.request(route.method, address, headers={"Authorization": f"Bearer {self.key}"}, **given)

    def done(self, operation: str, path: dict[str, str] | None = None, **given: Any) -> Any:
        """Return the data of an operation's response. Fails the test on an error."""
        answer = self.call(operation, path, **given)
        assert answer.status_code < 300, answer.text
        return answer.json().get("data")

    def sweep(self, minutes_ahead: int) -> None:
        """Run one minute's sweep now instead of waiting for the schedule."""
        at = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=minutes_ahead)
        event = json.dumps({"time": at.isoformat()})
        boto3.client("lambda").invoke(FunctionName=_physical("DispatchProbesFunction"), Payload=event)

    def until(self, provider_id: str, state: str) -> dict[str, Any]:
        """Return the provider's health once it has this state."""
        for ahead in range(1, 40):
            health: dict[str, Any] = self.done("get_provider_health", {"provider_id": provider_id})
            if health["state"] == state:
                return health
            self.sweep(ahead)
            time.sleep(1)
        raise AssertionError(f"the provider is not {state}: {health}")


def _function(operation: str) -> str:
    return "".join(word.title() for word in operation.split("_")) + "Function"


def _physical(logical_id: str) -> str:
    found = boto3.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=logical_id)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def deploy() -> None:
    """Run `sam deploy` on the build for this machine."""
    architecture = "arm64" if os.uname().machine in ("arm64", "aarch64") else "x86_64"
    overrides = [f"Architecture={architecture}", "DeletionProtection=false", "ApiGatewayLogsRole=create"]
    run(
        *(SAM, "deploy", "--template-file", str(BUILT), "--stack-name", STACK, "--resolve-s3", "--no-progressbar"),
        *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--capabilities", "CAPABILITY_IAM"),
        *("--parameter-overrides", *overrides),
    )


@pytest.fixture(scope="module")
def stack() -> Iterator[Deployed]:
    """The stack, deleted after the tests."""
    with ExitStack() as ending:
        vendors = ending.enter_context(in_background(serving()))
        deploy()
        ending.callback(boto3.client("cloudformation").delete_stack, StackName=STACK)
        functions = boto3.client("lambda")
        for logical_id in Template().of_type("AWS::Serverless::Function"):
            name = _physical(logical_id)
            known = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            functions.update_function_configuration(
                FunctionName=name, Environment={"Variables": known | {"LOCAL_VENDORS_URL": vendors.url}}
            )
        made = run(sys.executable, "-m", "providers_client", "keys", "create", "--stack", STACK, "--org", ORG)
        api = _physical("ProvidersApi")
        yield Deployed(f"{ENDPOINT}/_aws/execute-api/{api}/live", vendors.url, made.strip())


def secret(number: int) -> str:
    """Return a fake key that the vendors' emulator accepts."""
    return fake_key("openai", "valid", 900_000 + number)


def test_every_operation_works_under_its_own_role(stack: Deployed) -> None:
    """Every deployed function works with its own role, and IAM denies no call."""
    add = {"vendor": "openai", "name": "Production", "api_key": secret(1)}
    provider_id = stack.done("add_provider", json=add)["id"]
    at = {"provider_id": provider_id}
    stack.done("list_providers", params={"vendor": "openai"})
    stack.done("get_provider", at)
    for number in range(2, 8):
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
        assert http.post(address, data={"api_key": secret(9)}).status_code == 200
        assert http.get(f"{stack.url}/manage/v1/openapi.json").status_code == 200
        stack.used.add("get_openapi")
    stack.done("get_provider_health", at)
    actions = [entry["action"] for entry in stack.done("list_audit", params={"resource_id": provider_id})]
    assert actions[0] == "provider.rotated"
    stack.done("delete_provider", at)
    assert stack.used == operations().keys()
    assert denied() == []


def test_a_key_that_is_revoked_is_noticed_and_recovers(stack: Deployed) -> None:
    """The deployed sweep marks a provider unhealthy after three probes and healthy again after two."""
    key = secret(20)
    provider_id = stack.done("add_provider", json={"vendor": "openai", "name": "Watched", "api_key": key})["id"]
    stack.until(provider_id, "healthy")
    with httpx2.Client(trust_env=False) as http:
        http.post(
            f"{stack.vendors_url}/_control", json={"vendor": "openai", "key": key, "case": "invalid"}
        ).raise_for_status()
        assert stack.until(provider_id, "unhealthy")["reason"] == "credential_rejected"
        http.post(
            f"{stack.vendors_url}/_control", json={"vendor": "openai", "key": key, "case": "valid"}
        ).raise_for_status()
    stack.until(provider_id, "healthy")
    assert denied() == []


def test_a_data_key_is_replaced_and_a_credential_resolved(stack: Deployed) -> None:
    """Operator commands and a data plane work with the deployed tables and key."""
    add = {"vendor": "openai", "name": "Used", "api_key": secret(30)}
    provider_id = stack.done("add_provider", json=add)["id"]
    keys = (sys.executable, "-m", "providers_client", "data-keys")
    assert "again under data key 00000002" in run(*keys, "rotate", "--stack", STACK, "--org", ORG)
    settings = {"MainTable": "MAIN_TABLE", "SecretsTable": "SECRETS_TABLE", "CredentialsKey": "KMS_KEY_ID"}
    ports = Dependencies(Settings.from_environment({each: _physical(name) for name, each in settings.items()}))
    with closing(ports):
        assert resolve(ports, ORG, provider_id).secret.reveal() == secret(30)
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
def test_what_a_role_does_not_allow_is_refused(stack: Deployed, attempt: Callable[[Any, str], object]) -> None:
    """The emulator enforces IAM, so that the tests above prove something."""
    role = boto3.client("iam").get_role(RoleName=_physical("ListProvidersFunctionRole"))["Role"]["Arn"]
    given = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="control")["Credentials"]
    client = boto3.client(
        "dynamodb",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        attempt(client, _physical("MainTable"))
    assert denied()
