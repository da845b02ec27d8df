"""`make deploy` and `make adopt`, as far as they need no AWS; tests/test_deploy.py runs both against an emulator."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deploy import __main__ as deploying
from deploy.adopt import RETAINED, retained_only
from deploy.build import WrongBuild, check
from deploy.stacks import logs_role_exists
from local.template import Template

SAMCONFIG = (
    '[default.global.parameters]\nparameter_overrides = ["Architecture=arm64", "SlackStates=unhealthy,degraded"]\n'
)


def built(folder: Path, machine: int) -> Path:
    """Return the folder of a build whose layer has a package compiled for an ELF machine."""
    library = folder / "SharedLayer" / "python" / "package" / "compiled.so"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(11) + machine.to_bytes(2, "little") + bytes(44))
    return folder


@pytest.mark.parametrize(("machine", "architecture"), [(62, "x86_64"), (183, "arm64")])
def test_a_build_for_the_architecture_is_accepted(tmp_path: Path, machine: int, architecture: str) -> None:
    """A build for the stack's architecture is deployed."""
    check(built(tmp_path, machine), architecture)


@pytest.mark.parametrize(("machine", "architecture"), [(62, "arm64"), (183, "x86_64"), (40, "arm64")])
def test_a_build_for_another_architecture_is_refused(tmp_path: Path, machine: int, architecture: str) -> None:
    """A build for another architecture is refused, with the command that makes the right one."""
    with pytest.raises(WrongBuild, match=f"make build ARCH={architecture}"):
        check(built(tmp_path, machine), architecture)


def test_nothing_is_deployed_if_the_build_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The architecture is checked before anything is uploaded or AWS is called."""

    def called(*_: Any, **__: Any) -> None:
        raise AssertionError("nothing may be called")

    monkeypatch.setattr("boto3.client", called)
    monkeypatch.setattr("subprocess.run", called)
    with pytest.raises(WrongBuild):
        deploying.deploy("test", "sam", built(tmp_path, 62), {"Architecture": "arm64"})
    with pytest.raises(WrongBuild, match="make build"):
        deploying.deploy("test", "sam", tmp_path / "nothing", {"Architecture": "arm64"})


PLAIN = {"Architecture": "arm64"}
RUNS: dict[str, tuple[dict[str, str] | None, bool, dict[str, str], list[dict[str, str]]]] = {
    "new": (None, False, {}, [{"DeletionProtection": "false"}, {"DeletionProtection": "true"}]),
    "new, unprotected": (None, False, {"DeletionProtection": "false"}, [{"DeletionProtection": "false"}]),
    "new, in an account with a role for logs": (
        None,
        True,
        {},
        [
            {"ApiGatewayLogsRole": "existing", "DeletionProtection": "false"},
            {"ApiGatewayLogsRole": "existing", "DeletionProtection": "true"},
        ],
    ),
    "new, with a role of its own": (
        None,
        True,
        {"ApiGatewayLogsRole": "create", "DeletionProtection": "false"},
        [{"ApiGatewayLogsRole": "create", "DeletionProtection": "false"}],
    ),
    "update": ({"ApiGatewayLogsRole": "create"}, True, {"LogLevel": "WARN"}, [{"LogLevel": "WARN"}]),
    "after an adoption": ({"DeletionProtection": "true"}, True, {}, [{"ApiGatewayLogsRole": "existing"}]),
}


@pytest.mark.parametrize(("known", "role_exists", "given", "runs"), RUNS.values(), ids=RUNS)
def test_a_new_stack_is_protected_last_and_the_accounts_role_is_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    known: dict[str, str] | None,
    role_exists: bool,
    given: dict[str, str],
    runs: list[dict[str, str]],
) -> None:
    """A new stack's tables are protected in a second run; an update changes only what is given."""
    ran: list[dict[str, str]] = []
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deploying, "delete_remains", lambda *_: False)
    monkeypatch.setattr(deploying, "parameters_of", lambda *_: known)
    monkeypatch.setattr(deploying, "logs_role_exists", lambda *_: role_exists)
    monkeypatch.setattr(deploying, "outputs_of", lambda *_: {})
    monkeypatch.setattr(deploying, "sam_deploy", lambda *arguments: ran.append(arguments[-1]))
    deploying.deploy("test", "sam", built(tmp_path, 183), PLAIN | given)
    assert ran == [PLAIN | each for each in runs]


@mock_aws
def test_a_deleted_role_for_logs_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's setting may name a role that was deleted with a failed deployment; then a new one is created."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    gateway, iam = boto3.client("apigateway"), boto3.client("iam")
    assert not logs_role_exists(gateway, iam)
    arn = iam.create_role(RoleName="logs", Path="/service/", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}])
    assert logs_role_exists(gateway, iam)
    iam.delete_role(RoleName="logs")
    assert not logs_role_exists(gateway, iam)


def test_parameters_come_from_three_places(tmp_path: Path) -> None:
    """The command line wins over the stack's own file, which wins over samconfig.toml."""
    (tmp_path / "samconfig.toml").write_text(SAMCONFIG)
    own = SAMCONFIG.replace("arm64", "x86_64").replace(
        '"SlackStates', '"LogLevel=DEBUG", "WebhookUrl=https://h/?a=b", "SlackStates'
    )
    (tmp_path / "samconfig.staging.toml").write_text(own)
    shared = {"Architecture": "arm64", "SlackStates": "unhealthy,degraded"}
    assert deploying.read_parameters("production", [], tmp_path) == shared
    assert deploying.read_parameters("staging", ["LogLevel=WARN"], tmp_path) == shared | {
        "Architecture": "x86_64",
        "LogLevel": "WARN",
        "WebhookUrl": "https://h/?a=b",
    }


def test_the_committed_parameters_are_the_templates() -> None:
    """samconfig.toml names the architecture, and each parameter in it, also in its comments, exists."""
    declared = Template().content["Parameters"]
    text = (deploying.ROOT / "samconfig.toml").read_text()
    assert set(re.findall(r'"(\w+)=', text)) <= set(declared)
    parameters = deploying.read_parameters("providers-api", [])
    assert parameters["Architecture"] in declared["Architecture"]["AllowedValues"]


def test_what_is_adopted_is_what_is_retained() -> None:
    """The template for adoption has exactly the data that outlives a stack, and refers to nothing else."""
    content = retained_only(Template())
    resources = Template().content["Resources"]
    data = {"AWS::DynamoDB::Table", "AWS::KMS::Key"}
    assert (
        content["Resources"].keys() == RETAINED.keys() == {n for n, each in resources.items() if each["Type"] in data}
    )
    assert content["Parameters"].keys() == {"DeletionProtection"}
    known = content["Resources"].keys() | content["Parameters"].keys()
    text = json.dumps(content)
    assert set(re.findall(r'"Ref": "(\w+)"', text)) <= known
    assert set(re.findall(r'"Fn::GetAtt": \["(\w+)"', text)) <= known
