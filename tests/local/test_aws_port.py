"""The embedded AWS of `make run` on its own port, as AWS's SDKs use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local.background import in_background
from local.stack import Stack, running_stack
from local.vendors.keys import fake_key
from providers_client import Client
from providers_contract.vocabulary import Scope


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Run a stack that serves its AWS, with management keys of any kind."""
    with in_background(running_stack(aws_port=0)) as running:
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


def test_other_functions_cannot_be_invoked(stack: Stack) -> None:
    """Functions behind the API trust the gateway's authorizer, so Invoke does not run them."""
    functions = aws(stack, "lambda")

    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName="ListProvidersFunction", Payload=b"{}")
