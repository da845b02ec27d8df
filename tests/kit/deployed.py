"""Deploy the build to an emulator of AWS, and use what was deployed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import boto3
import httpx2

from local.template import Template
from local.vendors.keys import fake_key

ROOT: Final = Path(__file__).parent.parent.parent
BUILD: Final = ROOT / ".aws-sam" / "local"
SAM: Final = os.environ.get("SAM") or shutil.which("sam") or str(ROOT / ".venv-sam" / "bin" / "sam")
ENDPOINT: Final = os.environ.get("AWS_ENDPOINT_URL", "")
ARCHITECTURE: Final = "arm64" if os.uname().machine in ("arm64", "aarch64") else "x86_64"
ORG: Final = "org_test"
EMULATOR_READ_TIMEOUT_S: Final = 10


def secret(number: int) -> str:
    """Return a fake key that the vendors' emulator accepts."""
    return fake_key("openai", "valid", 900_000 + number)


def denied() -> list[str]:
    """Return the calls that IAM denied."""
    lines = Path(os.environ["EMULATOR_LOG"]).read_text().splitlines()
    return [line for line in lines if line.startswith("DENIED") or "AccessDenied" in line]


def run(*arguments: str) -> str:
    """Return a program's output. Raises CalledProcessError, with its output, if it fails."""
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, arguments[:4], done.stdout[-3000:], done.stderr[-3000:])
    return done.stdout


def deploy(stack: str, build: Path, **parameters: str) -> str:
    """Run what `make deploy BUILT=1` runs, and return its output. Raises CalledProcessError."""
    given = {"Architecture": ARCHITECTURE, "RateLimitPerMinute": "100000"} | parameters
    command = (sys.executable, "-m", "deploy", "--stack", stack, "--sam", SAM, "--build-dir", str(build), "--built")
    return run(*command, *(f"{name}={value}" for name, value in given.items()))


@contextmanager
def build_for(folder: Path, vendors_url: str) -> Iterator[Path]:
    """Copy the build, with the address of the vendors' emulator in its template and more patience with AWS.

    The emulator is one process, which answers no call for more than a second while it installs functions: two reads in
    a row would time out, and a request fail with 503, as it would not on AWS.
    """
    copy = folder / "build"
    shutil.copytree(BUILD, copy, copy_function=os.link)
    _replace(copy / "template.yaml", "LOCAL_VENDORS_URL: ''", f"LOCAL_VENDORS_URL: {vendors_url}")
    clients = copy / "SharedLayer" / "python" / "providers_data_plane" / "clients.py"
    _replace(clients, "read_timeout=1.25,", f"read_timeout={EMULATOR_READ_TIMEOUT_S},")
    yield copy


def change(file: Path, text: str) -> None:
    """Append to a file of a copied build."""
    _write(file, file.read_text() + text)


def _replace(file: Path, old: str, new: str) -> None:
    content = file.read_text()
    assert content.count(old) == 1, f"{file} does not contain one {old}"
    _write(file, content.replace(old, new))


def _write(file: Path, content: str) -> None:
    """Write a file of a copied build, but not the file of the build that it is a link to."""
    file.unlink()
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink()  # Python would run it without a look at the source
    file.write_text(content)


def physical(stack: str, logical_id: str) -> str:
    """Return the name or id of a stack's resource."""
    found = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def set_variable(function: str, name: str, value: str) -> None:
    """Set a variable of a function's environment."""
    functions = boto3.client("lambda")
    known = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=function, Environment={"Variables": known | {name: value}})


def management_key(stack: str) -> str:
    """Create a management key, as operators do."""
    return run(sys.executable, "-m", "providers_client", "keys", "create", "--stack", stack, "--org", ORG).strip()


def inventory(stack: str) -> list[str]:
    """Return what exists under a stack's name, in every service that the template uses; a key only if it is usable."""
    dynamodb, kms, iam = boto3.client("dynamodb"), boto3.client("kms"), boto3.client("iam")
    functions, events = boto3.client("lambda"), boto3.client("events")
    keys = (kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"])
    names = [
        *dynamodb.list_tables()["TableNames"],
        *(each["Description"].split()[-1] for each in keys if each["KeyState"] == "Enabled"),
        *(each["AliasName"].removeprefix("alias/") for each in kms.list_aliases()["Aliases"]),
        *(each["RoleName"] for each in iam.list_roles()["Roles"]),
        *(each["PolicyName"] for each in iam.list_policies(Scope="Local")["Policies"]),
        *(each["FunctionName"] for each in functions.list_functions()["Functions"]),
        *(each["LayerName"] for each in functions.list_layers()["Layers"]),
        *(each["Name"] for each in boto3.client("scheduler").list_schedules()["Schedules"]),
        *(each.rpartition("/")[2] for each in boto3.client("sqs").list_queues().get("QueueUrls", [])),
        *(each["name"] for each in boto3.client("apigateway").get_rest_apis()["items"]),
        *(each["Name"] for each in events.list_connections()["Connections"]),
        *(each["Name"] for each in events.list_api_destinations()["ApiDestinations"]),
        *(each["Name"] for each in events.list_rules()["Rules"]),
        *(each["logGroupName"].lstrip("/") for each in boto3.client("logs").describe_log_groups()["logGroups"]),
    ]
    return sorted(name for name in names if name.startswith(stack))


def _function(operation: str) -> str:
    return "".join(word.title() for word in operation.split("_")) + "Function"


@dataclass
class Deployed:
    """A deployed stack and a caller with a management key of it."""

    stack: str
    url: str
    key: str
    used: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, stack: str, key: str | None = None) -> Deployed:
        """Return a stack that has been deployed; without a management key, create one."""
        url = f"{ENDPOINT}/_aws/execute-api/{physical(stack, 'ProvidersApi')}/live"
        return cls(stack, url, key or management_key(stack))

    def call(self, operation: str, path: dict[str, str] | None = None, **given: Any) -> httpx2.Response:
        """Return the response of an operation; every request has an Idempotency-Key, which reads ignore."""
        route = Template().route(_function(operation))
        address = self.url + route.resource.format(**(path or {}))
        self.used.add(operation)
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": str(uuid.uuid4())}
        with httpx2.Client(trust_env=False, timeout=60) as http:
            return http.request(route.method, address, headers=headers, **given)

    def done(self, operation: str, path: dict[str, str] | None = None, **given: Any) -> Any:
        """Return the data of an operation's response. Fails the test on an error."""
        answer = self.call(operation, path, **given)
        assert answer.status_code < 300, answer.text
        return answer.json().get("data")

    def add(self, name: str, number: int) -> str:
        """Add a provider, and return its id."""
        body = {"vendor": "openai", "name": name, "api_key": secret(number)}
        return str(self.done("add_provider", json=body)["id"])

    def state(self, provider_id: str) -> dict[str, Any]:
        """Return a provider's health."""
        found: dict[str, Any] = self.done("get_provider_health", {"provider_id": provider_id})
        return found

    def sweep(self, minutes_ahead: int) -> None:
        """Run one minute's sweep now instead of waiting for the schedule."""
        at = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=minutes_ahead)
        event = json.dumps({"time": at.isoformat()})
        boto3.client("lambda").invoke(FunctionName=physical(self.stack, "DispatchProbesFunction"), Payload=event)

    def until(self, provider_id: str, state: str) -> dict[str, Any]:
        """Run sweeps until the provider has this state, and return its health."""
        for ahead in range(1, 40):
            health = self.state(provider_id)
            if health["state"] == state:
                return health
            self.sweep(ahead)
            time.sleep(0.5)
        raise AssertionError(f"the provider is not {state}: {health}")
