"""The AWS clients."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from moto import mock_aws

from providers.adapters import aws
from tests.kit.aws import REGION

VALUES: dict[str, Any] = {
    "text": {"S": "text"},
    "number": {"N": "1.5"},
    "bytes": {"B": b"\x00\xff"},
    "more_bytes": {"BS": [b"\x00", b"\x01"]},
    "map": {"M": {"inner": {"B": b"\x02"}}},
    "list": {"L": [{"B": b"\x03"}, {"M": {"deep": {"B": b"\x04"}}}, {"NULL": True}, {"BOOL": False}]},
}


def test_a_built_client_parses_items_as_botocore_does_but_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast parser of Query and BatchGetItem returns the same as botocore's own."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    parsed = Mock(side_effect=aws._typed)
    with mock_aws():
        plain: Any = boto3.client("dynamodb")
        built = aws.build_client("dynamodb")
        plain.create_table(
            TableName="main",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        )
        key = {"PK": {"S": "one"}}
        plain.put_item(TableName="main", Item=key | VALUES)
        query = {
            "TableName": "main",
            "KeyConditionExpression": "PK = :pk",
            "ExpressionAttributeValues": {":pk": key["PK"]},
        }
        batch = {"main": {"Keys": [key]}}
        expected = plain.query(**query)["Items"], plain.batch_get_item(RequestItems=batch)["Responses"]
        monkeypatch.setattr(aws, "_typed", parsed)
        assert (built.query(**query)["Items"], built.batch_get_item(RequestItems=batch)["Responses"]) == expected
    parsed.assert_called()
