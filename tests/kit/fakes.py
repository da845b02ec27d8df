"""Fakes of the ports, for tests of the use cases. The fake stores are in `tests/kit/memory`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final, TypeVar

from ulid import ULID

from providers import vendors
from providers.model.errors import Unavailable
from providers.model.events import Event
from providers.model.metrics import DIMENSIONS, Metric
from providers.model.policy import Policy
from providers.model.vendor import Credential, Vendor
from providers.model.verdict import Verdict
from providers.ports import Published, Refused, TamperedCredential
from providers_contract.secret import Secret
from providers_data_plane.encoding import encode
from providers_data_plane.sealed import DataKey, Destination, SealedCredential
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

T = TypeVar("T")


class FakeClock:
    """A clock that tests set."""

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
class FakePublisher:
    """Records published events. `broken` makes it fail; `refuses` maps event ids to errors."""

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
    """Records sent messages."""

    sent: list[str] = field(default_factory=list)

    def send(self, bodies: Sequence[str]) -> None:
        self.sent += bodies


class PlainCipher:
    """Encrypts nothing: stores the credential together with its binding."""

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
    """Computes digests without a key."""

    def digest(self, purpose: str, *parts: str) -> str:
        return hashlib.sha256(encode(purpose, *parts)).hexdigest()

    def create(self) -> None:
        pass


@dataclass
class FakeVerifier:
    """Returns `verdict`; calls `meanwhile` first, where a test can make a rotation lose a race."""

    verdict: Verdict = field(default_factory=Verdict)
    meanwhile: Callable[[], object] | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def __call__(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        self.asked.append((vendor.name, base_url))
        if self.meanwhile:
            self.meanwhile()
        return self.verdict


class FakeMetrics:
    """Records metrics, and refuses a dimension that a metric does not have."""

    def __init__(self) -> None:
        self.written: list[tuple[Metric, float, dict[str, str]]] = []
        self.flushed = 0

    def count(self, metric: Metric, number: int = 1, **dimensions: str) -> None:
        if number:
            self.measure(metric, number, **dimensions)

    def measure(self, metric: Metric, value: float, **dimensions: str) -> None:
        assert tuple(dimensions) == metric.dimensions
        assert all(each in DIMENSIONS[name] for name, each in dimensions.items())
        self.written.append((metric, value, dimensions))

    def flush(self) -> None:
        self.flushed += 1

    def of(self, metric: Metric) -> list[tuple[float, *tuple[str, ...]]]:
        """Return every value of one metric, with its dimensions' values."""
        return [(value, *dimensions.values()) for each, value, dimensions in self.written if each == metric]


PROXIES: Final = ("*.example.com",)


class FakePorts:
    """Fakes for all ports."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.db = Database()
        self.policy = policy or Policy(
            verifications_per_org=10_000, verifications=10_000, allowed_base_url_hosts=PROXIES
        )
        self.clock = FakeClock()
        self.metrics = FakeMetrics()
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

    @property
    def events(self) -> list[Event]:
        """Every event that was committed: the published ones, then those in the outbox."""
        return [*self.publisher.published, *self.db.outbox.values()]

    async def probe(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """Return the same verdict as a verification."""
        return self.verify(vendor, credential, base_url)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on its own event loop."""
        return asyncio.run(work)

    @property
    def vendors(self) -> Callable[[str], Vendor]:
        return vendors.vendor
