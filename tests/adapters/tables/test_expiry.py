"""Key versions that expire, and their destruction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from providers.model.events import EventType
from providers.ports import Expired, StaleWrite
from tests.kit.aws import moto_tables
from tests.kit.memory.outbox import waiting
from tests.kit.stores import HOUR, NOW, SECOND, Stores, create, dynamo_stores, event, provider, rotated, sealed


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


def test_a_destroyed_version_is_idle_after_the_longest_request(stores: Stores) -> None:
    """A destroyed version is listed as idle when no request can use it any more, with its credential's fingerprint."""
    retiring(stores, 1, NOW + HOUR, org="acme#2#eu")
    (one,) = stores.expired.list_due(NOW + HOUR, 10)
    stores.expired.destroy(one)
    assert list(stores.expired.list_idle(one.idle_at - SECOND, 10)) == []
    (found,) = stores.expired.list_idle(one.idle_at, 10)
    assert (found, found.fingerprint) == (one, provider(1).active.fingerprint)


def test_a_version_is_announced_once_with_its_event(stores: Stores) -> None:
    """An announcement and its event are one transaction; a second run finds nothing to announce."""
    one, two = retiring(stores, 1, NOW + HOUR), retiring(stores, 2, NOW + HOUR)
    for each in stores.expired.list_due(NOW + HOUR, 10):
        stores.expired.destroy(each)
    stores.expired.announce(one, [event(1, EventType.SAFE_TO_REVOKE)])
    with pytest.raises(StaleWrite):
        stores.expired.announce(one, [event(2, EventType.SAFE_TO_REVOKE)])
    assert [each.id for each in waiting(stores.outbox)] == [event(1).id]
    assert list(stores.expired.list_idle(two.idle_at, 10)) == [two]
    stores.expired.announce(two, [])
    assert len(waiting(stores.outbox)) == 1


def test_a_version_that_is_not_destroyed_is_not_idle(stores: Stores) -> None:
    """A wrong entry, whose row has not expired, does not become idle."""
    one = retiring(stores, 1, NOW + HOUR)
    stores.expired.destroy(replace(one, version=2))
    assert list(stores.expired.list_idle(NOW + 24 * HOUR, 10)) == []
