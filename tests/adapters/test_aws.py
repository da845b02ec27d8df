"""The AWS clients."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws

from providers.adapters import aws
from providers_data_plane.stored import unmarshal
from tests.kit.aws import REGION

VALUES: dict[str, Any] = {
    "text": {"S": "text"},
    "number": {"N": "1.5"},
    "bytes": {"B": b"\x00\xff"},
    "texts": {"SS": ["a", "b"]},
    "map": {"M": {"inner": {"B": b"\x02"}}},
    "list": {"L": [{"B": b"\x03"}, {"M": {"deep": {"B": b"\x04"}}}, {"NULL": True}, {"BOOL": False}]},
}


def test_a_built_client_takes_items_without_botocores_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Items of Query and BatchGetItem have the same values as botocore's, although their bytes are still Base64."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
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
        expected = unmarshal(plain.query(**query)["Items"][0])
        for (item,) in (
            built.query(**query)["Items"],
            built.batch_get_item(RequestItems=batch)["Responses"]["main"],
        ):
            assert unmarshal(item) == expected
            assert item["bytes"] == {"B": "AP8="}
