"""Retired key versions in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from providers.model.events import Event
from providers.ports import Expired, StaleWrite
from tests.kit.memory.database import Database


class MemoryExpired:
    """Retiring key versions in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def list_due(self, now: datetime, limit: int) -> Sequence[Expired]:
        found = [each for each in self.db.expiring if each.at <= now]
        return sorted(found, key=lambda each: (each.at, each.org, each.provider_id, each.version))[:limit]

    def destroy(self, expired: Expired) -> None:
        with self.db.lock:
            self.db.expiring.discard(expired)
            place = (expired.org, expired.provider_id, expired.version)
            row = self.db.rows.get(place)
            if row is not None and row.expires_at is not None and row.expires_at <= expired.at:
                del self.db.rows[place]
            if place not in self.db.rows:
                self.db.idle.add(expired)

    def list_idle(self, now: datetime, limit: int) -> Sequence[Expired]:
        found = [each for each in self.db.idle if each.idle_at <= now]
        return sorted(found, key=lambda each: (each.at, each.org, each.provider_id, each.version))[:limit]

    def announce(self, expired: Expired, events: Sequence[Event]) -> None:
        with self.db.lock:
            if expired not in self.db.idle:
                raise StaleWrite
            self.db.idle.discard(expired)
            self.db.outbox |= {event.id: event for event in events}
