"""Wrapped data keys."""

from __future__ import annotations

import pytest

from providers.adapters.tables.data_keys import DynamoDataKeys
from providers.ports import StaleWrite
from providers_data_plane.sealed import WrappedKey
from tests.kit.aws import dynamodb_local_tables, moto_tables
from tests.kit.stores import NOW


@pytest.mark.parametrize("kind", [moto_tables, dynamodb_local_tables], ids=["moto", "dynamodb-local"])
def test_the_first_data_key_stays(kind: type) -> None:
    """A second key with the same id is refused, so that two concurrent writers use the same key."""
    with kind() as tables:
        keys = DynamoDataKeys(tables.client, tables.secrets, prefix="ORG#")
        assert keys.get("org_a", "1") is None
        keys.put("org_a", WrappedKey("1", b"first", NOW))
        with pytest.raises(StaleWrite):
            keys.put("org_a", WrappedKey("1", b"second", NOW))
        assert keys.get("org_a", "1") == WrappedKey("1", b"first", NOW)


@pytest.mark.parametrize("kind", [moto_tables, dynamodb_local_tables], ids=["moto", "dynamodb-local"])
def test_data_keys_are_listed_and_deleted(kind: type) -> None:
    """The list contains the organization's data keys only, newest first; a deleted key is gone."""
    with kind() as tables:
        keys = DynamoDataKeys(tables.client, tables.secrets, prefix="ORG#")
        made = [WrappedKey(f"{number:08d}", b"wrapped", NOW) for number in (1, 2, 10)]
        for each in made:
            keys.put("org_a", each)
        keys.put("org_b", made[0])
        assert keys.list("org_a", 10) == made[::-1]
        assert keys.list("org_a", 1) == made[-1:]
        assert keys.list("org_c", 1) == []
        keys.delete("org_a", made[1].id)
        keys.delete("org_a", made[1].id)
        assert keys.list("org_a", 10) == [made[2], made[0]]
