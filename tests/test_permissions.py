"""Each function has exactly the permissions that it needs: real handlers over moto, with every AWS call recorded.

moto checks no permissions, so the test compares the template's statements with the calls themselves.
docs/permissions.md lists each function's permissions, for people; `python -m tests.test_permissions` writes it. The
test was seen to fail: it named a reaper that could also read, and a rollback that could also create data keys.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib
import json
import re
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.template import Template
from providers import bootstrap
from providers.adapters.clock import SystemClock
from providers.adapters.tables.attributes import marshal
from providers.adapters.tables.outbox import DynamoOutbox, event_item
from providers.bootstrap import Dependencies, Settings
from providers.model.errors import Unavailable
from providers.model.events import Event, EventType
from providers.model.vendor import Credential, Vendor
from providers.model.verdict import Verdict
from providers.usecases import data_keys
from providers.usecases.management_keys import mint_management_key
from providers_contract.secret import Secret
from providers_contract.vocabulary import Scope, Status
from providers_data_plane import Credentials
from providers_data_plane import Settings as DataPlaneSettings
from tests.kit.aws import REGION, refuse_large_events
from tests.kit.figures import Figure
from tests.kit.lambdas import Response, call
from tests.kit.memory.outbox import waiting
from tests.kit.operations import CHANGING, ROWS, Existing
from tests.test_template import of_type, translate

ORG = "org_a"
TABLES = {"main": "MainTable", "secrets": "SecretsTable"}
ALIAS = "alias/test"
BUS = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/123456789012/probes"
DATA_PLANE = "data plane"
CALLER = "caller of resolve_credential"
RESOLVER = "${ResolveCredentialFunction.Arn}:${!aws:PrincipalTag/providers-org}"
BY_LAMBDA = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
"""Actions that Lambda itself performs for a queue's function."""


@dataclass(frozen=True)
class Access:
    """One access: an action, its resource, and the values of conditions (partition key or purpose, attributes)."""

    action: str
    resource: str
    subject: str
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Grant:
    """One action that a statement allows. `subjects` are patterns for the value of the condition `name`.

    `attributes` are the only ones that a write may contain; None for any.
    """

    action: str
    resource: str
    subjects: tuple[str, ...]
    name: str = ""
    attributes: frozenset[str] | None = None

    def covers(self, access: Access) -> bool:
        """Return whether it allows `access`."""
        same = (self.action, self.resource) == (access.action, access.resource)
        if self.attributes is not None and not access.attributes <= self.attributes:
            return False
        return same and any(fnmatch.fnmatchcase(access.subject, pattern) for pattern in self.subjects)


CONDITIONS = {
    ("ForAllValues:StringLike", "dynamodb:LeadingKeys"),
    ("ForAllValues:StringEquals", "dynamodb:LeadingKeys"),
    ("StringEquals", "kms:EncryptionContext:purpose"),
    ("StringEquals", "events:source"),
}


def grants(statement: dict[str, Any]) -> Iterator[Grant]:
    """Yield a statement's grants; fail if the statement has another form than the template's, or no condition."""
    assert statement["Effect"] == "Allow"
    ((kind, where),) = statement["Resource"].items()
    resource = where[0] if kind == "Fn::GetAtt" else where
    assert "*" not in resource
    subjects, name = ["-"], ""
    conditions = dict(statement.get("Condition", {}))
    attributes = None
    if "dynamodb:Attributes" in conditions.get("ForAllValues:StringEquals", {}):
        ((_, named),) = conditions.pop("ForAllValues:StringEquals").items()
        attributes = frozenset(named)
        if "StringEquals" in conditions:
            assert conditions.pop("StringEquals") == {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}
            resource += "" if statement["Action"] == ["dynamodb:Scan"] else ": last use"
    if resource not in ("ProbeQueue", RESOLVER) and statement["Action"] != ["dynamodb:Scan"]:
        ((operator, condition),) = conditions.items()
        ((name, value),) = condition.items()
        assert (operator, name) in CONDITIONS
        subjects = [value] if isinstance(value, str) else value
    for action in statement["Action"]:
        assert "*" not in action
        yield Grant(action, resource, tuple(subjects), name, attributes)


def statements_of(document: dict[str, Any]) -> Iterator[Grant]:
    """Yield a policy document's grants."""
    for statement in document["Statement"]:
        yield from grants(statement)


def folder_of(function: dict[str, Any]) -> str:
    """Return the folder of a function of the template."""
    return str(function["CodeUri"].strip("/").rpartition("/")[2])


@functools.cache
def documents() -> dict[str, list[dict[str, Any]]]:
    """Return the policy documents of every function's translated role, by folder."""
    resources = translate()
    shared = of_type(resources, "AWS::IAM::ManagedPolicy")
    found = {
        DATA_PLANE: [shared["DataPlanePolicy"]["PolicyDocument"]],
        CALLER: [shared["ResolveCredentialPolicy"]["PolicyDocument"]],
    }
    for name, function in Template().of_type("AWS::Serverless::Function").items():
        role = resources[f"{name}Role"]["Properties"]
        basic, *others = role["ManagedPolicyArns"]
        assert basic.endswith("/AWSLambdaBasicExecutionRole")
        folder = folder_of(function)
        found[folder] = [policy["PolicyDocument"] for policy in role.get("Policies", [])]
        found[folder] += [shared[other["Ref"]]["PolicyDocument"] for other in others]
    return found


@functools.cache
def granted() -> dict[str, set[Grant]]:
    """Return every function's grants, by folder."""
    return {
        name: {grant for each in policies for grant in statements_of(each)} for name, policies in documents().items()
    }


DOCUMENT = Path(__file__).parent.parent / "docs" / "permissions.md"
INTRODUCTION = """# The permissions of each function

Generated by `python -m tests.test_permissions` from the roles that SAM creates from `template.yaml`. A test compares
this page with the roles, and the grants with the functions' real calls, in both directions, so a change that extends a
role shows here in its review. Every statement except those for the queue and the function has a condition, shown in the
third column: partition keys for DynamoDB, the purpose in the encryption context for KMS. Each role can also write its
logs (`AWSLambdaBasicExecutionRole`).

| function | resource | condition | actions |
| --- | --- | --- | --- |
"""


def document() -> str:
    """Return the expected docs/permissions.md."""
    rows: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for function, allowed in granted().items():
        for grant in allowed:
            resource = grant.resource.replace("${MainTable.Arn}/index/", "MainTable, ").rpartition(":event-bus/")[2]
            for subject in grant.subjects:
                where = f"`{grant.name}` = `{subject}`" if grant.name else "(no condition)"
                if grant.attributes is not None:
                    where += f", attributes {', '.join(f'`{each}`' for each in sorted(grant.attributes))} alone"
                rows[function, resource, where].add(grant.action)
    lines = []
    for (function, resource, where), actions in sorted(rows.items()):
        lines.append(f"| {function} | {resource} | {where} | {', '.join(sorted(actions))} |\n")
    return INTRODUCTION + "".join(lines)


def accesses(operation: str, arguments: dict[str, Any]) -> Iterator[Access]:
    """Return the permissions that a call to AWS requires."""
    if operation == "TransactWriteItems":
        for action in arguments["TransactItems"]:
            ((kind, item),) = action.items()
            name = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
            yield from accesses(name, item)
    elif operation == "BatchGetItem":
        for table, wanted in arguments["RequestItems"].items():
            for key in wanted["Keys"]:
                yield Access("dynamodb:BatchGetItem", TABLES[table], key["PK"]["S"])
    elif operation == "BatchWriteItem":
        for table, requests in arguments["RequestItems"].items():
            for request in requests:
                yield Access("dynamodb:BatchWriteItem", TABLES[table], request["DeleteRequest"]["Key"]["PK"]["S"])
    elif operation == "PutEvents":
        for entry in arguments["Entries"]:
            yield Access("events:PutEvents", BUS, entry["Source"])
    elif operation in ("SendMessage", "SendMessageBatch"):
        yield Access("sqs:SendMessage", "ProbeQueue", "-")
    elif operation == "Scan":  # has no partition key
        assert arguments["Select"] == "SPECIFIC_ATTRIBUTES"
        yield Access("dynamodb:Scan", TABLES[arguments["TableName"]], "-", attributes_of(arguments))
    elif "EncryptionContext" in arguments:
        yield Access(f"kms:{operation}", "CredentialsKey", arguments["EncryptionContext"]["purpose"])
    else:
        index = f"/index/{arguments['IndexName']}" if "IndexName" in arguments else None
        table = TABLES[arguments["TableName"]]
        values = arguments.get("ExpressionAttributeValues", {})
        key = arguments.get("Key") or arguments.get("Item") or {"PK": values.get(":pk") or values.get(":due")}
        resource = f"${{{table}.Arn}}{index}" if index else table
        if arguments.get("ProjectionExpression") == "SK, last_used_at":
            resource += ": last use"
        yield Access(f"dynamodb:{operation}", resource, key["PK"]["S"], attributes_of(arguments))


_EXPRESSIONS = (
    "KeyConditionExpression",
    "UpdateExpression",
    "ConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)
_WORDS = {"SET", "ADD", "REMOVE", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"}


def attributes_of(arguments: dict[str, Any]) -> frozenset[str]:
    """Return the attributes in a call, which are the values of `dynamodb:Attributes`."""
    found = {*arguments.get("Key", {}), *arguments.get("Item", {})}
    aliases = arguments.get("ExpressionAttributeNames", {})
    for expression in _EXPRESSIONS:
        words = re.findall(r"(?<![:\w])#?\w+(?!\w*\()", arguments.get(expression, ""))
        found |= {aliases.get(word, word) for word in words} - _WORDS
    return frozenset(found)


class Watched(Dependencies):
    """The real ports over moto, whose vendors accept every credential; records each AWS call."""

    def __init__(self, settings: Settings, noted: set[Access]) -> None:
        super().__init__(settings)
        self._noted = noted

    def verify(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        return Verdict()

    async def probe(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        return Verdict(latency_ms=10)

    def client(self, service: str) -> Any:
        client = super().client(service)

        def note(params: dict[str, Any], model: Any, **_: Any) -> None:
            self._noted.update(accesses(model.name, params))

        client.meta.events.register("provide-client-params.*.*", note)
        if service == "events":
            refuse_large_events(client)
        return client


class Broken(Watched):
    """Ports that fail as soon as a use case begins."""

    @property
    def providers(self) -> Any:
        raise Unavailable("dependency_unavailable", "broken for a test")

    routing = providers


class ClockAhead(SystemClock):
    """A clock ahead of the machine's."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead


def settings(grace_s: int = 3600) -> Settings:
    """Return an environment like a deployed one."""
    return Settings("main", "secrets", ALIAS, grace_s=grace_s, queue_url=QUEUE)


@dataclass
class Watch:
    """Calls functions, each as if in a separate process, and records each one's accesses."""

    done: dict[str, set[Access]] = field(default_factory=lambda: defaultdict(set))

    def ports(self, function: str, grace_s: int = 3600) -> Watched:
        """Return ports without cached data."""
        return Watched(settings(grace_s), self.done[function])

    def call(self, function: str, *, grace_s: int = 3600, later: timedelta = timedelta(0), **given: Any) -> Response:
        """Return a function's response, which must be a success; a change also fails once, and is sent twice."""
        if function in CHANGING:
            headers = {"Idempotency-Key": str(uuid.uuid4())}
            bootstrap.install(Broken(settings(), self.done[function]))
            assert call(function, org=ORG, headers=headers, **given).status == 503
            self._call(function, self.ports(function, grace_s), headers=headers, **given)
            again = self._call(function, self.ports(function), headers=headers, **given)
            assert again.headers["Idempotency-Replayed"] == "true"
            return again
        ports = self.ports(function, grace_s)
        ports.clock = ClockAhead(later)
        return self._call(function, ports, **given)

    def _call(self, function: str, ports: Watched, **given: Any) -> Response:
        bootstrap.install(ports)
        response = call(function, org=ORG, **given)
        assert response.status < 300, response.text
        return response

    def run(self, function: str, event: dict[str, Any]) -> Any:
        """Return the result of a function that is not an endpoint."""
        ports = self.ports(function)
        bootstrap.install(ports)
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
        response = importlib.import_module(f"functions.{function}.app").handler(event, context)
        ports.close()
        return response


def provider(number: int) -> dict[str, str]:
    """Return a provider to add."""
    return {"vendor": "openai", "name": f"Provider {number}", "api_key": f"sk-proj-FAKE-valid-EXAMPLE-{number:06d}"}


def live(watch: Watch) -> None:
    """Make every function use all of its permissions."""
    setup = Dependencies(settings())
    for table, name in TABLES.items():
        setup.dynamodb.create_table(**(Template().tables[name] | {"TableName": table}))
    key_id = setup.kms.create_key()["KeyMetadata"]["KeyId"]
    setup.kms.create_alias(AliasName=ALIAS, TargetKeyId=key_id)
    setup.digests.create()
    boto3.client("sqs").create_queue(QueueName="probes")
    _, secret = mint_management_key(setup, ORG, "test", tuple(Scope), token=Secret("mlx_mk_01test_" + "0" * 64))
    token = secret.reveal()
    request = {"type": "REQUEST", "methodArn": "arn:test", "headers": {"Authorization": f"Bearer {token}"}}
    assert watch.run("authorize", request)["policyDocument"]["Statement"][0]["Effect"] == "Allow"

    first, second = (watch.call("add_provider", body=provider(number)).data["id"] for number in (1, 2))
    cursor = watch.call("list_providers", query={"limit": "1"}).body["next_cursor"]
    watch.call("list_providers", query={"cursor": cursor})
    watch.call("get_provider", path={"provider_id": first})
    stored = setup.providers.get(ORG, first)
    assert stored is not None
    setup.providers.change(stored, replace(stored, status=Status.PENDING, revision=2))
    sweep(watch, first)
    watch.call("get_provider_health", path={"provider_id": first})

    def update(grace_s: int = 3600, **body: str) -> None:
        watch.call("update_provider", path={"provider_id": first}, body=body, grace_s=grace_s)

    update(name="Renamed")
    update(api_key=provider(3)["api_key"])
    read_as_data_plane(watch, first, second)
    watch.call("list_versions", path={"provider_id": first}, later=timedelta(minutes=30))
    for minute in (0, 11):  # destroys versions, then announces them
        watch.run("reap_versions", {"time": f"2999-01-01T00:{minute:02}:00Z"})
    update(api_key=provider(4)["api_key"])
    number = str(setup.providers.get(ORG, first).active.number - 1)  # type: ignore[union-attr]
    watch.call("destroy_version", path={"provider_id": first, "number": number})
    update(api_key=provider(8)["api_key"])
    for grace_s in (3600, 0):
        watch.call("rollback_provider", path={"provider_id": first}, body={}, grace_s=grace_s)
    cursor = watch.call("list_audit", query={"limit": "1"}).body["next_cursor"]
    watch.call("list_audit", query={"cursor": cursor})
    data_key = {"PK": {"S": f"ORG#{ORG}"}, "SK": {"S": "KEY#00000001"}}
    setup.dynamodb.delete_item(TableName="secrets", Key=data_key)
    # The lost data key is created again; without a grace window the replaced version expires at once.
    update(api_key=provider(4)["api_key"], grace_s=0)

    upload(watch, {"vendor": "openai", "name": "Provider 5"}, provider(5)["api_key"])
    upload(watch, {"provider_id": second}, provider(6)["api_key"])
    setup.dynamodb.delete_item(TableName="secrets", Key=data_key)
    upload(watch, {"provider_id": second}, provider(7)["api_key"], grace_s=0)

    for attempts in ([first, second], [second]):
        body = {"strategy": "fallback", "attempts": [{"provider_id": each, "model": "gpt-5"} for each in attempts]}
        for slug in ("@production", "@test"):
            watch.call("put_routing_config", path={"slug": slug}, body=body)
    watch.call("get_routing_config", path={"slug": "@test"})
    cursor = watch.call("list_routing_configs", query={"limit": "1"}).body["next_cursor"]
    watch.call("list_routing_configs", query={"cursor": cursor})
    existing = Existing(first, str(setup.providers.get(ORG, first).active.number), "@test")  # type: ignore[union-attr]
    for name in ROWS.keys() - watch.done.keys() - {"delete_routing_config", "delete_provider"}:
        watch.call(name, **ROWS[name].request(existing))
    for slug in ("@production", "@test"):
        watch.call("delete_routing_config", path={"slug": slug})
    watch.call("delete_provider", path={"provider_id": first})
    operate(watch, setup)


def read_as_data_plane(watch: Watch, first: str, second: str) -> None:
    """Read a credential with the package and report it as refused; read another one with the function."""
    named = DataPlaneSettings("main", "secrets", ALIAS, 3600, org=ORG, queue_url=QUEUE)
    credentials = Credentials(named, client=watch.ports("data plane").client)
    with credentials.use("Renamed") as found:
        assert (found.provider_id, found.api_key) == (first, provider(3)["api_key"])
        assert found.report(401)
    credentials.close()
    for reference in (second, "Provider 2"):
        watch.done[CALLER].add(Access("lambda:InvokeFunction", RESOLVER, "-"))
        response = watch.run("resolve_credential", {"org": ORG, "provider": reference})
        assert response["data"]["secret"] == provider(2)["api_key"]


def upload(watch: Watch, wanted: dict[str, str], api_key: str, grace_s: int = 3600) -> None:
    """Create, show and use a link."""
    url = watch.call("create_upload", body=wanted).data["url"]
    path = {"token": url.rpartition("/")[2]}
    watch.call("show_upload", path=path)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    watch.call("use_upload", path=path, body=f"api_key={api_key}", headers=headers, grace_s=grace_s)


def operate(watch: Watch, setup: Dependencies) -> None:
    """Run every operator command; the stack's digest key is removed before, so that the first key creates it."""
    setup.dynamodb.delete_item(TableName="main", Key={"PK": {"S": "STACK"}, "SK": {"S": "KEY#00000001"}})

    def run(action: str, **arguments: str) -> Any:
        response = watch.run("operate", {"action": action, "arguments": arguments})
        assert "data" in response, response
        return response["data"]

    made = run("keys.create", org=ORG, name="test")
    assert made["id"] in {key["id"] for key in run("keys.list", org=ORG)}
    run("keys.revoke", id=made["id"])
    assert run("data_keys.rotate", org=ORG)["versions"] > 0
    run("data_keys.reseal", org=ORG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_keys, "SETTLED_AFTER", timedelta(0))
        setup.cipher.add_data_key("org_b")
        run("data_keys.rotate", org="org_b")
        oldest = run("data_keys.list", org="org_b")[-1]["id"]
        assert run("data_keys.destroy", org="org_b", id=oldest)["destroyed"]
    run("webhook.test")


def sweep(watch: Watch, provider_id: str) -> None:
    """Run one minute's sweep after a crash, with an unpublished event and one that EventBridge rejects."""
    outbox = DynamoOutbox(boto3.client("dynamodb"), "main")
    for number, name in (("01", "Prod"), ("02", "too large " * 30_000)):
        at = datetime.now(UTC) - timedelta(minutes=1)
        event = Event(number, EventType.CREATED, at, ORG, provider_id, {"name": name})
        boto3.client("dynamodb").put_item(TableName="main", Item=marshal(event_item(event)))
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:00+00:00}"
    watch.run("dispatch_probes", {"time": now})
    assert not waiting(outbox)
    body = json.dumps({"minute": now, "providers": [[ORG, provider_id]]})
    assert watch.run("run_probes", {"Records": [{"messageId": "1", "body": body}]}) == {"batchItemFailures": []}


@pytest.fixture(scope="module")
def done() -> Iterator[dict[str, set[Access]]]:
    """Return each function's accesses."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        watch = Watch()
        try:
            live(watch)
        finally:
            bootstrap.install(None)
        yield watch.done


# Without the roles, which SAM takes a second to create wherever this file is collected.
FUNCTIONS = sorted([DATA_PLANE, CALLER, *map(folder_of, Template().of_type("AWS::Serverless::Function").values())])


def test_the_functions_are_those_with_roles() -> None:
    """No role is left out of the tests below."""
    assert sorted(granted()) == FUNCTIONS


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_allows_every_call_of_its_function(done: dict[str, set[Access]], function: str) -> None:
    """Every call that a function makes is allowed by its role."""
    refused = [each for each in done[function] if not any(grant.covers(each) for grant in granted()[function])]
    assert not refused


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_allows_no_other_call(done: dict[str, set[Access]], function: str) -> None:
    """Every permission of a role is used."""
    needed = [grant for grant in granted()[function] if grant.action not in BY_LAMBDA]
    unused = [grant for grant in needed if not any(grant.covers(each) for each in done[function])]
    assert not unused


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_allows_no_other_attribute(done: dict[str, set[Access]], function: str) -> None:
    """A statement that lists attributes lists only used ones."""
    for grant in granted()[function]:
        if grant.attributes is not None:
            used: set[str] = set()
            used.update(*(each.attributes for each in done[function] if grant.covers(each)))
            assert used == grant.attributes


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_write_of_several_items_needs_one_statement(function: str) -> None:
    """One statement has all prefixes of a write action, in case AWS evaluates the keys of a transaction together."""
    writes = [
        (action, str(statement["Resource"]))
        for policy in documents()[function]
        for statement in policy["Statement"]
        for action in statement["Action"]
        if action in ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
    ]
    assert len(writes) == len(set(writes))


@pytest.mark.parametrize(
    "function", ["put_routing_config", "delete_routing_config", "data plane", "resolve_credential"]
)
@pytest.mark.parametrize("attribute", ["vendor", "versions", "active", "ciphertext", "data_key_id", "nonce"])
def test_functions_that_only_reference_providers_cannot_redirect_a_key(function: str, attribute: str) -> None:
    """Functions that only reference providers cannot write vendor, base_url, sealed credentials or data keys."""
    written = frozenset({"PK", "SK", attribute})
    for table, key in (("MainTable", "ORG#org_a"), ("SecretsTable", "ORG#org_a"), ("SecretsTable", "ORG#org_a#PROV#p")):
        for action in ("dynamodb:PutItem", "dynamodb:UpdateItem"):
            probe = Access(action, table, key, written)
            assert not [grant for grant in granted()[function] if grant.covers(probe)]


def test_docs_permissions_equals_the_template(figure: Figure) -> None:
    """docs/permissions.md is current; `python -m tests.test_permissions` writes it."""
    assert DOCUMENT.read_text() == document()
    figure("IAM", "function × permission grants", sum(len(grants) for grants in granted().values()))


KMS_USERS = {
    ("kms:Decrypt", "organization-data-key"): {
        "data plane",
        "add_provider",
        "update_provider",
        "rollback_provider",
        "operate",
        "resolve_credential",
        "run_probes",
        "use_upload",
    },
    ("kms:GenerateDataKeyWithoutPlaintext", "organization-data-key"): {
        "add_provider",
        "operate",
        "update_provider",
        "use_upload",
    },
}


@pytest.mark.parametrize(("action", "purpose"), KMS_USERS)
def test_only_named_functions_unwrap_the_keys_of_credentials(action: str, purpose: str) -> None:
    """Only the listed functions can unwrap data keys, and so read credentials."""
    probe = Access(action, "CredentialsKey", purpose)
    able = {name for name, allowed in granted().items() if any(grant.covers(probe) for grant in allowed)}
    assert able == KMS_USERS[action, purpose]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_use_of_the_kms_key_names_its_purpose(function: str) -> None:
    """Every use of the KMS key is bound to an encryption context."""
    for grant in granted()[function]:
        if grant.resource == "CredentialsKey":
            assert grant.name == "kms:EncryptionContext:purpose"
            assert set(grant.subjects) <= {"organization-data-key", "stack-digest-key"}


@pytest.mark.parametrize("action", ["DeleteItem", "UpdateItem"])
def test_no_function_can_change_the_audit_trail(action: str) -> None:
    """Functions can only add audit entries; only DynamoDB's TTL removes them."""
    probe = Access(f"dynamodb:{action}", "MainTable", "AUDIT#org_a")
    assert [name for name, allowed in granted().items() if any(grant.covers(probe) for grant in allowed)] == []


def test_the_reaper_cannot_read_what_it_destroys() -> None:
    """The reaper deletes rows by key and cannot decrypt them."""
    secrets = {grant.action for grant in granted()["reap_versions"] if grant.resource == "SecretsTable"}
    assert secrets == {"dynamodb:DeleteItem"}
    assert not any(grant.action.startswith("kms:") for grant in granted()["reap_versions"])


def test_the_mcp_function_has_no_permissions() -> None:
    """The MCP function has no permissions; it calls the API with its caller's key."""
    assert granted()["mcp"] == set()


def test_only_named_functions_read_management_keys() -> None:
    """Only the authorizer, the upload pages and the operator function read management keys."""
    probe = Access("dynamodb:GetItem", "MainTable", "MK#01")
    readers = {name for name, allowed in granted().items() if any(grant.covers(probe) for grant in allowed)}
    assert readers == {"authorize", "operate", "show_upload", "use_upload"}


if __name__ == "__main__":
    DOCUMENT.write_text(document())
