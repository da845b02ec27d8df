"""Deleting providers, and the routing configs that prevent it."""

from __future__ import annotations

import pytest

from providers.model.errors import Conflict, NotFound, PreconditionFailed, Unprocessable
from providers.model.routing import Attempt
from providers.usecases.delete import delete_provider
from providers.usecases.routing import delete_routing_config, list_routing_configs, put_routing_config
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added, rotate


def test_a_deleted_provider_leaves_no_ciphertext() -> None:
    """All versions of a deleted provider are deleted, and its name is free."""
    ports = FakePorts()
    provider = added(ports)
    rotate(ports, provider, "two")
    delete_provider(ports, ORG, provider.id)
    assert (ports.db.providers, ports.db.names, ports.db.rows) == ({}, {}, {})
    with pytest.raises(NotFound):
        delete_provider(ports, ORG, provider.id)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_provider_in_use_names_every_blocker(dry_run: bool) -> None:
    """The error lists all routing configs that reference the provider, and nothing is deleted."""
    ports = FakePorts()
    provider = added(ports)
    slugs = [f"config-{number:02d}" for number in range(25)]
    for slug in slugs:
        put_routing_config(ports, ORG, slug, "single", [Attempt(provider.id, "m")])
    with pytest.raises(Conflict) as caught:
        delete_provider(ports, ORG, provider.id, dry_run=dry_run)
    assert caught.value.code == "provider_in_use"
    assert caught.value.details["references"] == [{"type": "routing_config", "id": slug} for slug in slugs]
    assert (ORG, provider.id) in ports.db.providers


def test_a_dry_run_deletes_nothing() -> None:
    """A dry run reports that nothing prevents deletion, and deletes nothing."""
    ports = FakePorts()
    provider = added(ports)
    delete_provider(ports, ORG, provider.id, dry_run=True)
    assert (ORG, provider.id) in ports.db.providers


def test_a_delete_can_be_guarded_by_if_match() -> None:
    """Deleting with an old tag is refused."""
    ports = FakePorts()
    provider = added(ports)
    rotate(ports, provider, "two")
    with pytest.raises(PreconditionFailed):
        delete_provider(ports, ORG, provider.id, if_match='"1"')
    delete_provider(ports, ORG, provider.id, if_match='W/"2", "2"')
    assert ports.db.providers == {}


def test_putting_a_config_as_it_is_changes_nothing() -> None:
    """Putting an unchanged config keeps its revision and time, and leaves no audit entry."""
    ports = FakePorts()
    attempts = [Attempt(added(ports).id, "m")]
    first = put_routing_config(ports, ORG, "@a", "single", attempts)
    ports.clock.pass_time(hours=1)
    entries = len(ports.db.trail)
    assert put_routing_config(ports, ORG, "@a", "single", attempts) == (first[0], False)
    assert (len(ports.db.trail), ports.routing.get(ORG, "@a")) == (entries, first[0])
    assert put_routing_config(ports, ORG, "@a", "fallback", attempts)[0].revision == 2


def test_detaching_frees_the_provider() -> None:
    """Replacing or deleting the config allows the provider to be deleted."""
    ports = FakePorts()
    one, two = added(ports, "one"), added(ports, "two")
    put_routing_config(ports, ORG, "@a", "single", [Attempt(one.id, "m")])
    put_routing_config(ports, ORG, "@a", "single", [Attempt(two.id, "m")])
    delete_provider(ports, ORG, one.id)
    delete_routing_config(ports, ORG, "@a")
    delete_provider(ports, ORG, two.id)
    assert ports.db.providers == {}


def test_an_attach_before_the_commit_prevents_a_deletion() -> None:
    """A delete is refused if a routing config is attached before it commits."""
    ports = FakePorts()
    provider = added(ports)
    delete = ports.providers.delete

    def attach_first(stored: object, events: object) -> None:
        put_routing_config(ports, ORG, "@late", "single", [Attempt(provider.id, "m")])
        delete(stored, events)  # type: ignore[arg-type]

    ports.providers.delete = attach_first  # type: ignore[method-assign,assignment]
    with pytest.raises(Conflict) as caught:
        delete_provider(ports, ORG, provider.id)
    assert caught.value.details["references"] == [{"type": "routing_config", "id": "@late"}]
    assert (ORG, provider.id) in ports.db.providers


def test_unknown_and_foreign_providers_are_named_by_position() -> None:
    """The errors name the attempts with unknown providers, and nothing is written."""
    ports = FakePorts()
    mine, theirs = added(ports), "prov_" + "0" * 26
    attempts = [Attempt(mine.id, "m"), Attempt(theirs, "m"), Attempt(theirs, "n")]
    with pytest.raises(Unprocessable) as caught:
        put_routing_config(ports, ORG, "@a", "fallback", attempts)
    params = [each["param"] for each in caught.value.details["errors"]]
    assert params == ["attempts[1].provider_id", "attempts[2].provider_id"]
    assert (ports.db.routes, ports.db.providers[ORG, mine.id].refs) == ({}, frozenset())


def test_pages_of_configs_follow_each_other() -> None:
    """A cursor continues after the last config of its page."""
    ports = FakePorts()
    for slug in ("a", "b", "c"):
        put_routing_config(ports, ORG, slug, "single", [])
    page, cursor = list_routing_configs(ports, ORG, 2, None)
    rest, end = list_routing_configs(ports, ORG, 2, cursor)
    assert ([each.slug for each in (*page, *rest)], end) == (["a", "b", "c"], None)
