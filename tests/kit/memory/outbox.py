"""The outbox in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from providers.adapters.tables.keys import outbox_shard_of
from providers.model.events import Event
from providers.model.policy import OUTBOX_SHARDS
from providers.ports import Outbox, Refused
from tests.kit.memory.database import Database


def waiting(outbox: Outbox) -> list[Event]:
    """Return every event in the outbox, oldest first."""
    found = [event for shard in range(OUTBOX_SHARDS) for event in outbox.pending(shard, 1000)]
    return sorted(found, key=lambda event: event.id)


_shard_of = cache(outbox_shard_of)


class MemoryOutbox:
    """The outbox in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def pending(self, shard: int, limit: int, after: Event | None = None) -> Sequence[Event]:
        with self.db.lock:
            ids = sorted(
                event_id
                for event_id, event in self.db.outbox.items()
                if _shard_of(event.provider_id) == shard and (after is None or event_id > after.id)
            )
            return [self.db.outbox[event_id] for event_id in ids[:limit]]

    def forget(self, shard: int, events: Sequence[Event]) -> None:
        with self.db.lock:
            for event in events:
                self.db.outbox.pop(event.id, None)

    def quarantine(self, shard: int, refused: Sequence[Refused], at: datetime) -> None:
        with self.db.lock:
            for each in refused:
                self.db.quarantine[each.event.id] = each
        self.forget(shard, [each.event for each in refused])
