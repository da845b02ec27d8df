"""All stores over one database, fake or DynamoDB, and the objects that tests store in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.adapters.tables.audit import DynamoAudit
from providers.adapters.tables.counters import DynamoVerifications
from providers.adapters.tables.expiry import DynamoExpired
from providers.adapters.tables.health import DynamoHealth
from providers.adapters.tables.idempotency import DynamoIdempotency
from providers.adapters.tables.management_keys import DynamoManagementKeys
from providers.adapters.tables.outbox import DynamoOutbox
from providers.adapters.tables.providers import DynamoProviders
from providers.adapters.tables.routing import DynamoRouting
from providers.adapters.tables.sweep import DynamoProbes
from providers.adapters.tables.uploads import DynamoUploads
from providers.model.audit import Actor, Entry
from providers.model.events import Event, EventType
from providers.model.idempotency import KEPT, LEASE, Lease, StoredResponse
from providers.model.policy import Limits
from providers.model.provider import KeyVersion, Provider, Verification
from providers.model.routing import Attempt, RoutingConfig
from providers.model.upload import Upload
from providers.ports import (
    NO_SIDE_WRITES,
    AuditStore,
    ExpiredStore,
    HealthStore,
    IdempotencyStore,
    ManagementKeyStore,
    Outbox,
    ProbeStore,
    ProviderStore,
    RoutingStore,
    SideWrites,
    UploadStore,
    VerificationCounter,
)
from providers_contract.vocabulary import Action, Outcome, Status
from providers_data_plane.sealed import SealedCredential
from tests.kit.aws import Tables
from tests.kit.memory.audit import MemoryAudit
from tests.kit.memory.counters import MemoryVerifications
from tests.kit.memory.database import Database
from tests.kit.memory.expiry import MemoryExpired
from tests.kit.memory.idempotency import MemoryIdempotency
from tests.kit.memory.management_keys import MemoryManagementKeys
from tests.kit.memory.outbox import MemoryOutbox
from tests.kit.memory.providers import MemoryProviders
from tests.kit.memory.routing import MemoryRouting
from tests.kit.memory.sweep import MemoryHealth, MemoryProbes
from tests.kit.memory.uploads import MemoryUploads

NOW = datetime(2026, 4, 14, 12, 0, 0, 123456, tzinfo=UTC)

SECOND = timedelta(seconds=1)

HOUR = timedelta(hours=1)


@dataclass
class Stores:
    """All stores over one database; `tables` is None for a fake."""

    providers: ProviderStore
    routing: RoutingStore
    keys: ManagementKeyStore
    probes: ProbeStore
    health: HealthStore
    outbox: Outbox
    idempotency: IdempotencyStore
    audit: AuditStore
    uploads: UploadStore
    expired: ExpiredStore
    verifications: VerificationCounter
    tables: Tables | None = None


def fake_stores() -> Stores:
    """Return empty fakes."""
    database = Database()
    return Stores(
        MemoryProviders(database),
        MemoryRouting(database),
        MemoryManagementKeys(),
        MemoryProbes(database),
        MemoryHealth(database),
        MemoryOutbox(database),
        MemoryIdempotency(database),
        MemoryAudit(database),
        MemoryUploads(database),
        MemoryExpired(database),
        MemoryVerifications(),
    )


def dynamo_stores(tables: Tables) -> Stores:
    """Return the real stores."""
    client, main, secrets = tables.client, tables.main, tables.secrets
    return Stores(
        DynamoProviders(client, main, secrets),
        DynamoRouting(client, main),
        DynamoManagementKeys(client, main),
        DynamoProbes(client, main, secrets),
        DynamoHealth(client, main),
        DynamoOutbox(client, main),
        DynamoIdempotency(client, main),
        DynamoAudit(client, main),
        DynamoUploads(client, main),
        DynamoExpired(client, main, secrets),
        DynamoVerifications(client, main),
        tables,
    )


ANSWER = StoredResponse(201, {"ETag": '"1"', "Content-Type": "application/json"}, '{"data":{"name":"Größe"}}\n')


def provider(number: int = 1, **members: object) -> Provider:
    """Return a provider with an id that ends in `number`."""
    base = Provider(
        org="org_a",
        id=f"prov_{number:026d}",
        vendor="openai",
        name=f"Provider {number}",
        status=Status.ACTIVE,
        created_at=NOW,
        updated_at=NOW,
        versions=(KeyVersion(1, "sk-…0001", NOW, fingerprint="f" * 64),),
        verification=Verification(Outcome.VALID, None, NOW),
    )
    return replace(base, **members)  # type: ignore[arg-type]


def sealed(of: Provider, version: int = 1) -> SealedCredential:
    """Return a sealed credential for `of`; the store never opens it."""
    return SealedCredential(of.org, of.id, version, "00000001", b"n" * 12, b"\x00\xff" * 8, NOW)


def rotated(before: Provider, retires_at: datetime | None) -> Provider:
    """Return `before` with a new version; the replaced one is dropped if `retires_at` is None."""
    number = before.active.number + 1
    new = KeyVersion(number, f"sk-…{number:04d}", NOW, fingerprint=f"{number:064d}")
    old = () if retires_at is None else (replace(before.active, retires_at=retires_at),)
    return replace(
        before,
        versions=(*before.versions[:-1], *old, new),
        revision=before.revision + 1,
    )


def config(slug: str, *provider_ids: str, revision: int = 1) -> RoutingConfig:
    """Return a routing config that names the given providers."""
    attempts = tuple(Attempt(each, "model") for each in provider_ids)
    return RoutingConfig("org_a", slug, "fallback", attempts, NOW, NOW, revision)


def event(number: int, kind: EventType = EventType.CREATED) -> Event:
    """Return an event whose id ends in `number`."""
    return Event(f"{number:026d}", kind, NOW, "org_a", provider().id, {"name": "Prod", "key_version": 1})


def lease(owner: str = "try-1", at: datetime = NOW, **members: Any) -> Lease:
    """Return the lease of a request that begins at `at`."""
    return replace(Lease("org_a", "k" * 64, "a" * 64, owner, at + LEASE, at + KEPT), **members)


def entry(number: int = 1, **members: Any) -> Entry:
    """Return an audit entry whose id ends in `number`."""
    actor = Actor("management_key", "01test")
    base = Entry(f"{number:026d}", NOW, "org_a", actor, Action.CREATED, "provider", provider().id)
    return replace(base, **members)


def upload(number: int = 1, **members: Any) -> Upload:
    """Return an upload link whose id ends in `number`."""
    ends = NOW + timedelta(minutes=10)
    return replace(Upload(f"up_{number}", "org_a", "01test", "openai", "Prod", None, None, NOW, ends), **members)


def claimed(stores: Stores, *owners: str) -> None:
    """Claim the key for each of `owners` in turn, each time after the previous lease has expired."""
    for number, owner in enumerate(owners):
        at = NOW + number * LEASE
        assert stores.idempotency.acquire(lease(owner, at), at) is None


def response_of(stores: Stores, at: datetime = NOW) -> StoredResponse | None:
    """Return the stored response for a repeated request; None if the first has not completed."""
    found = stores.idempotency.acquire(lease("asks", request="another"), at)
    assert found is not None
    return found.response


ONE = provider()

ROTATED = rotated(ONE, NOW + timedelta(hours=1))


def create(stores: Stores, one: Provider = ONE, side_writes: SideWrites = NO_SIDE_WRITES) -> None:
    """Create a provider."""
    stores.providers.create(one, sealed(one), side_writes)


FEW = Limits(providers=2, routing_configs=2, configs_per_provider=1, management_keys=1)
