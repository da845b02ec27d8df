"""DynamoDB for tests: moto, or DynamoDB Local if `DYNAMODB_LOCAL_URL` is set."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from local.aws import do_not_sign
from local.faster_moto import speed_up_moto
from local.template import Template
from providers.adapters.aws import parse_items_quickly

REGION = "us-east-1"
_TABLES = Template().tables


@dataclass(frozen=True)
class Tables:
    """The template's two tables, empty."""

    client: Any
    main: str
    secrets: str

    def everything(self, table: str) -> list[dict[str, Any]]:
        """Return every item of a table, as stored."""
        return list(self.client.scan(TableName=table)["Items"])


def _create(client: Any) -> Tables:
    names = {}
    for logical_id, arguments in _TABLES.items():
        names[logical_id] = f"{logical_id}-{uuid.uuid4().hex[:8]}"
        client.create_table(**(arguments | {"TableName": names[logical_id]}))
    return Tables(client, names["MainTable"], names["SecretsTable"])


@contextmanager
def moto_tables() -> Iterator[Tables]:
    """Yield tables in moto, in this process."""
    speed_up_moto()
    with mock_aws():
        client = boto3.client("dynamodb", region_name=REGION)
        parse_items_quickly(client)
        do_not_sign(client)
        yield _create(client)


def dynamodb_local(url: str, config: Config | None = None) -> Any:
    """Return a client of the DynamoDB Local at `url`, which accepts any credentials."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name=REGION,
        config=config,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    parse_items_quickly(client)
    return client


@contextmanager
def dynamodb_local_tables() -> Iterator[Tables]:
    """Yield tables in Amazon's DynamoDB Local; skip the test if it is not running."""
    url = os.environ.get("DYNAMODB_LOCAL_URL")
    if not url:
        pytest.skip("DynamoDB Local is not running (set DYNAMODB_LOCAL_URL to its address)")
    client = dynamodb_local(url)
    tables = _create(client)
    try:
        yield tables
    finally:
        for name in (tables.main, tables.secrets):
            client.delete_table(TableName=name)
        client.close()


MOST_BYTES = 256 * 1024
"""The size limit for the entries of one PutEvents."""


def refuse_large_events(client: Any) -> None:
    """Make an EventBridge client refuse requests that are too large: EventBridge does, moto does not."""

    def refuse(params: dict[str, Any], **_: Any) -> Any:
        if len(params["body"]) <= MOST_BYTES:
            return None
        error = {
            "Code": "ValidationException",
            "Message": "Total size of the entries in the request is over the limit.",
        }
        return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}

    client.meta.events.register("before-call.events.PutEvents", refuse)
