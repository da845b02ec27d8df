"""The sweep's stores in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from providers.adapters.tables.keys import shard_of
from providers.model.events import Event
from providers.model.provider import Provider
from providers.model.samples import Sample, Samples
from providers.ports import Due, Probed, StaleWrite
from providers_contract.vocabulary import Status
from tests.kit.memory.database import Database


class MemoryProbes:
    """The sweep's provider store in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def list_due(self, shard: int) -> Sequence[Due]:
        return [
            Due(stored.org, stored.id, stored.probe_after)
            for stored in self.db.providers.values()
            if stored.status is not Status.DISABLED and shard_of(stored.id) == shard
        ]

    def load(self, targets: Sequence[tuple[str, str]]) -> Sequence[Probed]:
        found = [self.db.providers[target] for target in targets if target in self.db.providers]
        return [Probed(stored, self.db.rows.get((stored.org, stored.id, stored.active.number))) for stored in found]

    def set_health(self, before: Provider, after: Provider, events: Sequence[Event] = ()) -> None:
        with self.db.lock:
            place = (before.org, before.id)
            stored = self.db.providers.get(place)
            if (
                stored is None
                or stored.active.number != before.active.number
                or stored.health.state is not before.health.state
                or (after.expiry_notice != before.expiry_notice and stored.expiry_notice != before.expiry_notice)
                or (after.verification != before.verification and stored.revision != before.revision)
            ):
                raise StaleWrite
            written = stored if after.verification == before.verification else after
            self.db.providers[place] = replace(
                stored,
                health=after.health,
                probe_after=after.probe_after,
                throttled=after.throttled,
                expiry_notice=(stored if after.expiry_notice == before.expiry_notice else after).expiry_notice,
                verification=written.verification,
                health_changes=after.health_changes,
            )
            self.db.outbox |= {event.id: event for event in events}


class MemoryHealth:
    """Samples in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def record(self, provider_id: str, sample: Sample) -> bool:
        with self.db.lock:
            buckets = self.db.samples.setdefault(provider_id, {})
            if sample.at in buckets:
                return False
            buckets[sample.at] = sample
            return True

    def read(self, provider_id: str, since: datetime, until: datetime) -> Samples:
        buckets = self.db.samples.get(provider_id, {})
        return Samples.of(buckets[at] for at in sorted(buckets) if since <= at <= until)

    def recent(self, provider_ids: Sequence[str], now: datetime) -> dict[str, Samples]:
        hour = now.replace(minute=0, second=0, microsecond=0)
        first, last = hour - timedelta(hours=1), hour + timedelta(minutes=59)
        return {provider_id: self.read(provider_id, first, last) for provider_id in provider_ids}
