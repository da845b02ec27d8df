"""`providers keys`: management keys of a deployed stack and of the local one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import httpx2
import pytest
from moto import mock_aws

from functions.operate.app import handler as operate
from local.stack import Stack
from local.template import Template
from providers import bootstrap
from providers.bootstrap import Dependencies, Settings
from providers.model.policy import LIMITS
from providers.usecases.management_keys import authenticate
from providers_contract.vocabulary import Scope
from tests.client.conftest import Commands
from tests.kit.invoked import lambda_api

OPERATOR = Commands({"PROVIDERS_FORCE_TTY": "200"})
STACK = ("--stack", "providers-api")
INVOKE = "/2015-03-31/functions/OperateFunction/invocations"
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/lambda/aws4_request"}
LIST = {"action": "keys.list", "arguments": {}}


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dependencies]:
    """A stack in moto with the template's output and its function, and its ports."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        dynamodb = boto3.client("dynamodb")
        for table in Template().tables.values():
            dynamodb.create_table(**table)
        key_id = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
        template = {
            "Resources": {"Nothing": {"Type": "AWS::SQS::Queue"}},
            "Outputs": {"OperateFunctionName": {"Value": "operate"}},
        }
        boto3.client("cloudformation").create_stack(StackName="providers-api", TemplateBody=json.dumps(template))
        boto3.client("cloudformation").create_stack(
            StackName="another", TemplateBody=json.dumps({"Resources": template["Resources"]})
        )
        environment = {"MAIN_TABLE": "MainTable", "SECRETS_TABLE": "SecretsTable", "KMS_KEY_ID": key_id}
        ports = Dependencies(Settings.from_environment(environment | {"LIMIT_MANAGEMENT_KEYS": "3"}))
        bootstrap.install(ports)
        try:
            with lambda_api({"operate": operate}) as url:
                monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
                yield ports
        finally:
            bootstrap.install(None)


def test_a_minted_key_opens_the_stack(deployed: Dependencies) -> None:
    """Standard output has only the token, which authenticates its organization; a second key works, too."""
    made = OPERATOR.ok("keys", "create", *STACK, "--org", "org_acme", "--scope", "providers:read")
    caller = authenticate(deployed, f"Bearer {made.out.strip()}")
    assert (caller.key.org, list(caller.key.scopes)) == ("org_acme", [Scope.PROVIDERS_READ])
    made = OPERATOR.ok("keys", "create", *STACK, "--org", "org_acme", "--expires-in", "90d", "--name", "CI")
    caller = authenticate(deployed, f"Bearer {made.out.strip()}")
    assert (caller.key.scopes, caller.key.name) == (frozenset(Scope), "CI")
    assert caller.key.expires_at is not None
    assert round((caller.key.expires_at - caller.key.created_at).total_seconds() / 86_400) == 90


def test_keys_are_listed_and_revoked(deployed: Dependencies) -> None:
    """A list shows no secret; a revoked key stops working, and is shown as revoked."""
    token = OPERATOR.ok("keys", "create", *STACK, "--org", "org_acme").out.strip()
    OPERATOR.ok("keys", "create", *STACK, "--org", "org_other")
    (listed,) = OPERATOR.ok("keys", "list", *STACK, "--org", "org_acme", "--json").data
    assert set(listed) == {"id", "org", "name", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"}
    assert len(OPERATOR.ok("keys", "list", *STACK, "--json").data) == 2
    authenticate(deployed, f"Bearer {token}")
    assert OPERATOR("keys", "revoke", *STACK, listed["id"], answers="n\n").code == 1
    OPERATOR.ok("keys", "revoke", *STACK, listed["id"], answers="y\n")
    with pytest.raises(Exception, match="invalid_api_key"):
        authenticate(deployed, f"Bearer {token}")
    table = OPERATOR.ok("keys", "list", *STACK).out
    assert [("revoked" in line, "org_acme" in line) for line in table.splitlines()[2:]] == [
        (True, True),
        (False, False),
    ]
    assert token.rpartition("_")[2] not in table


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("create", "--stack", "nothing", "--org", "org_acme"), 2, "the stack 'nothing' does not exist in us-east-1"),
        (("create", "--stack", "another", "--org", "org_acme"), 2, "'another' is not a stack of the Providers API"),
        (("create", "--stack", "sk-proj-FAKE-valid-EXAMPLE-000001", "--org", "org_acme"), 2, "the stack in --stack"),
        (("create", *STACK, "--org", "org_acme", "--scope", "everything"), 2, "a scope is one of providers:read"),
        (("create", *STACK, "--org", "org_acme", "--expires-in", "soon"), 2, "90d"),
        (("create", *STACK, "--org", "org_acme", "--name", ""), 2, "a key's name"),
        (("revoke", *STACK, "--yes", "nobody"), 3, "no management key has this id"),
        (("revoke", *STACK, "--yes", "No#body"), 3, "no management key has this id"),
        *(
            (("create", *STACK, "--org", org), 2, "an organization has at most 64 letters")
            for org in ("", "a b", "org#x", "é", "x" * 65)
        ),
    ],
)
def test_a_refused_command_prints_one_line(arguments: tuple[str, ...], code: int, expected: str) -> None:
    """A refused command prints one line, and nothing on standard output that could be mistaken for a key."""
    done = OPERATOR("keys", *arguments)
    assert (done.code, done.out) == (code, "")
    assert expected in done.err


@pytest.mark.parametrize(
    ("variables", "code", "expected"),
    [
        ({"AWS_DEFAULT_REGION": ""}, 2, "AWS: Invalid endpoint"),
        ({"AWS_DEFAULT_REGION": "us-east-1", "AWS_PROFILE": "nobody"}, 2, "profile (nobody) could not be found"),
        ({"AWS_ENDPOINT_URL_CLOUDFORMATION": "http://127.0.0.1:1"}, 6, "Could not connect"),
    ],
)
def test_aws_out_of_reach_is_told_from_a_wrong_configuration(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], code: int, expected: str
) -> None:
    """A missing region is to be corrected (2); a service that cannot be reached is to be tried again (6)."""
    given = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (given | {"AWS_MAX_ATTEMPTS": "1"} | variables).items():
        monkeypatch.setenv(name, value)
    done = OPERATOR("keys", "list", *STACK)
    assert (done.code, done.out) == (code, "")
    assert expected in done.err


@pytest.mark.usefixtures("deployed")
def test_the_stacks_limit_is_enforced_and_reported() -> None:
    """The limit is the stack's MaxManagementKeys: one more key is refused in one line, and a revocation makes room."""
    for _ in range(3):
        OPERATOR.ok("keys", "create", *STACK, "--org", "org_acme")
    done = OPERATOR("keys", "create", *STACK, "--org", "org_acme")
    assert (done.code, done.out) == (4, "")
    assert "3 management keys that are not revoked; 3 are allowed" in done.err
    assert "expired management keys count" in done.err
    first = OPERATOR.ok("keys", "list", *STACK, "--org", "org_acme", "--json").data[0]["id"]
    OPERATOR.ok("keys", "revoke", *STACK, "--yes", first)
    OPERATOR.ok("keys", "create", *STACK, "--org", "org_acme")


def test_the_local_stacks_limit_is_reported(stack: Stack) -> None:
    """A key over the limit is refused with the limit, not as an unknown kind of stack."""
    local = Commands({"PROVIDERS_API_URL": stack.url, "PROVIDERS_FORCE_TTY": "200"})
    for _ in range(LIMITS.management_keys):
        stack.mint("org_full")
    done = local("keys", "create", "--local", "--org", "org_full")
    assert (done.code, done.out) == (4, "")
    assert "100 are allowed" in done.err


def test_the_local_stack_has_management_keys(stack: Stack) -> None:
    """Keys are created, used, listed and revoked by the local stack's own function."""
    local = Commands({"PROVIDERS_API_URL": stack.url, "PROVIDERS_FORCE_TTY": "200"})
    token = local.ok("keys", "create", "--local", "--org", "org_keys", "--expires-in", "1h").out.strip()
    assert local.ok("list", "--json", PROVIDERS_API_KEY=token).data == []
    (listed,) = local.ok("keys", "list", "--local", "--org", "org_keys", "--json").data
    assert listed["last_used_at"] is not None
    assert f"Revoked: {listed['id']}" in local.ok("keys", "revoke", "--local", "--yes", listed["id"]).out
    assert local("list", PROVIDERS_API_KEY=token).code == 7
    assert local("keys", "revoke", "--local", "--yes", "nobody").code == 3
    assert local("keys", "create", "--local", "--org", "a b").code == 2


@pytest.mark.parametrize(("url", "code"), [("https://api.example.com", 2), ("http://127.0.0.1:1", 6)])
def test_local_refuses_other_machines(url: str, code: int) -> None:
    """`--local` only calls this machine."""
    assert OPERATOR("--url", url, "keys", "list", "--local").code == code


def test_only_this_machine_gets_keys_from_the_local_stack(stack: Stack) -> None:
    """A request for a DNS-rebound name is refused, so that no web page gets keys from the local stack."""
    with httpx2.Client(base_url=stack.url, trust_env=False) as http:
        responses = {
            host: http.post(INVOKE, headers=SIGNED | {"host": host}, json=LIST).status_code
            for host in (
                "127.0.0.1:8787",
                "localhost",
                "[::1]:80",
                "evil.example.com",
                "127.0.0.1.example.com",
                "10.0.0.1",
            )
        }
    assert list(responses.values()) == [200, 200, 200, 403, 403, 403]
