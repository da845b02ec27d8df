"""Key versions that expire, and their destruction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from providers.ports import Expired
from tests.kit.aws import moto_tables
from tests.kit.stores import HOUR, NOW, SECOND, Stores, create, dynamo_stores, provider, rotated, sealed


def retiring(stores: Stores, number: int, at: datetime, org: str = "org_a") -> Expired:
    """Add a provider whose first version expires at `at`."""
    before = provider(number, org=org)
    after = rotated(before, at)
    create(stores, before)
    stores.providers.change(before, after, sealed(after, 2))
    return Expired(at, org, before.id, 1)


def rows(stores: Stores, expired: Expired) -> list[bool]:
    """Return which of a provider's first two versions have a row."""
    return [stores.providers.sealed(expired.org, expired.provider_id, number) is not None for number in (1, 2)]


def test_versions_become_due_in_order_of_expiry(stores: Stores) -> None:
    """Versions become due exactly at their expiry, and are listed oldest first."""
    late, early, middle = (retiring(stores, number, NOW + hours * HOUR) for number, hours in [(1, 3), (2, 1), (3, 2)])
    assert list(stores.expired.list_due(NOW + HOUR - SECOND, 10)) == []
    assert list(stores.expired.list_due(NOW + HOUR, 10)) == [early]
    assert list(stores.expired.list_due(NOW + 3 * HOUR, 10)) == [early, middle, late]
    assert list(stores.expired.list_due(NOW + 3 * HOUR, 2)) == [early, middle]


def test_only_the_destroyed_version_is_gone(stores: Stores) -> None:
    """Destroying a version deletes its row and its index entry only, and can be repeated safely."""
    one, two = retiring(stores, 1, NOW + HOUR), retiring(stores, 2, NOW + HOUR)
    for _ in range(2):
        stores.expired.destroy(one)
    assert (rows(stores, one), rows(stores, two)) == ([False, True], [True, True])
    assert list(stores.expired.list_due(NOW + HOUR, 10)) == [two]


def test_a_version_that_has_not_expired_is_not_destroyed(stores: Stores) -> None:
    """A wrong index entry never destroys an active version or one that expires later, and is removed."""
    one = retiring(stores, 1, NOW + HOUR)
    for wrong in (replace(one, at=NOW + HOUR - SECOND), replace(one, version=2)):
        stores.expired.destroy(wrong)
        assert rows(stores, one) == [True, True]
    assert list(stores.expired.list_due(NOW + HOUR, 10)) == [one]


def test_an_outdated_entry_is_removed() -> None:
    """A wrong index entry is removed, so that it does not block the valid ones."""
    with moto_tables() as tables:
        stores = dynamo_stores(tables)
        one = retiring(stores, 1, NOW + HOUR)
        change = "SET expires_at = :later"
        key = {"PK": {"S": f"ORG#org_a#PROV#{one.provider_id}"}, "SK": {"S": "V#00000001"}}
        later = {":later": {"S": (NOW + 2 * HOUR).isoformat()}}
        tables.client.update_item(
            TableName=tables.secrets, Key=key, UpdateExpression=change, ExpressionAttributeValues=later
        )
        stores.expired.destroy(one)
        assert rows(stores, one) == [True, True]
        assert list(stores.expired.list_due(NOW + HOUR, 10)) == []


def test_an_organizations_name_can_contain_any_character(stores: Stores) -> None:
    """An organization's name can contain the separators of the key that it is part of."""
    one = retiring(stores, 1, NOW + HOUR, org="acme#2#eu")
    assert list(stores.expired.list_due(NOW + HOUR, 10)) == [one]
    stores.expired.destroy(one)
    assert rows(stores, one) == [False, True]


def test_a_deleted_provider_leaves_no_row(stores: Stores) -> None:
    """A deleted provider leaves no row, and its remaining index entries do no harm."""
    before = provider()
    create(stores, before)
    second = rotated(before, NOW + HOUR)
    stores.providers.change(before, second, sealed(second, 2))
    third = rotated(second, NOW + 2 * HOUR)
    stores.providers.change(second, third, sealed(third, 3))
    stores.expired.destroy(Expired(NOW + HOUR, "org_a", before.id, 1))
    stores.providers.delete(third)
    assert [stores.providers.sealed("org_a", before.id, number) for number in (1, 2, 3)] == [None] * 3
    for each in stores.expired.list_due(NOW + 2 * HOUR, 10):
        stores.expired.destroy(each)
    assert list(stores.expired.list_due(NOW + 2 * HOUR, 10)) == []
    if stores.tables is not None:
        assert stores.tables.everything(stores.tables.secrets) == []
