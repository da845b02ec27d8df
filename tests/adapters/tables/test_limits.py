"""Limits on the number of resources per organization."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from providers.adapters.tables.attributes import marshal
from providers.adapters.tables.providers import DynamoProviders
from providers.adapters.tables.routing import DynamoRouting
from providers.model.errors import Conflict
from providers.model.management_key import ManagementKey
from providers.model.policy import Limits
from providers.ports import LimitReached, MissingProvider, NameTaken
from providers_contract.vocabulary import Scope
from providers_data_plane.stored import provider_key
from tests.kit.aws import dynamodb_local_tables
from tests.kit.stores import FEW, NOW, Stores, config, provider, sealed, upload


def test_providers_are_limited_per_organization(stores: Stores) -> None:
    """A provider over the limit is refused with the count until one is deleted; other organizations are unaffected."""
    one, two, three = (provider(number) for number in (1, 2, 3))
    for each in (one, two):
        stores.providers.create(each, sealed(each), limits=FEW)
    with pytest.raises(LimitReached) as caught:
        stores.providers.create(three, sealed(three), limits=FEW)
    assert (caught.value.what, caught.value.count) == ("providers", 2)
    assert stores.providers.get("org_a", three.id) is None
    other = replace(three, org="org_b")
    stores.providers.create(other, sealed(other), limits=FEW)
    stores.providers.delete(one)
    stores.providers.create(three, sealed(three), limits=FEW)


def test_a_name_that_is_taken_comes_before_the_limit(stores: Stores) -> None:
    """A taken name is reported before the limit, because the caller can fix it."""
    one = provider(1)
    stores.providers.create(one, sealed(one), limits=FEW)
    two = provider(2)
    stores.providers.create(two, sealed(two), limits=FEW)
    again = replace(provider(3), name=one.name)
    with pytest.raises(NameTaken):
        stores.providers.create(again, sealed(again), limits=FEW)


def test_routing_configs_are_limited_for_an_organization_and_a_provider(stores: Stores) -> None:
    """Replacing a config does not count as another one; a missing provider is reported as missing."""
    one, two = provider(1), provider(2)
    for each in (one, two):
        stores.providers.create(each, sealed(each))
    first = config("a", one.id)
    stores.routing.put(None, first, limits=FEW)
    with pytest.raises(LimitReached) as caught:
        stores.routing.put(None, config("b", one.id), limits=FEW)
    reached = (caught.value.what, caught.value.count, caught.value.provider_id)
    assert reached == ("configs_per_provider", 1, one.id)
    with pytest.raises(MissingProvider):
        stores.routing.put(None, config("b", one.id, "prov_" + "9" * 26), limits=FEW)
    stores.routing.put(None, config("b", two.id), limits=FEW)
    with pytest.raises(LimitReached) as caught:
        stores.routing.put(None, config("c"), limits=FEW)
    assert (caught.value.what, caught.value.count) == ("routing_configs", 2)
    stores.routing.put(first, replace(first, strategy="single", revision=2), limits=FEW)
    stores.routing.delete(replace(first, revision=2))
    stores.routing.put(None, config("c", one.id), limits=FEW)


def test_revoked_management_keys_do_not_count(stores: Stores) -> None:
    """Revoking a management key makes room for another one."""
    keys = [ManagementKey(f"{n}", "d" * 64, "org_a", "CI", frozenset(Scope), NOW) for n in range(2)]
    stores.keys.put(keys[0], FEW)
    with pytest.raises(LimitReached) as caught:
        stores.keys.put(keys[1], FEW)
    assert (caught.value.what, caught.value.count) == ("management_keys", 1)
    stores.keys.revoke(replace(keys[0], revoked_at=NOW))
    stores.keys.put(keys[1], FEW)


def test_links_are_limited_per_ten_minutes(stores: Stores) -> None:
    """Too many links are refused with the count; other organizations and the next ten minutes are not affected."""
    few = Limits(upload_links=1)
    stores.uploads.put(upload(1), limits=few)
    with pytest.raises(LimitReached) as caught:
        stores.uploads.put(upload(2), limits=few)
    assert (caught.value.what, caught.value.count) == ("upload_links", 1)
    assert stores.uploads.get("up_2") is None
    stores.uploads.put(upload(3, org="org_b"), limits=few)
    stores.uploads.put(upload(4, created_at=NOW + timedelta(minutes=10)), limits=few)


@pytest.mark.parametrize("kind", [dynamodb_local_tables], ids=["dynamodb-local"])
def test_an_item_that_is_too_large_is_not_an_outage(kind: type) -> None:
    """An item that is too large is a 409 with the limit, not an outage. Only a real DynamoDB refuses it."""
    with kind() as tables:
        routing = DynamoRouting(tables.client, tables.main)
        store = DynamoProviders(tables.client, tables.main, tables.secrets)
        one = provider(1)
        store.create(one, sealed(one))
        slugs = {f"{number:05}-{'x' * 57}" for number in range(6_400)}
        tables.client.update_item(
            TableName=tables.main,
            Key=marshal(provider_key(one.org, one.id)),
            UpdateExpression="SET refs = :refs",
            ExpressionAttributeValues=marshal({":refs": slugs}),
        )
        many = Limits(configs_per_provider=100_000, routing_configs=100_000)
        refused: Conflict | None = None
        for number in range(100):
            try:
                routing.put(None, config(f"{number}-{'y' * 60}", one.id), limits=many)
            except Conflict as error:
                refused = error
                break
        assert refused is not None
        assert (refused.code, refused.details["limit"]) == ("limit_exceeded", 400 * 1024)
        renamed = replace(one, name="x" * 20_000, revision=2)
        with pytest.raises(Conflict, match="limit_exceeded"):
            store.change(one, renamed)
