"""The provider data that the sweep reads and writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from providers.adapters.tables.keys import shard_of
from providers.model.events import EventType
from providers.model.health import Health, HealthChange, floor_minute
from providers.model.provider import ExpiryNotice, Verification
from providers.ports import Due, Probed, StaleWrite
from providers_contract.vocabulary import HealthState, Outcome, Reason, Status
from tests.kit.aws import moto_tables
from tests.kit.memory.outbox import waiting
from tests.kit.stores import NOW, Stores, dynamo_stores, event, provider, rotated, sealed


def test_due_providers_are_in_their_shard(stores: Stores) -> None:
    """Active and pending providers are in the due index; disabled ones are not, until they are enabled again."""
    one = provider()
    stores.providers.create(one, sealed(one))
    shard = shard_of(one.id)
    assert list(stores.probes.list_due(shard)) == [Due("org_a", one.id, None)]
    assert list(stores.probes.list_due((shard + 1) % 60)) == []
    two = replace(one, status=Status.DISABLED, revision=2)
    stores.providers.change(one, two)
    assert list(stores.probes.list_due(shard)) == []
    three = replace(two, status=Status.PENDING, revision=3)
    stores.providers.change(two, three)
    after = replace(three, probe_after=NOW, throttled=1)
    stores.probes.set_health(three, after)
    assert list(stores.probes.list_due(shard)) == [Due("org_a", one.id, NOW)]


def test_probes_are_loaded_with_their_active_row(stores: Stores) -> None:
    """More providers than one DynamoDB batch are loaded with their active rows; deleted ones are skipped."""
    many = [provider(number) for number in range(1, 121)]
    for each in many:
        stores.providers.create(each, sealed(each))
    after = rotated(many[0], NOW)
    stores.providers.change(many[0], after, sealed(after, 2))
    targets = [("org_a", each.id) for each in many] + [("org_a", provider(999).id), ("org_b", many[0].id)]
    found = {each.provider.id: each for each in stores.probes.load(targets)}
    assert set(found) == {each.id for each in many}
    assert found[many[0].id] == Probed(after, sealed(after, 2))
    assert found[many[1].id] == Probed(many[1], sealed(many[1]))


def test_health_is_written_unless_the_provider_changed(stores: Stores) -> None:
    """Health is written with its event, unless state, version or provider has changed; concurrent changes keep it."""
    one = provider()
    stores.providers.create(one, sealed(one))
    healthy = replace(one, health=Health(HealthState.HEALTHY, None, NOW, 1))
    stores.probes.set_health(one, healthy, [event(1, EventType.HEALTH_CHANGED)])
    assert stores.providers.get("org_a", one.id) == healthy
    assert [each.id for each in waiting(stores.outbox)] == [event(1).id]
    bad = replace(one, health=Health(HealthState.UNHEALTHY, Reason.TIMEOUT, NOW, 1), throttled=2, probe_after=NOW)
    for refused in (one, provider(9)):
        with pytest.raises(StaleWrite):
            stores.probes.set_health(refused, bad, [event(2)])
        with pytest.raises(StaleWrite):
            stores.probes.set_health(refused, bad)
    assert len(waiting(stores.outbox)) == 1
    stores.probes.set_health(healthy, bad)
    renamed = replace(bad, name="New", revision=2)
    stores.providers.change(bad, renamed)
    assert stores.providers.get("org_a", one.id) == renamed
    fresh = replace(rotated(renamed, NOW), health=Health(version=2), throttled=0, probe_after=None)
    stores.providers.change(renamed, fresh, sealed(fresh, 2))
    assert stores.providers.get("org_a", one.id) == fresh
    with pytest.raises(StaleWrite):
        stores.probes.set_health(replace(renamed, health=fresh.health), healthy)


def test_changes_of_state_are_written_with_the_health(stores: Stores) -> None:
    """The changes of state are read back as they were written, and a change by the owner keeps them."""
    one = provider()
    stores.providers.create(one, sealed(one))
    minute = floor_minute(NOW)
    good = HealthChange(minute, HealthState.UNKNOWN, HealthState.HEALTHY, None, 1)
    bad = HealthChange(minute + timedelta(minutes=3), HealthState.HEALTHY, HealthState.UNHEALTHY, Reason.TIMEOUT, 1)
    two = replace(one, health=Health(HealthState.UNHEALTHY, Reason.TIMEOUT, bad.at, 1), health_changes=(bad, good))
    stores.probes.set_health(one, two, [event(1, EventType.HEALTH_CHANGED)])
    assert stores.providers.get("org_a", one.id) == two
    stores.providers.change(two, replace(rotated(one, NOW), health=Health(version=2)), sealed(one, 2))
    found = stores.providers.get("org_a", one.id)
    assert found is not None
    assert (found.active.number, found.health_changes) == (2, (bad, good))


def test_a_verification_is_written_unless_the_owner_made_a_change(stores: Stores) -> None:
    """A verification is written only if it changed, so that a probe never reverts a concurrent change."""
    one = provider(status=Status.PENDING)
    stores.providers.create(one, sealed(one))
    found = Verification(Outcome.INDETERMINATE, Reason.TIMEOUT, NOW)
    two = replace(one, verification=found, probe_after=NOW, throttled=1)
    stores.probes.set_health(one, two)
    assert stores.providers.get("org_a", one.id) == two
    three = replace(two, status=Status.ACTIVE, verification=one.verification, revision=2)
    stores.providers.change(two, three)
    with pytest.raises(StaleWrite):
        stores.probes.set_health(two, replace(two, verification=replace(found, reason=Reason.DNS_FAILED)))
    stores.probes.set_health(two, replace(two, throttled=2))
    assert stores.providers.get("org_a", one.id) == replace(three, throttled=2)


def test_an_expiry_notice_is_written_once(stores: Stores) -> None:
    """Of two sweeps that read the same state, one writes the notice and its event; an owner's change keeps it."""
    one = provider()
    stores.providers.create(one, sealed(one))
    seven, day = (replace(one, expiry_notice=ExpiryNotice(days, NOW)) for days in (7, 1))
    stores.probes.set_health(one, seven, [event(1)])
    with pytest.raises(StaleWrite):
        stores.probes.set_health(one, seven, [event(2)])
    assert stores.providers.get("org_a", one.id) == seven
    renamed = replace(seven, name="New", revision=2)
    stores.providers.change(seven, renamed)
    assert stores.providers.get("org_a", one.id) == renamed
    stores.probes.set_health(renamed, replace(renamed, expiry_notice=day.expiry_notice), [event(3)])
    with pytest.raises(StaleWrite):
        stores.probes.set_health(renamed, replace(renamed, expiry_notice=day.expiry_notice), [event(4)])
    assert [each.id for each in waiting(stores.outbox)] == [event(1).id, event(3).id]


def test_a_probe_is_loaded_with_half_a_read_unit_per_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load reads eventually consistently, which costs half, and repeats consistently only what that did not find."""
    with moto_tables() as tables:
        stores = dynamo_stores(tables)
        one, two = provider(1), provider(2)
        for each in (one, two):
            stores.providers.create(each, sealed(each))
        after = rotated(two, NOW)
        stores.providers.change(two, after, sealed(after, 2))
        batch_get, calls = tables.client.batch_get_item, list[tuple[str, int, bool]]()

        def stale(RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - botocore's name
            ((table, wanted),) = RequestItems.items()
            consistent = wanted["ConsistentRead"]
            calls.append((table, len(wanted["Keys"]), consistent))
            found = batch_get(RequestItems=RequestItems)
            if not consistent:  # version 2 of the second provider was written a moment ago
                rows = found["Responses"][table]
                found["Responses"][table] = [row for row in rows if row["SK"]["S"] != "V#00000002"]
            return found

        monkeypatch.setattr(tables.client, "batch_get_item", stale)
        found = stores.probes.load([("org_a", one.id), ("org_a", two.id)])
    assert found == [Probed(one, sealed(one)), Probed(after, sealed(after, 2))]
    assert calls == [(tables.main, 2, False), (tables.secrets, 2, False), (tables.secrets, 1, True)]
