"""The stores that each test of the storage contract runs over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.kit.aws import dynamodb_local_tables, moto_tables
from tests.kit.stores import Stores, dynamo_stores, fake_stores


@pytest.fixture(params=["fake", "moto", "dynamodb-local"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Empty stores of each kind."""
    if request.param == "fake":
        yield fake_stores()
        return
    with ExitStack() as opened:
        kind = moto_tables if request.param == "moto" else dynamodb_local_tables
        yield dynamo_stores(opened.enter_context(kind()))
