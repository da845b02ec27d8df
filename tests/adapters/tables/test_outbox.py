"""The outbox and its quarantine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.adapters.tables.attributes import to_text
from providers.adapters.tables.keys import outbox_shard_of
from providers.adapters.tables.outbox import DynamoOutbox
from providers.model.events import EventType
from providers.model.policy import OUTBOX_SHARDS
from providers.ports import NameTaken, Refused, SideWrites, StaleWrite
from tests.kit.aws import moto_tables
from tests.kit.memory.outbox import waiting
from tests.kit.stores import NOW, Stores, event, provider, sealed

SHARD = outbox_shard_of(provider().id)


def test_events_are_committed_with_their_change(stores: Stores) -> None:
    """Created, changed and deleted providers leave their events in the outbox, oldest first, until removed."""
    one = provider()
    stores.providers.create(one, sealed(one), SideWrites([event(1)]))
    two = replace(one, name="New", revision=2)
    stores.providers.change(one, two, side_writes=SideWrites([event(2, EventType.ROTATED)]))
    stores.providers.delete(two, SideWrites([event(3, EventType.DELETED)]))
    assert waiting(stores.outbox) == [event(1), event(2, EventType.ROTATED), event(3, EventType.DELETED)]
    stores.outbox.forget(SHARD, [event(1), event(3)])
    stores.outbox.forget(SHARD, [event(1)])
    assert [each.id for each in waiting(stores.outbox)] == [event(2).id]


def test_a_shard_is_read_in_order_after_an_event(stores: Stores) -> None:
    """A shard is read page by page; events are removed in batches, even if some are already gone."""
    many = [event(number) for number in range(1, 121)]
    for start in range(0, len(many), 20):
        one = provider(start + 1, name=f"Provider {start}")
        stores.providers.create(one, sealed(one), SideWrites(many[start : start + 20]))
    assert waiting(stores.outbox) == many
    assert list(stores.outbox.pending(SHARD, 200)) == many
    assert list(stores.outbox.pending(SHARD, 2)) == many[:2]
    assert list(stores.outbox.pending(SHARD, 200, many[1])) == many[2:]
    assert list(stores.outbox.pending((SHARD + 1) % OUTBOX_SHARDS, 200)) == []
    stores.outbox.forget(SHARD, many[:100])
    stores.outbox.forget(SHARD, [*many[90:110], event(999)])
    assert waiting(stores.outbox) == many[110:]
    stores.outbox.forget(SHARD, [])


def test_a_quarantined_event_leaves_the_outbox(stores: Stores) -> None:
    """A quarantined event leaves the outbox, and moving it again does no harm."""
    one = provider()
    stores.providers.create(one, sealed(one), SideWrites([event(1), event(2)]))
    for _ in range(2):
        stores.outbox.quarantine(SHARD, [Refused(event(1), "MalformedDetail", True)], NOW)
    assert waiting(stores.outbox) == [event(2)]


def test_a_quarantined_event_can_be_read_and_put_back() -> None:
    """A quarantined event can be read and put back, as docs/events.md describes, and is then published once.

    Seen to fail: when an event was removed from the shard of its id, it stayed in the one that it was put into.
    """
    with moto_tables() as tables:
        outbox = DynamoOutbox(tables.client, tables.main)
        outbox.quarantine(SHARD, [Refused(event(1), "MalformedDetail", True)], NOW)
        (item,) = tables.everything(tables.main)
        assert (item["PK"]["S"], item["error_code"]["S"]) == ("QUARANTINE", "MalformedDetail")
        assert to_text(NOW) == item["quarantined_at"]["S"]
        assert SHARD != 0
        tables.client.put_item(TableName=tables.main, Item=item | {"PK": {"S": "OUTBOX#00"}})
        assert list(outbox.pending(0, 10)) == [event(1)]
        outbox.forget(0, [event(1)])
        assert waiting(outbox) == []


def test_a_change_that_is_refused_leaves_no_event(stores: Stores) -> None:
    """A change that is refused for a taken name or a stale revision leaves no event."""
    one = provider()
    stores.providers.create(one, sealed(one))
    with pytest.raises(NameTaken):
        stores.providers.create(replace(provider(2), name=one.name), sealed(provider(2)), SideWrites([event(1)]))
    with pytest.raises(StaleWrite):
        stores.providers.change(replace(one, revision=7), replace(one, revision=8), side_writes=SideWrites([event(2)]))
    with pytest.raises(StaleWrite):
        stores.providers.delete(replace(one, revision=7), SideWrites([event(3)]))
    assert waiting(stores.outbox) == []
