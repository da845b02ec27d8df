"""The embedded AWS of `make run` on its own port, as AWS's SDKs use it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import boto3
import httpx2
import pytest

from local.background import in_background
from local.stack import Stack, running_stack
from local.sweeper import MINUTE
from local.vendors.keys import fake_key
from providers_client import Client
from providers_contract.vocabulary import Scope
from providers_data_plane import Credentials
from providers_data_plane.settings import Settings


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Run a stack that serves its AWS, with management keys of any kind."""
    with in_background(running_stack(aws_port=0, sweep_seconds=3600)) as running:
        yield running


def aws(stack: Stack, service: str) -> Any:
    """Return a client as AWS's SDK makes it from the variables that `make run` prints."""
    printed = stack.environment()
    session = boto3.Session(
        printed["AWS_ACCESS_KEY_ID"], printed["AWS_SECRET_ACCESS_KEY"], region_name=printed["AWS_REGION"]
    )
    return session.client(service, endpoint_url=printed["AWS_ENDPOINT_URL"])  # type: ignore[call-overload]


def test_the_printed_variables_reach_the_tables_of_the_stack(stack: Stack) -> None:
    """A program with the printed variables reads, through AWS's own SDK, what the API has stored."""
    with Client(stack.url, stack.mint("org_port").reveal()) as client:
        added = client.add_provider("openai", "Through the port", fake_key("openai", serial=71)).data
    printed = stack.environment()

    key = {"PK": {"S": "ORG#org_port"}, "SK": {"S": f"PROV#{added.id}"}}
    found = aws(stack, "dynamodb").get_item(TableName=printed["MAIN_TABLE"], Key=key)

    assert found["Item"]["name"]["S"] == "Through the port"
    assert aws(stack, "kms").describe_key(KeyId=printed["KMS_KEY_ID"])["KeyMetadata"]["Enabled"]


def test_lambdas_own_call_invokes_a_function_whose_name_the_stack_outputs(stack: Stack) -> None:
    """Invoke runs the function and returns its result, as on AWS."""
    arguments = {"org": "org_port", "name": "by invoke", "scopes": [Scope.PROVIDERS_READ]}

    response = aws(stack, "lambda").invoke(
        FunctionName="OperateFunction", Payload=json.dumps({"action": "keys.create", "arguments": arguments})
    )

    assert "token" in json.loads(response["Payload"].read())["data"]
    assert "by invoke" in {each.name for each in stack.ports.management_keys.list("org_port")}


@pytest.mark.parametrize(
    "authorization",
    [None, "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"],
)
def test_other_users_of_the_machine_get_nothing(stack: Stack, authorization: str | None) -> None:
    """Without the printed access key id, neither functions nor tables nor moto's own pages can be read."""
    headers = {"authorization": authorization} if authorization else {}
    invoke = "/2015-03-31/functions/{}/invocations"
    paths = (invoke.format("ResolveCredentialFunction"), invoke.format("OperateFunction"), "/", "/moto-api/data.json")

    for path in paths:
        response = httpx2.post(f"{stack.aws_url}{path}", headers=headers, content="{}", trust_env=False)
        assert (response.status_code, response.json()["__type"]) == (403, "UnrecognizedClientException"), path


def test_an_sdk_says_which_access_key_id_it_needs(stack: Stack) -> None:
    """A program with the variables of another run gets an error that names what to do."""
    session = boto3.Session("local-0", "local", region_name="us-east-1")
    tables = session.client("dynamodb", endpoint_url=stack.aws_url)

    with pytest.raises(tables.exceptions.ClientError, match="AWS_ACCESS_KEY_ID that this run of `make run` printed"):
        tables.list_tables()


def test_the_access_key_id_is_random_and_not_shown(stack: Stack) -> None:
    """The access key id has 128 random bits, and is not in the stack's repr."""
    printed = stack.environment()["AWS_ACCESS_KEY_ID"]

    random = re.fullmatch(r"local-([0-9a-f]{32})", printed)
    assert random
    assert len(set(random[1])) > 4
    assert printed not in repr(stack)


def test_other_functions_cannot_be_invoked(stack: Stack) -> None:
    """Functions behind the API trust the gateway's authorizer, so Invoke does not run them."""
    functions = aws(stack, "lambda")

    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName="ListProvidersFunction", Payload=b"{}")


def test_a_reported_key_is_probed_within_seconds(stack: Stack) -> None:
    """A refusal that a data plane reports reaches the worker at once, not with the next sweep."""
    settings = Settings.from_environment(stack.environment())
    credentials = Credentials(settings, client=lambda service: aws(stack, service))
    with Client(stack.url, stack.management_key.reveal()) as client, closing(credentials):
        added = client.add_provider("openai", "Reported", fake_key("openai", serial=72)).data
        with credentials.use(added.id) as used:
            assert used.report(401)
        ends = time.monotonic() + 10
        # The sample is that of the next minute: the health response has it from then on.
        while stack.ports.health.recent([added.id], datetime.now(UTC) + MINUTE)[added.id].newest is None:
            assert time.monotonic() < ends
            time.sleep(0.1)
