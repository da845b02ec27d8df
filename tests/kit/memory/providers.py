"""Providers and their sealed credentials in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from providers.model.policy import LIMITS, Limits
from providers.model.provider import Provider
from providers.ports import NO_SIDE_WRITES, Expired, NameTaken, ProviderFilter, SideWrites, StaleWrite
from providers_contract.names import name_claim
from providers_data_plane.sealed import USED_EVERY, SealedCredential
from tests.kit.memory.database import Database, page_of, refuse_more


class MemoryProviders:
    """The provider store in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def get(self, org: str, provider_id: str) -> Provider | None:
        return self.db.providers.get((org, provider_id))

    def named(self, org: str, name: str) -> str | None:
        return self.db.names.get((org, name_claim(name)))

    def list(
        self, org: str, wanted: ProviderFilter, limit: int, before: str | None
    ) -> tuple[Sequence[Provider], str | None]:
        def matches(stored: Provider) -> bool:
            return (
                wanted.vendor in (None, stored.vendor)
                and wanted.status in (None, stored.status)
                and wanted.health in (None, stored.health.state)
                and (wanted.name is None or wanted.name in stored.name_claim)
                and (wanted.tag is None or wanted.tag in stored.tags)
            )

        own = [stored for (owner, _), stored in self.db.providers.items() if owner == org]
        return page_of(own, matches, limit, before, filtered=wanted != ProviderFilter())

    def create(
        self,
        provider: Provider,
        sealed: SealedCredential,
        side_writes: SideWrites = NO_SIDE_WRITES,
        limits: Limits = LIMITS,
    ) -> None:
        with self.db.lock:
            self.db.check(side_writes)
            if (provider.org, provider.name_claim) in self.db.names:
                raise NameTaken
            refuse_more("providers", sum(org == provider.org for org, _ in self.db.providers), limits)
            if (provider.org, provider.id) in self.db.providers:
                raise StaleWrite
            self.db.names[provider.org, provider.name_claim] = provider.id
            self.db.providers[provider.org, provider.id] = provider
            self.db.rows[provider.org, provider.id, sealed.version] = sealed
            self.db.commit(side_writes)

    def change(
        self,
        before: Provider,
        after: Provider,
        sealed: SealedCredential | None = None,
        side_writes: SideWrites = NO_SIDE_WRITES,
    ) -> None:
        with self.db.lock:
            self.db.check(side_writes)
            place = (before.org, before.id)
            stored = self.db.providers.get(place)
            if stored is None or stored.revision != before.revision or stored.active.number != before.active.number:
                raise StaleWrite
            if after.name_claim != before.name_claim:
                if (before.org, after.name_claim) in self.db.names:
                    raise NameTaken
                del self.db.names[before.org, before.name_claim]
                self.db.names[before.org, after.name_claim] = before.id
            if sealed is not None:
                if (*place, sealed.version) in self.db.rows:
                    raise StaleWrite
                self.db.rows[(*place, sealed.version)] = sealed
            remaining = {version.number: version for version in after.versions}
            for version in before.versions:
                row = (*place, version.number)
                kept_version = remaining.get(version.number)
                if kept_version is None:
                    self.db.rows.pop(row, None)
                elif kept_version.retires_at is not None and kept_version.retires_at != version.retires_at:
                    self.db.rows[row] = replace(self.db.rows[row], expires_at=kept_version.retires_at)
                    self.db.expiring.add(Expired(kept_version.retires_at, *place, version.number, version.fingerprint))
            kept = stored if after.active.number == stored.active.number else after
            self.db.providers[place] = replace(
                after,
                refs=stored.refs,
                health=kept.health,
                probe_after=kept.probe_after,
                throttled=kept.throttled,
                expiry_notice=stored.expiry_notice,
                health_changes=stored.health_changes,
            )
            self.db.commit(side_writes)

    def delete(self, provider: Provider, side_writes: SideWrites = NO_SIDE_WRITES) -> None:
        with self.db.lock:
            self.db.check(side_writes)
            place = (provider.org, provider.id)
            stored = self.db.providers.get(place)
            if stored is None or stored.revision != provider.revision or stored.refs:
                raise StaleWrite
            del self.db.providers[place]
            del self.db.names[provider.org, stored.name_claim]
            for version in stored.versions:
                self.db.rows.pop((*place, version.number), None)
            self.db.commit(side_writes)

    def sealed(self, org: str, provider_id: str, version: int) -> SealedCredential | None:
        return self.db.rows.get((org, provider_id, version))

    def reseal(self, before: SealedCredential, after: SealedCredential) -> None:
        with self.db.lock:
            place = (before.org, before.provider_id, before.version)
            row = self.db.rows.get(place)
            if row is None or (row.data_key_id, row.nonce) != (before.data_key_id, before.nonce):
                raise StaleWrite
            new = {"data_key_id": after.data_key_id, "nonce": after.nonce, "ciphertext": after.ciphertext}
            self.db.rows[place] = replace(row, **new)  # type: ignore[arg-type]

    def record_use(self, sealed: SealedCredential, at: datetime) -> None:
        with self.db.lock:
            place = (sealed.org, sealed.provider_id, sealed.version)
            row = self.db.rows.get(place)
            if row is not None and (row.last_used_at is None or row.last_used_at <= at - USED_EVERY):
                self.db.rows[place] = replace(row, last_used_at=at)

    def last_used(self, org: str, provider_id: str) -> dict[int, datetime]:
        return {
            row.version: row.last_used_at
            for row in self.db.rows.values()
            if (row.org, row.provider_id) == (org, provider_id) and row.last_used_at is not None
        }

    def with_fingerprint(self, org: str, fingerprint: str) -> Sequence[str]:
        found = self.db.providers.values()
        return sorted(stored.id for stored in found if stored.org == org and stored.active.fingerprint == fingerprint)
