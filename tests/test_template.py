"""Properties of the stack that must not change, checked in the template and in its SAM translation."""

from __future__ import annotations

import functools
import json
import math
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from local.template import TEMPLATE as PATH
from local.template import Template
from providers.bootstrap import Dependencies, Settings
from providers.edge.background import CONCURRENCY, MARGIN_S
from providers.model.idempotency import LEASE
from providers.model.policy import PROBE_DEADLINE_S, Policy
from providers.usecases.probe import STALE_AFTER
from providers.usecases.probe_batch import BATCH
from providers_contract.operations import OPERATIONS

ROOT = Path(__file__).parent.parent
TEMPLATE = Template()
FUNCTIONS = TEMPLATE.of_type("AWS::Serverless::Function")
RESPONSES = TEMPLATE.gateway_responses
OPEN = {"get_console", "get_openapi", "mcp", "show_upload", "use_upload"}
"""Functions that no authorizer stands before: why is in docs/decisions."""
STATUSES = {  # the table of the API's contract: type → status of what API Gateway can answer by itself
    "invalid_request_error": {400, 413, 415},
    "authentication_error": {401},
    "permission_error": {403},
    "not_found": {404},
    "rate_limit_error": {429},
    "api_error": {500, 503},
}


@pytest.fixture(scope="module")
def translated() -> dict[str, dict[str, Any]]:
    """Return the resources that CloudFormation receives."""
    return translate()


@functools.cache
def translate() -> dict[str, dict[str, Any]]:
    """Return SAM's translation, with the code location that a deployment would set."""
    content = yaml_parse(PATH.read_text())
    for resource in content["Resources"].values():
        for name in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][name] = "s3://bucket/key"

    class NoManagedPolicies:
        def load(self) -> dict[str, str]:
            return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        found: dict[str, dict[str, Any]] = transform(content, {}, NoManagedPolicies())["Resources"]
    return found


def of_type(resources: dict[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the translated resources of one type."""
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def folder(function: str) -> str:
    """Return `add_provider` for `AddProviderFunction`."""
    return Path(FUNCTIONS[function]["CodeUri"]).name


def test_every_folder_of_functions_is_a_function_of_the_template() -> None:
    """Every folder has a function in the template, and every function has a folder."""
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert folders == {folder(name) for name in FUNCTIONS}


def test_a_functions_logical_id_says_its_folder() -> None:
    """A function's logical id leads to its folder."""
    for name in FUNCTIONS:
        assert name == "".join(word.title() for word in folder(name).split("_")) + "Function"


@pytest.mark.parametrize("function", sorted({route.function for route in TEMPLATE.routes}), ids=folder)
def test_every_endpoint_has_an_event_to_invoke_it_with(function: str) -> None:
    """Every endpoint has an event for one of its routes, for `sam local invoke`."""
    event = json.loads((ROOT / "events" / f"{folder(function)}.json").read_text())
    wanted = (function, event["httpMethod"], event["resource"])
    (route,) = (each for each in TEMPLATE.routes if (each.function, each.method, each.resource) == wanted)
    assert (event["pathParameters"] or {}) == route.match(event["path"])
    assert event["requestContext"]["resourcePath"] == route.resource
    known = event["requestContext"].get("authorizer", {}).keys()
    assert ({"org", "key_id", "scopes"} <= known) == (route.function not in TEMPLATE.open_routes)
    assert event["headers"] == {name: values[-1] for name, values in event["multiValueHeaders"].items()}


def test_no_event_holds_a_key_that_could_be_real() -> None:
    """The public events contain no real-looking key."""
    for path in (ROOT / "events").glob("*.json"):
        for key in re.findall(r"(?:sk-|mlx_mk_)[\w-]+", path.read_text()):
            assert "fake" in key.lower()


def test_every_request_asks_the_authorizer(translated: dict[str, dict[str, Any]]) -> None:
    """A cached answer would let a revoked key live on; with an identity source, a request without a key skips it.

    The few that ask nobody are listed here, so that none joins them unseen.
    """
    (api,) = of_type(translated, "AWS::ApiGateway::RestApi").values()
    (scheme,) = api["Body"]["components"]["securitySchemes"].values()
    authorizer = scheme["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "request"
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert "identitySource" not in authorizer
    operations = {
        ("ANY" if method == "x-amazon-apigateway-any-method" else method.upper(), path): operation["security"]
        for path, methods in api["Body"]["paths"].items()
        for method, operation in methods.items()
    }
    assert len(operations) == len(TEMPLATE.routes)
    for route in TEMPLATE.routes:
        wanted = "NONE" if folder(route.function) in OPEN else "ManagementKey"
        assert operations[route.method, route.resource] == [{wanted: []}]


def test_api_gateway_makes_no_answer_of_a_shape_of_its_own() -> None:
    """Every gateway response type is defined."""
    model: Any = botocore.session.get_session().get_service_model("apigateway")
    assert set(RESPONSES) == set(model.shape_for("GatewayResponseType").enum)


@pytest.mark.parametrize("kind", sorted(RESPONSES))
def test_a_gateway_response_has_the_errors_shape(kind: str) -> None:
    """Gateway responses are JSON in the API's error format."""
    known = {"requestId": "r-1", "authorizer.code": "invalid_api_key", "authorizer.message": "no such key"}
    status, _, body = RESPONSES[kind].render(known)
    (error,) = json.loads(body).values()
    assert list(error) == ["type", "code", "message", "resource", "id", "param", "request_id"]
    assert error["request_id"] == "r-1"
    assert status in STATUSES[error["type"]]
    assert all(error[name] for name in ("code", "message"))
    assert [error[name] for name in ("resource", "id", "param")] == [None, None, None]


@pytest.mark.parametrize("kind", sorted(RESPONSES))
def test_a_gateway_response_repeats_nothing_of_the_request(kind: str) -> None:
    """Gateway responses do not use `$context.error.message`, which can quote the Authorization header."""
    variables = set(re.findall(r"\$context\.([\w.]+)", RESPONSES[kind].body))
    assert variables <= {"requestId", "authorizer.code", "authorizer.message"}


def test_who_may_try_again_is_told_when() -> None:
    """429 and 503 have a Retry-After header."""
    for response in RESPONSES.values():
        assert ("Retry-After" in response.headers) == (response.status in (429, 503))


def test_the_access_log_names_its_fields_and_no_secret_place(translated: dict[str, dict[str, Any]]) -> None:
    """The access log contains no headers, query strings or paths, which can contain secrets."""
    (stage,) = of_type(translated, "AWS::ApiGateway::Stage").values()
    fields = json.loads(stage["AccessLogSetting"]["Format"])
    assert not [value for value in fields.values() if not re.fullmatch(r"\$context\.[\w.]+", value)]
    assert not re.search(r"header|query|\.path\b|error\.message|body", json.dumps(fields), re.IGNORECASE)
    assert [value for value in fields.values() if "path" in value.lower()] == ["$context.resourcePath"]
    for each in stage["MethodSettings"]:
        assert (each["DataTraceEnabled"], each["LoggingLevel"]) == (False, "OFF")


def test_every_route_without_a_key_has_a_throttle_of_its_own(translated: dict[str, dict[str, Any]]) -> None:
    """Exactly the routes without a key have their own throttle, so that anonymous floods affect no one else."""
    (stage,) = of_type(translated, "AWS::ApiGateway::Stage").values()
    everybody, *own = stage["MethodSettings"]
    assert (everybody["ResourcePath"], everybody["HttpMethod"]) == ("/*", "*")
    assert everybody["ThrottlingRateLimit"] == {"Ref": "ThrottlingRateLimit"}
    for each in own:
        assert each["ThrottlingRateLimit"] == {"Ref": "AnonymousThrottlingRateLimit"}
        assert each["ThrottlingBurstLimit"] == {"Ref": "AnonymousThrottlingBurstLimit"}
    routes = sorted((each["ResourcePath"][1:].replace("~1", "/"), each["HttpMethod"]) for each in own)
    open_routes = [each for each in TEMPLATE.routes if each.function in TEMPLATE.open_routes]
    assert routes == sorted((each.resource, each.method) for each in open_routes)


def test_every_log_ends_some_day(translated: dict[str, dict[str, Any]]) -> None:
    """Every log group has a retention period."""
    groups = of_type(translated, "AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    for function in of_type(translated, "AWS::Lambda::Function").values():
        _, *used = function["LoggingConfig"]["LogGroup"]["Fn::If"]
        assert {each["Ref"] for each in used} <= groups.keys()


@pytest.mark.parametrize("table", ["MainTable", "SecretsTable"])
def test_a_table_is_encrypted_restorable_and_hard_to_lose(translated: dict[str, dict[str, Any]], table: str) -> None:
    """Tables are encrypted, backed up and protected from deletion."""
    resource = translated[table]
    properties = resource["Properties"]
    assert properties["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": ["CredentialsKey", "Arn"]}
    assert properties["SSESpecification"]["SSEType"] == "KMS"
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert {key["AttributeName"]: key["KeyType"] for key in properties["KeySchema"]} == {"PK": "HASH", "SK": "RANGE"}


def test_the_kms_key_rotates_and_outlives_the_stack(translated: dict[str, dict[str, Any]]) -> None:
    """The KMS key rotates and is retained when the stack is deleted."""
    key = translated["CredentialsKey"]
    assert key["Properties"]["EnableKeyRotation"] is True
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_a_failed_first_deployment_leaves_nothing(translated: dict[str, dict[str, Any]]) -> None:
    """No resource is retained when its creation is rolled back, so a failed first deployment can be repeated."""
    assert [name for name, each in translated.items() if each.get("DeletionPolicy") == "Retain"] == []


def test_a_layer_version_outlives_the_next(translated: dict[str, dict[str, Any]]) -> None:
    """An update keeps the layer versions that data planes reference; each stack has a layer of its own name."""
    (layer,) = (each for each in translated.values() if each["Type"] == "AWS::Lambda::LayerVersion")
    assert layer["DeletionPolicy"] == "RetainExceptOnCreate"
    assert layer["Properties"]["LayerName"] == {"Fn::Sub": "${AWS::StackName}-shared"}


def changing() -> dict[str, dict[str, Any]]:
    """Return the functions that store a response with their change."""
    return {name: each for name, each in FUNCTIONS.items() if {"Ref": "MutationPolicy"} in each.get("Policies", [])}


def test_what_changes_something_can_be_sent_twice() -> None:
    """Every endpoint that changes something with a key supports Idempotency-Key, and no other can."""
    assert set(changing()) == {
        route.function
        for route in TEMPLATE.routes
        for operation in [OPERATIONS.get(folder(route.function))]
        if operation is not None and operation.changes
    }


@pytest.mark.parametrize("function", changing())
def test_a_function_ends_before_its_lease(function: str) -> None:
    """A function times out before its lease expires, so that two never run for one key."""
    default = TEMPLATE.content["Globals"]["Function"]["Timeout"]
    assert FUNCTIONS[function].get("Timeout", default) < LEASE.total_seconds()


@pytest.mark.parametrize("function", TEMPLATE.scheduled)
def test_what_runs_each_minute_ends_within_it(function: str) -> None:
    """Scheduled functions end within their minute, so that two never run at once."""
    assert FUNCTIONS[function]["Timeout"] < 60
    (event,) = FUNCTIONS[function]["Events"].values()
    assert event["Properties"]["ScheduleExpression"] == "rate(1 minute)"


def test_a_late_run_is_dropped(translated: dict[str, dict[str, Any]]) -> None:
    """Neither Scheduler nor Lambda keeps a run for longer than a minute, so that runs do not pile up in an outage."""
    schedules = of_type(translated, "AWS::Scheduler::Schedule").values()
    limits = of_type(translated, "AWS::Lambda::EventInvokeConfig").values()
    assert len(schedules) == len(limits) == len(TEMPLATE.scheduled)
    assert {each["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] for each in schedules} == {60}
    assert {(each["MaximumEventAgeInSeconds"], each["MaximumRetryAttempts"]) for each in limits} == {(60, 0)}


NAMES = {"Name", "AlarmName", "AliasName", "DashboardName", "FunctionName", "LayerName", "LogGroupName", "QueueName"}


def test_two_stacks_do_not_collide(translated: dict[str, dict[str, Any]]) -> None:
    """No resource has a fixed name, so that an account and region can have several stacks."""
    fixed = {
        name: value
        for name, each in translated.items()
        for key, value in each["Properties"].items()
        if key in NAMES and isinstance(value, str)
    }
    assert fixed == {}


def test_a_worker_has_the_time_for_all_that_it_is_handed() -> None:
    """A worker can finish its messages even with the slowest vendors before they are redelivered."""
    (source,) = TEMPLATE.of_type("AWS::Lambda::EventSourceMapping").values()
    queue = TEMPLATE.of_type("AWS::SQS::Queue")[source["EventSourceArn"]["Fn::GetAtt"].partition(".")[0]]
    timeout = FUNCTIONS[source["FunctionName"]["Ref"]]["Timeout"]
    rounds = math.ceil(source["BatchSize"] * BATCH / CONCURRENCY)
    assert rounds * PROBE_DEADLINE_S <= timeout - MARGIN_S
    assert timeout < queue["VisibilityTimeout"] < STALE_AFTER.total_seconds()
    assert queue["MessageRetentionPeriod"] > queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]


def test_a_deployment_asks_for_nothing() -> None:
    """Parameters have defaults and are not hidden: `sam deploy --guided` takes no empty answer for a NoEcho one."""
    for path in ("template.yaml", "notifications/template.yaml"):
        for each in Template(ROOT / path).content["Parameters"].values():
            assert "Default" in each
            assert "NoEcho" not in each


def test_a_new_account_can_run_the_stack() -> None:
    """The defaults fit an account that may have only 10 concurrent executions: none reserved, and two workers."""
    parameters = TEMPLATE.content["Parameters"]
    assert (parameters["AuthorizerConcurrency"]["Default"], parameters["ProbeConcurrency"]["Default"]) == (0, 2)
    without = {"Fn::Equals": [{"Ref": "AuthorizerConcurrency"}, 0]}
    assert TEMPLATE.content["Conditions"]["ReservesConcurrency"] == {"Fn::Not": [without]}
    reserving = {name for name, each in FUNCTIONS.items() if "ReservedConcurrentExecutions" in each}
    assert reserving == {"AuthorizeFunction"}
    reserved = FUNCTIONS["AuthorizeFunction"]["ReservedConcurrentExecutions"]["Fn::If"]
    assert reserved == ["ReservesConcurrency", {"Ref": "AuthorizerConcurrency"}, {"Ref": "AWS::NoValue"}]


def test_the_two_forms_of_a_log_group_never_exist_together() -> None:
    """Of the log groups, either those that are deleted with the stack exist or those that are retained."""
    groups = {
        name: each for name, each in TEMPLATE.content["Resources"].items() if each["Type"] == "AWS::Logs::LogGroup"
    }
    retained = {name for name, each in groups.items() if each.get("DeletionPolicy") == "RetainExceptOnCreate"}
    assert {each["Condition"] for name, each in groups.items() if name in retained} == {"RetainsLogs"}
    assert {each["Condition"] for name, each in groups.items() if name not in retained} == {"DeletesLogs"}
    assert TEMPLATE.content["Conditions"]["DeletesLogs"] == {"Fn::Not": [{"Condition": "RetainsLogs"}]}
    assert not any("LogGroupName" in groups[name]["Properties"] for name in retained)


def test_a_domain_and_a_firewall_are_in_front_of_the_stage(translated: dict[str, dict[str, Any]]) -> None:
    """The domain's root is the stage, so that paths stay the same, and the firewall protects that stage."""
    (stage,) = (name for name, each in translated.items() if each["Type"] == "AWS::ApiGateway::Stage")
    mapping = translated["DomainMapping"]["Properties"]
    assert (mapping["Stage"], "BasePath" in mapping) == ({"Ref": stage}, False)
    protected = translated["Firewall"]["Properties"]["ResourceArn"]["Fn::Sub"]
    assert protected.endswith(f"/restapis/${{ProvidersApi}}/stages/${{{stage}}}")
    conditions = {
        name: translated[name]["Condition"] for name in ("Domain", "DomainMapping", "DomainRecord", "Firewall")
    }
    assert conditions == {
        "Domain": "HasDomain",
        "DomainMapping": "HasDomain",
        "DomainRecord": "HasHostedZone",
        "Firewall": "HasWebAcl",
    }


def test_the_sweep_and_the_reaper_run_each_minute() -> None:
    """The sweep and the reaper run every minute, so that replaced credentials do not wait for DynamoDB's TTL."""
    assert {folder(name) for name in TEMPLATE.scheduled} == {"dispatch_probes", "reap_versions"}


def test_the_templates_defaults_are_the_codes() -> None:
    """The template's defaults equal the code's."""
    settings = Settings.from_environment(TEMPLATE.environment())
    assert Dependencies(settings).policy == Policy()


def test_a_data_plane_is_told_all_that_it_needs() -> None:
    """Outputs and docs name every setting that a data plane needs, including the allowed hosts."""
    needed = {
        "MAIN_TABLE": "MainTable",
        "SECRETS_TABLE": "SecretsTable",
        "KMS_KEY_ID": "CredentialsKey",
        "GRACE_SECONDS": "GraceSeconds",
        "QUEUE_URL": "ProbeQueue",
        "ALLOWED_BASE_URL_HOSTS": "AllowedBaseUrlHosts",
    }
    outputs = yaml_parse(PATH.read_text())["Outputs"]
    told = {str(output["Value"].get("Ref")) for output in outputs.values() if isinstance(output["Value"], dict)}
    assert set(needed.values()) <= told
    assert set(needed) <= set(re.findall(r"[A-Z_]+", (ROOT / "docs" / "data-plane.md").read_text()))


def test_nobody_but_dynamodb_uses_the_kms_key_without_an_iam_policy(translated: dict[str, dict[str, Any]]) -> None:
    """The key policy leaves all use except DynamoDB's to IAM, with its encryption contexts."""
    administration, tables = translated["CredentialsKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert administration["Principal"]["AWS"] == {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    assert set(tables["Condition"]["StringEquals"]) == {"kms:CallerAccount", "kms:ViaService"}
    assert tables["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Sub"].startswith("dynamodb.")


def test_only_sam_local_leads_elsewhere_and_it_names_declared_variables() -> None:
    """Only `sam local` sets endpoint variables, and all of them are declared in the template."""
    declared = TEMPLATE.content["Globals"]["Function"]["Environment"]["Variables"]
    assert {name: value for name, value in declared.items() if name.startswith("LOCAL_")} == {
        "LOCAL_AWS_URL": "",
        "LOCAL_VENDORS_URL": "",
    }
    given = json.loads((ROOT / "local" / "sam-env.json").read_text())["Parameters"]
    assert set(given) <= set(declared)


@pytest.mark.parametrize("name", ["Notifications", "Monitoring"])
def test_a_nested_stack_gets_every_parameter_that_it_has(name: str) -> None:
    """The nested stack gets exactly its own parameters."""
    nested = TEMPLATE.of_type("AWS::CloudFormation::Stack")[name]
    assert set(nested["Parameters"]) == set(Template(ROOT / nested["TemplateURL"]).content["Parameters"])
