"""Python values in DynamoDB's typed form."""

from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from providers.adapters.tables.attributes import marshal
from providers_contract.vocabulary import Status

VALUES: dict[str, Any] = {
    "text": "text",
    "status": Status.ACTIVE,
    "number": -3,
    "flag": True,
    "bytes": b"\x00\xff",
    "slugs": {"one"},
    "nested": {"list": [1, None, {"deeper": [b"", ""]}], "empty": {}},
}


def test_values_are_marshalled_as_boto3_does() -> None:
    """Every kind of value that the stores write has the same typed form as from boto3's serializer."""
    serializer = TypeSerializer()
    assert marshal(VALUES) == {name: serializer.serialize(value) for name, value in VALUES.items()}


def test_none_and_empty_sets_are_left_out() -> None:
    """DynamoDB has no empty set, and an absent attribute means None."""
    assert marshal({"none": None, "empty": set(), "kept": ""}) == {"kept": {"S": ""}}


@pytest.mark.parametrize("value", [1.5, {1, 2}, object(), [set()]])
def test_other_types_are_refused(value: object) -> None:
    """A value without a form in the stores is a mistake, as is a float, which DynamoDB would round."""
    with pytest.raises(TypeError):
        marshal({"name": value})
