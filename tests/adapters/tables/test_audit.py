"""The audit trail."""

from __future__ import annotations

from typing import Any

import pytest

from providers.adapters.tables.audit import DynamoAudit
from providers.adapters.tables.uploads import DynamoUploads
from providers.model.audit import SYSTEM, Actor, Entry
from providers.ports import AuditFilter, SideWrites
from providers_contract.vocabulary import Action
from tests.kit.aws import moto_tables
from tests.kit.stores import NOW, ONE, SECOND, Stores, create, entry, provider, upload


def trail(stores: Stores, *entries: Entry) -> None:
    """Commit entries, each with its own change."""
    for number, each in enumerate(entries, start=1):
        create(stores, provider(number, org=each.org), SideWrites(entry=each))


def ids(found: Any) -> list[int]:
    """Return the ids of the entries."""
    return [int(each.id) for each in found]


def test_an_entry_is_read_as_it_was_written(stores: Stores) -> None:
    """Every field of an entry is read as it was written, including nulls within its facts."""
    full = entry(
        3,
        action=Action.UPDATED,
        before={"name": "Old", "base_url": None, "key_version": 1},
        after={"name": "Größe 数", "base_url": "https://proxy.example.com", "key_version": 2},
        request_id="request-1",
    )
    routing = entry(
        2,
        actor=SYSTEM,
        action=Action.ROUTING_CREATED,
        resource_type="routing_config",
        resource_id="@production",
        after={"strategy": "single", "attempts": [{"provider_id": ONE.id, "model": "m"}]},
    )
    nothing = entry(1, before={}, after={})
    trail(stores, nothing, routing, full)
    found, end = stores.audit.list("org_a", AuditFilter(), NOW - SECOND, 10, None)
    assert end is None
    assert list(found) == [full, routing, nothing]


def test_a_trail_is_newest_first_and_continues_where_it_ended(stores: Stores) -> None:
    """Pages neither repeat nor skip entries, and contain none of another organization."""
    trail(stores, *(entry(number) for number in range(1, 8)), entry(8, org="org_b"))
    first, position = stores.audit.list("org_a", AuditFilter(), NOW - SECOND, 3, None)
    assert position == first[-1].id
    rest, _ = stores.audit.list("org_a", AuditFilter(), NOW - SECOND, 10, position)
    assert (ids(first), ids(rest)) == ([7, 6, 5], [4, 3, 2, 1])
    assert ids(stores.audit.list("org_b", AuditFilter(), NOW - SECOND, 10, None)[0]) == [8]


FILTERS = [
    (AuditFilter(), [5, 4, 3, 2, 1]),
    (AuditFilter(resource_id="@a"), [3]),
    (AuditFilter(action=Action.DELETED), [5, 2]),
    (AuditFilter(key_id="02other"), [5, 4]),
    (AuditFilter(resource_id=ONE.id, action=Action.DELETED, key_id="02other"), [5]),
    (AuditFilter(resource_id="@a", action=Action.DELETED), []),
    (AuditFilter(resource_id=""), []),
]


@pytest.mark.parametrize(("wanted", "expected"), FILTERS)
def test_a_trail_is_filtered(stores: Stores, wanted: AuditFilter, expected: list[int]) -> None:
    """Filters combine, and a filtered page is filled up to the limit if enough entries match."""
    other = Actor("management_key", "02other")
    trail(
        stores,
        entry(1),
        entry(2, action=Action.DELETED),
        entry(3, resource_type="routing_config", resource_id="@a", action=Action.ROUTING_CREATED),
        entry(4, actor=other),
        entry(5, actor=other, action=Action.DELETED),
    )
    assert ids(stores.audit.list("org_a", wanted, NOW - SECOND, 10, None)[0]) == expected
    assert ids(stores.audit.list("org_a", wanted, NOW - SECOND, 1, None)[0]) == expected[:1]


def test_entries_older_than_the_trail_are_not_listed(stores: Stores) -> None:
    """Entries older than the retention period are hidden even before DynamoDB removes them."""
    trail(stores, *(entry(number, at=NOW + number * SECOND) for number in range(1, 5)))
    assert ids(stores.audit.list("org_a", AuditFilter(), NOW + 2 * SECOND, 10, None)[0]) == [4, 3]
    assert ids(stores.audit.list("org_a", AuditFilter(), NOW + 2 * SECOND, 1, None)[0]) == [4]
    assert ids(stores.audit.list("org_a", AuditFilter(), NOW + 4 * SECOND, 10, None)[0]) == []


def test_a_resources_trail_is_read_without_the_others() -> None:
    """A resource's entries are read with one Query of their own partition."""
    with moto_tables() as tables:
        trails = DynamoAudit(tables.client, tables.main)
        uploads = DynamoUploads(tables.client, tables.main)
        for number in range(1, 9):
            written = entry(number, resource_id=f"prov_{number % 4}")
            uploads.put(upload(number), SideWrites(entry=written))
        queries: list[dict[str, Any]] = []
        tables.client.meta.events.register(
            "provide-client-params.dynamodb.Query", lambda params, **_: queries.append(dict(params))
        )
        found, end = trails.list("org_a", AuditFilter(resource_id="prov_1"), NOW - SECOND, 10, None)
        assert (ids(found), end) == ([5, 1], None)
        assert [each["ExpressionAttributeValues"][":pk"]["S"] for each in queries] == ["AUDIT#org_a#prov_1"]
        assert "FilterExpression" not in queries[0]


def test_a_filter_reads_a_bounded_number_of_entries(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page can be empty before the end of the list; all pages together contain each match once."""
    for module in ("providers.adapters.tables.transactions", "tests.kit.memory.database"):
        monkeypatch.setattr(f"{module}.READ_AT_MOST", 2)
    trail(stores, *(entry(n, action=Action.DELETED if n in (1, 8) else Action.UPDATED) for n in range(1, 9)))
    pages, position = [], None
    while True:
        page, position = stores.audit.list("org_a", AuditFilter(action=Action.DELETED), NOW - SECOND, 5, position)
        pages.append(ids(page))
        if position is None:
            break
    assert [number for page in pages for number in page] == [8, 1]
    assert [] in pages
