"""Last-use times of key versions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.kit.stores import NOW, ONE, ROTATED, SECOND, Stores, create, sealed


def test_a_use_is_recorded_once_a_minute(stores: Stores) -> None:
    """A use is recorded at most once a minute, even if the caller has read an older value."""
    create(stores)
    row = sealed(ONE)
    recorded = []
    for second in (0, 1, 59, 60, 119, 120.5):
        stores.providers.record_use(row, NOW + second * SECOND)
        recorded.append(stores.providers.last_used("org_a", ONE.id)[1] - NOW)
    assert [each.total_seconds() for each in recorded] == [0, 0, 0, 60, 60, 120.5]
    found = stores.providers.sealed("org_a", ONE.id, 1)
    assert found == replace(row, last_used_at=NOW + 120.5 * SECOND)


def test_a_use_does_not_restore_a_deleted_version(stores: Stores) -> None:
    """Recording the use of a deleted version does not create a partial row."""
    stores.providers.record_use(sealed(ONE), NOW)
    assert stores.providers.sealed("org_a", ONE.id, 1) is None
    assert stores.providers.last_used("org_a", ONE.id) == {}


def test_each_version_has_its_own_last_use(stores: Stores) -> None:
    """A new version has no last use, and a replaced version keeps its own."""
    create(stores)
    stores.providers.record_use(sealed(ONE), NOW)
    stores.providers.change(ONE, ROTATED, sealed(ROTATED, 2))
    assert stores.providers.last_used("org_a", ONE.id) == {1: NOW}
    stores.providers.record_use(sealed(ROTATED, 2), NOW + SECOND)
    assert stores.providers.last_used("org_a", ONE.id) == {1: NOW, 2: NOW + SECOND}
    assert stores.providers.last_used("org_b", ONE.id) == {}


@pytest.mark.parametrize("stores", ["moto", "dynamodb-local"], indirect=True)
def test_reading_the_last_use_reads_no_credential(stores: Stores) -> None:
    """The query for last-use times returns versions and times only, no credential."""
    assert stores.tables is not None
    create(stores)
    stores.providers.record_use(sealed(ONE), NOW)
    read: list[dict[str, Any]] = []
    stores.tables.client.meta.events.register(
        "after-call.dynamodb.*", lambda parsed, **_: read.extend(parsed.get("Items", []))
    )
    assert stores.providers.last_used("org_a", ONE.id) == {1: NOW}
    assert [set(item) for item in read] == [{"SK", "last_used_at"}]
