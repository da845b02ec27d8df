"""Lists of providers and their filters."""

from __future__ import annotations

from typing import Any, cast

import pytest

from providers.adapters.tables.transactions import query_page
from providers.ports import ProviderFilter
from providers_contract.vocabulary import HealthState, Status
from tests.kit.stores import Stores, provider, sealed


def test_a_list_is_newest_first_and_continues_where_it_ended(stores: Stores) -> None:
    """Pages are newest first and neither repeat nor skip providers."""
    for number in range(1, 8):
        stores.providers.create(provider(number), sealed(provider(number)))
    first, position = stores.providers.list("org_a", ProviderFilter(), 3, None)
    assert position == first[-1].id
    rest, end = stores.providers.list("org_a", ProviderFilter(), 10, position)
    assert end is None
    assert [int(each.id[-2:]) for each in (*first, *rest)] == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ProviderFilter(vendor="groq"), [3, 1]),
        (ProviderFilter(status=Status.PENDING), [2]),
        (ProviderFilter(vendor="groq", status=Status.PENDING), []),
        (ProviderFilter(health=HealthState.UNKNOWN), [3, 2, 1]),
        (ProviderFilter(health=HealthState.HEALTHY), []),
        (ProviderFilter(tag="a"), [3, 1]),
        (ProviderFilter(tag="A"), []),
        (ProviderFilter(tag="team"), []),
        (ProviderFilter(tag="a", vendor="openai"), []),
        (ProviderFilter(name="vider 3"), [3]),
        (ProviderFilter(name="vider", tag="b"), [1]),
        (ProviderFilter(name="openai"), []),
    ],
)
def test_a_list_is_filtered(stores: Stores, wanted: ProviderFilter, expected: list[int]) -> None:
    """Filters combine, and a filtered page is filled up to the limit if enough providers match."""
    for number, vendor, status, tags in [
        (1, "groq", Status.ACTIVE, ("b", "a")),
        (2, "openai", Status.PENDING, ("team:x",)),
        (3, "groq", Status.ACTIVE, ("a",)),
    ]:
        one = provider(number, vendor=vendor, status=status, tags=tags)
        stores.providers.create(one, sealed(one))
    assert [int(each.id[-2:]) for each in stores.providers.list("org_a", wanted, 10, None)[0]] == expected


@pytest.mark.parametrize(
    "wanted", [ProviderFilter(vendor="groq"), ProviderFilter(tag="a"), ProviderFilter(name="rare")]
)
def test_a_filter_reads_a_bounded_number_of_providers(
    stores: Stores, wanted: ProviderFilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page can be empty and have a next one; all pages together contain each match once."""
    for module in ("providers.adapters.tables.transactions", "tests.kit.memory.database"):
        monkeypatch.setattr(f"{module}.READ_AT_MOST", 3)
    rare = {"vendor": "groq", "tags": ("a",)}
    for number in range(1, 10):
        members = rare | {"name": f"Rare {number}"} if number in (1, 2, 9) else {}
        each = provider(number, **members)
        stores.providers.create(each, sealed(each))
    pages, position = [], None
    while True:
        page, position = stores.providers.list("org_a", wanted, 10, position)
        pages.append([int(each.id[-2:]) for each in page])
        if position is None:
            break
    assert [each for page in pages for each in page] == [9, 2, 1]
    assert [] in pages


def test_a_page_of_large_items_ends_after_two_queries() -> None:
    """A page is at most what two Queries read, 2 MB; the cursor continues after it."""

    class Large:
        """A table whose every Query returns one item, because the items are large."""

        queries = 0

        def query(self, **arguments: Any) -> dict[str, Any]:
            self.queries += 1
            key = {"PK": {"S": "ORG#a"}, "SK": {"S": f"PROV#{9 - self.queries}"}}
            return {"Items": [key], "LastEvaluatedKey": key}

    table = Large()
    found, last = query_page(cast(Any, table), "main", "ORG#a", "PROV#", limit=1000, start=None, equals={})
    assert (table.queries, [each["SK"] for each in found], last) == (2, ["PROV#8", "PROV#7"], "PROV#7")
