"""Routing configs and their references to providers."""

from __future__ import annotations

import pytest

from providers.ports import MissingProvider, StaleWrite
from tests.kit.stores import Stores, config, provider, sealed


def test_routing_configs_hold_and_release_references(stores: Stores) -> None:
    """References follow each put and delete."""
    one, two = provider(1), provider(2)
    for each in (one, two):
        stores.providers.create(each, sealed(each))

    def refs() -> list[set[str]]:
        providers = [stores.providers.get("org_a", each.id) for each in (one, two)]
        return [set(stored.refs) for stored in providers if stored]

    first = config("@a", one.id, one.id)
    stores.routing.put(None, first)
    assert refs() == [{"@a"}, set()]
    second = config("@a", two.id, revision=2)
    stores.routing.put(first, second)
    assert refs() == [set(), {"@a"}]
    assert stores.routing.get("org_a", "@a") == second
    stores.routing.delete(second)
    assert refs() == [set(), set()]
    assert stores.routing.get("org_a", "@a") is None
    stores.providers.delete(one)


def test_a_config_that_names_a_missing_provider_is_not_written(stores: Stores) -> None:
    """Missing providers are named in the error, and existing ones get no reference."""
    one = provider(1)
    stores.providers.create(one, sealed(one))
    with pytest.raises(MissingProvider) as caught:
        stores.routing.put(None, config("@a", one.id, provider(9).id))
    assert caught.value.provider_ids == {provider(9).id}
    assert stores.routing.get("org_a", "@a") is None
    found = stores.providers.get("org_a", one.id)
    assert found is not None
    assert found.refs == frozenset()


def test_a_config_written_from_an_old_read_is_refused(stores: Stores) -> None:
    """Replacing or deleting a config from a stale read writes nothing."""
    one = provider(1)
    stores.providers.create(one, sealed(one))
    first = config("@a", one.id)
    stores.routing.put(None, first)
    stores.routing.put(first, config("@a", one.id, revision=2))
    with pytest.raises(StaleWrite):
        stores.routing.put(first, config("@a", revision=2))
    with pytest.raises(StaleWrite):
        stores.routing.put(None, config("@a"))
    with pytest.raises(StaleWrite):
        stores.routing.delete(first)


def test_routing_configs_are_listed_by_slug(stores: Stores) -> None:
    """Pages neither repeat nor skip routing configs."""
    for slug in ("b", "@c", "a"):
        stores.routing.put(None, config(slug))
    assert [each.slug for each in stores.routing.list("org_a", 2, None)] == ["@c", "a"]
    assert [each.slug for each in stores.routing.list("org_a", 2, "a")] == ["b"]
