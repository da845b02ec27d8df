"""Fakes of the ports, for tests of the use cases. The store's contract suite runs over these too."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, Final, TypeVar

from ulid import ULID

from providers import vendors
from providers.adapters.tables.keys import outbox_shard_of, shard_of
from providers.model.audit import Entry
from providers.model.encoding import encode
from providers.model.errors import Unavailable
from providers.model.events import Event
from providers.model.health import Recent, Sample
from providers.model.idempotency import Completion, ExistingRecord, Lease, StoredResponse
from providers.model.management_key import ManagementKey
from providers.model.policy import LIMITS, OUTBOX_SHARDS, Limits, Policy
from providers.model.provider import Provider
from providers.model.routing import RoutingConfig
from providers.model.sealed import USED_EVERY, DataKey, Destination, SealedCredential
from providers.model.upload import LIFETIME, Upload
from providers.model.vendor import Credential, Vendor
from providers.model.verdict import Verdict
from providers.ports import (
    NO_SIDE_WRITES,
    READ_AT_MOST,
    AuditFilter,
    Due,
    Expired,
    LeaseLost,
    LimitReached,
    MissingProvider,
    NameTaken,
    Outbox,
    Probed,
    ProviderFilter,
    Published,
    Refused,
    SideWrites,
    StaleWrite,
    TamperedCredential,
    UploadUsed,
)
from providers_contract.names import name_claim
from providers_contract.secret import Secret
from providers_contract.vocabulary import Status

T = TypeVar("T")


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self, at: datetime = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)) -> None:
        self.at = at
        self._ids = count(1)  # which threads share: no two get the same

    def now(self) -> datetime:
        return self.at

    def new_id(self) -> str:
        number = int(self.at.timestamp() * 1000) << 80 | next(self._ids)
        return str(ULID.from_bytes(number.to_bytes(16, "big")))

    def pass_time(self, **delta: float) -> None:
        self.at += timedelta(**delta)


@dataclass
class Database:
    """What both fake stores write to, under one lock."""

    providers: dict[tuple[str, str], Provider] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    rows: dict[tuple[str, str, int], SealedCredential] = field(default_factory=dict)
    routes: dict[tuple[str, str], RoutingConfig] = field(default_factory=dict)
    samples: dict[str, dict[datetime, Sample]] = field(default_factory=dict)
    outbox: dict[str, Event] = field(default_factory=dict)
    quarantine: dict[str, Refused] = field(default_factory=dict)
    trail: list[Entry] = field(default_factory=list)
    records: dict[tuple[str, str], tuple[Lease, StoredResponse | None]] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    links: Counter[tuple[str, int]] = field(default_factory=Counter)
    expiring: set[Expired] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def check(self, side_writes: SideWrites) -> None:
        """Raise if `side_writes` cannot be committed."""
        completion, used = side_writes.completion, side_writes.consumed_link
        if completion is not None:
            lease, answer = self.records.get((completion.lease.org, completion.lease.key), (None, None))
            if lease is None or lease.owner != completion.lease.owner or answer is not None:
                raise LeaseLost
        if used is not None and used.id not in self.uploads:
            raise UploadUsed

    def commit(self, side_writes: SideWrites) -> None:
        """Write side writes; `check` has been called before, under the same lock."""
        self.outbox |= {event.id: event for event in side_writes.events}
        if side_writes.entry is not None:
            self.trail.append(side_writes.entry)
        if side_writes.completion is not None:
            lease = side_writes.completion.lease
            self.records[lease.org, lease.key] = (lease, side_writes.completion.response)
        if side_writes.consumed_link is not None:
            del self.uploads[side_writes.consumed_link.id]


def _refuse_more(what: str, count: int, limits: Limits) -> None:
    if count >= getattr(limits, what):
        raise LimitReached(what, count)


Row = TypeVar("Row", Provider, Entry)


def _page(
    own: Sequence[Row], matches: Callable[[Row], bool], limit: int, before: str | None, *, filtered: bool
) -> tuple[Sequence[Row], str | None]:
    """The newest of `own` that match; a filter looks at READ_AT_MOST of them."""
    below = sorted((each for each in own if before is None or each.id < before), key=lambda each: each.id, reverse=True)
    seen = below[:READ_AT_MOST] if filtered else below
    found = [each for each in seen if matches(each)]
    if len(found) > limit:
        return found[:limit], found[limit - 1].id
    return found, seen[-1].id if len(seen) < len(below) else None


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
            )

        own = [stored for (owner, _), stored in self.db.providers.items() if owner == org]
        return _page(own, matches, limit, before, filtered=wanted != ProviderFilter())

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
            _refuse_more("providers", sum(org == provider.org for org, _ in self.db.providers), limits)
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
                    self.db.expiring.add(Expired(kept_version.retires_at, *place, version.number))
            kept = stored if after.active.number == stored.active.number else after
            self.db.providers[place] = replace(
                after, refs=stored.refs, health=kept.health, probe_after=kept.probe_after, throttled=kept.throttled
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


class MemoryRouting:
    """The routing store in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def get(self, org: str, slug: str) -> RoutingConfig | None:
        return self.db.routes.get((org, slug))

    def list(self, org: str, limit: int, after: str | None) -> Sequence[RoutingConfig]:
        found = [
            config
            for (owner, slug), config in self.db.routes.items()
            if owner == org and (after is None or slug > after)
        ]
        return sorted(found, key=lambda config: config.slug)[:limit]

    def put(
        self,
        before: RoutingConfig | None,
        after: RoutingConfig,
        side_writes: SideWrites = NO_SIDE_WRITES,
        limits: Limits = LIMITS,
    ) -> None:
        with self.db.lock:
            self.db.check(side_writes)
            self._check(after.org, after.slug, before)
            old = before.provider_ids if before else frozenset()
            missing = frozenset(each for each in after.provider_ids - old if (after.org, each) not in self.db.providers)
            if missing:
                raise MissingProvider(missing)
            named = [(len(self.db.providers[after.org, each].refs), each) for each in after.provider_ids - old]
            fullest, provider_id = max(named, default=(0, None))
            if fullest >= limits.configs_per_provider:
                raise LimitReached("configs_per_provider", fullest, provider_id)
            if before is None:
                _refuse_more("routing_configs", sum(org == after.org for org, _ in self.db.routes), limits)
            self.db.routes[after.org, after.slug] = after
            self._refs(after, after.provider_ids - old, lambda refs: refs | {after.slug})
            self._refs(after, old - after.provider_ids, lambda refs: refs - {after.slug})
            self.db.commit(side_writes)

    def delete(self, config: RoutingConfig, side_writes: SideWrites = NO_SIDE_WRITES) -> None:
        with self.db.lock:
            self.db.check(side_writes)
            self._check(config.org, config.slug, config)
            del self.db.routes[config.org, config.slug]
            self._refs(config, config.provider_ids, lambda refs: refs - {config.slug})
            self.db.commit(side_writes)

    def _check(self, org: str, slug: str, expected: RoutingConfig | None) -> None:
        found = self.db.routes.get((org, slug))
        if (found and found.revision) != (expected and expected.revision):
            raise StaleWrite

    def _refs(
        self, config: RoutingConfig, ids: frozenset[str], change: Callable[[frozenset[str]], frozenset[str]]
    ) -> None:
        for provider_id in ids:
            stored = self.db.providers[config.org, provider_id]
            self.db.providers[config.org, provider_id] = replace(stored, refs=change(stored.refs))


class MemoryProbes:
    """What the sweep reads and writes of providers, in memory."""

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
                or (after.verification != before.verification and stored.revision != before.revision)
            ):
                raise StaleWrite
            written = stored if after.verification == before.verification else after
            self.db.providers[place] = replace(
                stored,
                health=after.health,
                probe_after=after.probe_after,
                throttled=after.throttled,
                verification=written.verification,
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

    def read(self, provider_id: str, since: datetime, until: datetime) -> Sequence[Sample]:
        buckets = self.db.samples.get(provider_id, {})
        return [buckets[at] for at in sorted(buckets) if since <= at <= until]

    def recent(self, provider_ids: Sequence[str], now: datetime) -> dict[str, Recent]:
        hour = now.replace(minute=0, second=0, microsecond=0)
        first, last = hour - timedelta(hours=1), hour + timedelta(minutes=59)
        return {provider_id: Recent.of(self.read(provider_id, first, last)) for provider_id in provider_ids}


class MemoryExpired:
    """The versions that retire, in memory."""

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


class MemoryAudit:
    """The audit trail in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def list(
        self, org: str, wanted: AuditFilter, since: datetime, limit: int, before: str | None
    ) -> tuple[Sequence[Entry], str | None]:
        def matches(entry: Entry) -> bool:
            return wanted.action in (None, entry.action) and wanted.key_id in (None, entry.actor.key_id)

        own = [
            entry
            for entry in self.db.trail
            if entry.org == org and entry.at > since and wanted.resource_id in (None, entry.resource_id)
        ]
        return _page(own, matches, limit, before, filtered=(wanted.action, wanted.key_id) != (None, None))


class MemoryIdempotency:
    """Idempotency records in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def acquire(self, lease: Lease, now: datetime) -> ExistingRecord | None:
        with self.db.lock:
            old, answer = self.db.records.get((lease.org, lease.key), (None, None))
            if old is not None and old.expires_at > now:
                if old.owner == lease.owner:
                    return None
                left = answer is None and old.until <= now and old.request == lease.request
                if not left:
                    return ExistingRecord(old.request, old.until, answer)
            self.db.records[lease.org, lease.key] = (lease, None)
            return None

    def complete(self, completion: Completion) -> None:
        with self.db.lock:
            lease, answer = self.db.records.get((completion.lease.org, completion.lease.key), (None, None))
            if lease is not None and lease.owner == completion.lease.owner and answer is not None:
                return
            side_writes = SideWrites(completion=completion)
            self.db.check(side_writes)
            self.db.commit(side_writes)

    def release(self, lease: Lease) -> None:
        with self.db.lock:
            old, answer = self.db.records.get((lease.org, lease.key), (None, None))
            if old is not None and old.owner == lease.owner and answer is None:
                del self.db.records[lease.org, lease.key]


class MemoryUploads:
    """Upload links in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def put(self, upload: Upload, side_writes: SideWrites = NO_SIDE_WRITES, limits: Limits = LIMITS) -> None:
        with self.db.lock:
            self.db.check(side_writes)
            if upload.id in self.db.uploads:
                raise StaleWrite
            window = (upload.org, int(upload.created_at.timestamp() // LIFETIME.total_seconds()))
            _refuse_more("upload_links", self.db.links[window], limits)
            self.db.links[window] += 1
            self.db.uploads[upload.id] = upload
            self.db.commit(side_writes)

    def get(self, upload_id: str) -> Upload | None:
        return self.db.uploads.get(upload_id)

    def use(self, upload_id: str) -> None:
        with self.db.lock:
            if self.db.uploads.pop(upload_id, None) is None:
                raise UploadUsed

    def count_attempt(self, upload_id: str) -> int:
        with self.db.lock:
            if upload_id not in self.db.uploads:
                raise UploadUsed
            found = self.db.uploads[upload_id]
            self.db.uploads[upload_id] = replace(found, tries=found.tries + 1)
            return found.tries + 1


class MemoryVerifications:
    """Counters of verifications in memory."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str | None, int]] = Counter()

    def count(self, org: str | None, minute: int) -> int:
        self.counts[org, minute] += 1
        return self.counts[org, minute]


def waiting(outbox: Outbox) -> list[Event]:
    """Every event in the outbox, the oldest first."""
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
                for event_id in self.db.outbox
                if _shard_of(event_id) == shard and (after is None or event_id > after.id)
            )
            return [self.db.outbox[event_id] for event_id in ids[:limit]]

    def forget(self, events: Sequence[Event]) -> None:
        with self.db.lock:
            for event in events:
                self.db.outbox.pop(event.id, None)

    def quarantine(self, refused: Sequence[Refused], at: datetime) -> None:
        with self.db.lock:
            for each in refused:
                self.db.quarantine[each.event.id] = each
        self.forget([each.event for each in refused])


@dataclass
class FakePublisher:
    """Keeps what it is given; `broken` makes it fail, `refuses` names the errors of single events by their ids."""

    published: list[Event] = field(default_factory=list)
    broken: bool = False
    refuses: dict[str, Refused] = field(default_factory=dict)

    def publish(self, events: Sequence[Event]) -> Published:
        if self.broken:
            raise Unavailable("dependency_unavailable", "broken for a test")
        accepted = [event for event in events if event.id not in self.refuses]
        self.published += accepted
        return Published(accepted, [self.refuses[event.id] for event in events if event.id in self.refuses])


@dataclass
class FakeQueue:
    """Keeps the messages it is sent."""

    sent: list[str] = field(default_factory=list)

    def send(self, bodies: Sequence[str]) -> None:
        self.sent += bodies


class MemoryManagementKeys:
    """Management keys in memory."""

    def __init__(self) -> None:
        self.keys: dict[str, ManagementKey] = {}
        self.counts: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def get(self, key_id: str) -> ManagementKey | None:
        return self.keys.get(key_id)

    def put(self, key: ManagementKey, limits: Limits = LIMITS) -> None:
        if key.id in self.keys:
            raise StaleWrite
        usable = [each for each in self.keys.values() if each.org == key.org and each.revoked_at is None]
        _refuse_more("management_keys", len(usable), limits)
        self.keys[key.id] = key

    def revoke(self, revoked: ManagementKey) -> None:
        if revoked.id not in self.keys or self.keys[revoked.id].revoked_at is not None:
            raise StaleWrite
        stored = self.keys[revoked.id]
        self.keys[revoked.id] = replace(stored, revoked_at=revoked.revoked_at, mac=revoked.mac)

    def list(self, org: str | None) -> Sequence[ManagementKey]:
        found = [key for key in self.keys.values() if org in (None, key.org)]
        return sorted(found, key=lambda key: (key.created_at, key.id))

    def count(self, key_id: str, minute: int) -> int:
        with self._lock:
            self.counts[key_id, minute] = self.counts.get((key_id, minute), 0) + 1
            return self.counts[key_id, minute]

    def record_use(self, key_id: str, at: datetime) -> None:
        if key_id in self.keys:
            self.keys[key_id] = replace(self.keys[key_id], last_used_at=at)


class PlainCipher:
    """Seals nothing: keeps the credential beside the place that it is bound to."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.keys: dict[str, list[DataKey]] = {}

    def seal(
        self, org: str, provider_id: str, version: int, destination: Destination, secret: Secret
    ) -> SealedCredential:
        bound = self._bound(org, provider_id, version, destination)
        key = self.keys[org][0] if org in self.keys else self.add_data_key(org)
        return SealedCredential(org, provider_id, version, key.id, bound, secret.reveal().encode(), self._clock.now())

    def open(self, sealed: SealedCredential, destination: Destination) -> Secret:
        if sealed.data_key_id not in [key.id for key in self.keys.get(sealed.org, ())]:
            raise TamperedCredential
        if sealed.nonce != self._bound(sealed.org, sealed.provider_id, sealed.version, destination):
            raise TamperedCredential
        return Secret(sealed.ciphertext.decode())

    def data_keys(self, org: str) -> Sequence[DataKey]:
        return list(self.keys.get(org, ()))

    def add_data_key(self, org: str) -> DataKey:
        keys = self.keys.setdefault(org, [])
        keys.insert(0, DataKey(f"{len(keys) + 1:08d}", self._clock.now()))
        return keys[0]

    def destroy_data_key(self, org: str, key_id: str) -> None:
        self.keys[org] = [key for key in self.keys[org] if key.id != key_id]

    @staticmethod
    def _bound(org: str, provider_id: str, version: int, destination: Destination) -> bytes:
        return encode(org, provider_id, str(version), destination.vendor, destination.base_url or "")


class PlainDigests:
    """Digests without a key."""

    def digest(self, purpose: str, *parts: str) -> str:
        return hashlib.sha256(encode(purpose, *parts)).hexdigest()


@dataclass
class FakeVerifier:
    """Answers with `verdict`, and calls `meanwhile` first, which is when a rotation can lose a race."""

    verdict: Verdict = field(default_factory=Verdict)
    meanwhile: Callable[[], object] | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def __call__(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        self.asked.append((vendor.name, base_url))
        if self.meanwhile:
            self.meanwhile()
        return self.verdict


PROXIES: Final = ("*.example.com",)
"""Hosts that the operator of a fake stack allows besides the vendors' own."""


class FakePorts:
    """All of the ports, faked."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.db = Database()
        self.policy = policy or Policy(
            verifications_per_org=10_000, verifications=10_000, allowed_base_url_hosts=PROXIES
        )
        self.clock = FakeClock()
        self.providers = MemoryProviders(self.db)
        self.routing = MemoryRouting(self.db)
        self.expired = MemoryExpired(self.db)
        self.audit = MemoryAudit(self.db)
        self.idempotency = MemoryIdempotency(self.db)
        self.uploads = MemoryUploads(self.db)
        self.verifications = MemoryVerifications()
        self.management_keys = MemoryManagementKeys()
        self.cipher = PlainCipher(self.clock)
        self.digests = PlainDigests()
        self.verify = FakeVerifier()
        self.probes = MemoryProbes(self.db)
        self.health = MemoryHealth(self.db)
        self.outbox = MemoryOutbox(self.db)
        self.publisher = FakePublisher()
        self.queue = FakeQueue()

    async def probe(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """A health check has the same answers as a verification."""
        return self.verify(vendor, credential, base_url)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on a loop of its own."""
        return asyncio.run(work)

    @property
    def vendors(self) -> Callable[[str], Vendor]:
        return vendors.vendor
