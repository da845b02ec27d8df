"""What the use cases need from outside, as Protocols. `adapters/` has the real ones, `tests/kit` the fakes.

One contract suite runs over every implementation of the store.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from providers.model.audit import Entry
from providers.model.events import Event
from providers.model.health import HealthState, Recent, Sample
from providers.model.idempotency import Claim, Completed, Found
from providers.model.policy import Policy
from providers.model.provider import (
    ManagementKey,
    Provider,
    RoutingConfig,
    SealedCredential,
    Status,
    WrappedKey,
)
from providers.model.secret import Secret
from providers.model.upload import Upload
from providers.model.vendor import Credential, ProbeAnswer, ProbeRequest, Vendor
from providers.model.verdict import Reason, Verdict

T = TypeVar("T")


class StaleWrite(Exception):
    """What a write was conditioned on is no longer so. Nothing was written; read again and decide."""


class NameTaken(Exception):
    """Another provider of the organization has claimed the name. Nothing was written."""


class MissingProvider(Exception):
    """Providers that a routing config names do not exist. Nothing was written."""

    def __init__(self, provider_ids: frozenset[str]) -> None:
        super().__init__("missing providers")
        self.provider_ids = provider_ids


class ClaimLost(Exception):
    """The request took longer than its lease, and another of the same Idempotency-Key goes on. Nothing was written."""


class UploadUsed(Exception):
    """The upload link was used meanwhile, or is gone. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Alongside:
    """What is committed with a change, in the same transaction: all of it, or nothing.

    Args:
        events: go to the outbox.
        entry: goes to the audit trail.
        completed: the answer for whoever repeats the request; ClaimLost where the claim is no longer this request's.
        used: the upload link that is used up; UploadUsed where it was before.
    """

    events: Sequence[Event] = ()
    entry: Entry | None = None
    completed: Completed | None = None
    used: Upload | None = None


NOTHING = Alongside()


class Clock(Protocol):
    """Time and identity."""

    def now(self) -> datetime:
        """The time in UTC, with a time zone."""
        ...

    def new_id(self) -> str:
        """A new ULID: 26 characters, later ones sort after earlier ones (to the millisecond)."""
        ...


@dataclass(frozen=True, slots=True)
class ProviderFilter:
    """What a list is narrowed to; None means any."""

    vendor: str | None = None
    status: Status | None = None
    health: HealthState | None = None


class ProviderStore(Protocol):
    """Providers, their sealed credentials and the claims that go with them. Every write is one transaction.

    Every method raises `Unavailable` (model.errors) where the database does not do its work; every write ClaimLost and
    UploadUsed, as what is committed alongside says.
    """

    def get(self, org: str, provider_id: str) -> Provider | None:
        """The head as it is now (a consistent read)."""
        ...

    def named(self, org: str, name: str) -> str | None:
        """The id of the provider that has claimed `name`, without regard to case (a consistent read)."""
        ...

    def list(self, org: str, wanted: ProviderFilter, limit: int, before: str | None) -> Sequence[Provider]:
        """Up to `limit` heads, newest (greatest id) first, with ids below `before` where that is given."""
        ...

    def create(self, provider: Provider, sealed: SealedCredential, alongside: Alongside = NOTHING) -> None:
        """Write head, name claim, fingerprint and first version. Raises NameTaken."""
        ...

    def change(
        self,
        before: Provider,
        after: Provider,
        sealed: SealedCredential | None = None,
        alongside: Alongside = NOTHING,
    ) -> None:
        """Turn `before` into `after`, if its revision and active version are still `before`'s.

        `after.revision` must be `before.revision + 1`. The name claim, the fingerprint and the versions that come,
        retire and go follow from the difference; `sealed` is the row of a new active version.
        `refs` is not touched, health and throttling only where the active version is another one: they begin anew.
        Raises StaleWrite, NameTaken.
        """
        ...

    def delete(self, provider: Provider, alongside: Alongside = NOTHING) -> None:
        """Delete head, claims and every version if it is as given and no routing config names it.

        Raises StaleWrite where it was changed, is named, or is gone: read again to see which.
        """
        ...

    def sealed(self, org: str, provider_id: str, version: int) -> SealedCredential | None:
        """One version's row, expired or not (a consistent read)."""
        ...

    def used(self, sealed: SealedCredential, at: datetime) -> None:
        """Record that a version was read, unless that is recorded for the minute before `at` already."""
        ...

    def last_used(self, org: str, provider_id: str) -> dict[int, datetime]:
        """When each stored version was last read (to the minute), for those that were; reads no credential."""
        ...

    def with_fingerprint(self, org: str, fingerprint: str) -> Sequence[str]:
        """Ids of the organization's providers whose active credential has this fingerprint."""
        ...


@dataclass(frozen=True, slots=True)
class Probed:
    """What a health check needs of a provider: its head and the row of its active version (None where it has gone)."""

    provider: Provider
    sealed: SealedCredential | None


@dataclass(frozen=True, slots=True)
class Due:
    """A provider that is to be checked, not before `probe_after`."""

    org: str
    provider_id: str
    probe_after: datetime | None


class ProbeStore(Protocol):
    """What the sweep reads and writes of providers. Every method raises Unavailable."""

    def due(self, shard: int) -> Sequence[Due]:
        """The providers of one of the index's shards that are not disabled; it may lag behind by a moment."""
        ...

    def load(self, places: Sequence[tuple[str, str]]) -> Sequence[Probed]:
        """The providers at (org, provider id), without those that are gone; in batches, in any order."""
        ...

    def set_health(self, before: Provider, after: Provider, events: Sequence[Event] = ()) -> None:
        """Write `after`'s health and throttling, if active version and health state are still `before`'s.

        Raises StaleWrite.
        """
        ...


class HealthStore(Protocol):
    """Samples: one slot a minute. Every method raises Unavailable."""

    def record(self, provider_id: str, sample: Sample) -> bool:
        """Set the sample's slot, and say whether it was free; a slot that is set stays as it is."""
        ...

    def read(self, provider_id: str, since: datetime, until: datetime) -> Sequence[Sample]:
        """The samples of the minutes from `since` to `until`, both included, oldest first; one Query."""
        ...

    def recent(self, provider_ids: Sequence[str], now: datetime) -> dict[str, Recent]:
        """The samples of the hour that `now` lies in and of the one before, for each provider, oldest first."""
        ...


class Outbox(Protocol):
    """Events that are committed and not yet published. Every method raises Unavailable."""

    def pending(self, limit: int) -> Sequence[Event]:
        """The oldest events."""
        ...

    def forget(self, events: Sequence[Event]) -> None:
        """Remove events that were published."""
        ...


class Publisher(Protocol):
    """Publishes events to the world."""

    def publish(self, events: Sequence[Event]) -> Sequence[Event]:
        """Publish, and return those that were accepted. Raises Unavailable where none could be."""
        ...


class Queue(Protocol):
    """Work for the probe workers: ids only."""

    def send(self, bodies: Sequence[str]) -> None:
        """Queue messages. Raises Unavailable."""
        ...


class RoutingStore(Protocol):
    """Routing configs. A write changes the `refs` of the providers it names, or no longer names, with it."""

    def get(self, org: str, slug: str) -> RoutingConfig | None:
        """The config as it is now (a consistent read)."""
        ...

    def list(self, org: str, limit: int, after: str | None) -> Sequence[RoutingConfig]:
        """Up to `limit` configs in the order of their slugs, with slugs above `after` where that is given."""
        ...

    def put(self, before: RoutingConfig | None, after: RoutingConfig, alongside: Alongside = NOTHING) -> None:
        """Create (`before` None) or replace. Raises StaleWrite, MissingProvider."""
        ...

    def delete(self, config: RoutingConfig, alongside: Alongside = NOTHING) -> None:
        """Delete, if unchanged. Raises StaleWrite."""
        ...


@dataclass(frozen=True, slots=True)
class Expired:
    """A key version whose grace window has ended, or will at `at`."""

    at: datetime
    org: str
    provider_id: str
    version: int


class ExpiredStore(Protocol):
    """The versions that retire, in the order of their time. Every method raises Unavailable."""

    def due(self, now: datetime, limit: int) -> Sequence[Expired]:
        """Up to `limit` versions whose time has come, the oldest first."""
        ...

    def destroy(self, expired: Expired) -> None:
        """Delete the version's row and its place in this order; nothing where that is done already.

        A row that has not expired at the given time stays, and only the place goes: it is not this row's any more.
        Raises StaleWrite where others keep writing to the row at this moment.
        """
        ...


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What an audit trail is narrowed to; None means any."""

    resource_id: str | None = None
    action: str | None = None
    key_id: str | None = None


class AuditStore(Protocol):
    """The audit trail; entries come into it alongside the changes they tell of."""

    def list(self, org: str, wanted: AuditFilter, since: datetime, limit: int, before: str | None) -> Sequence[Entry]:
        """Up to `limit` entries made after `since`, newest first, with ids below `before` where that is given.

        Raises Unavailable.
        """
        ...


class IdempotencyStore(Protocol):
    """Which idempotency keys stand for a request. Every method raises Unavailable."""

    def claim(self, claim: Claim, now: datetime) -> Found | None:
        """Take the key for this request, or find what stands in the way.

        None where it is taken now: it was free, its time was over, or an earlier try of the same request has let its
        lease pass.
        """
        ...

    def complete(self, completed: Completed) -> None:
        """Record the answer of a request that changed nothing. Raises ClaimLost."""
        ...

    def release(self, claim: Claim) -> None:
        """Free the key again, unless the request has come to its end or another has taken over."""
        ...


class UploadStore(Protocol):
    """Upload links that were not used yet. Every method raises Unavailable."""

    def put(self, upload: Upload, alongside: Alongside = NOTHING) -> None:
        """Store a new one. Raises StaleWrite where the id exists, ClaimLost."""
        ...

    def get(self, upload_id: str) -> Upload | None:
        """The upload as it is now (a consistent read)."""
        ...

    def tried(self, upload_id: str) -> int:
        """Count a credential that is entered, and return how many there were. Raises UploadUsed where it is gone."""
        ...


class VerificationCounter(Protocol):
    """How often vendors are asked on behalf of callers."""

    def count(self, org: str | None, minute: int) -> int:
        """Count a verification in `minute` (since 1970) and return how many there were, this one included.

        Those of the organization, or of the whole stack where `org` is None; each is counted by itself.
        Raises Unavailable.
        """
        ...


class ManagementKeyStore(Protocol):
    """Management keys and their counters."""

    def get(self, key_id: str) -> ManagementKey | None:
        """The key as it is now (a consistent read)."""
        ...

    def put(self, key: ManagementKey) -> None:
        """Store a new key. Raises StaleWrite where the id exists."""
        ...

    def revoke(self, key_id: str, at: datetime) -> None:
        """Mark it revoked from `at` on. Raises StaleWrite where there is none."""
        ...

    def list(self, org: str | None) -> Sequence[ManagementKey]:
        """Every key of `org`, or of every organization where it is None, oldest first.

        It reads the whole table: for an operator's command, never for a request. No function is allowed it.
        """
        ...

    def count(self, key_id: str, minute: int) -> int:
        """Count one request in `minute` (minutes since 1970) and return how many it has had, this one included."""
        ...

    def used(self, key_id: str, at: datetime) -> None:
        """Record `last_used_at`."""
        ...


class DataKeyStore(Protocol):
    """Wrapped data keys."""

    def get(self, owner: str, key_id: str) -> WrappedKey | None:
        """The wrapped key `key_id` of `owner` (a consistent read)."""
        ...

    def put(self, owner: str, key: WrappedKey) -> None:
        """Store a new key. Raises StaleWrite where `owner` has one of this id."""
        ...


class Cipher(Protocol):
    """Seals and opens credentials."""

    def seal(self, org: str, provider_id: str, version: int, vendor: str, secret: Secret) -> SealedCredential:
        """Seal `secret` for exactly this place, with `created_at` now. Raises Unavailable."""
        ...

    def open(self, sealed: SealedCredential) -> Secret:
        """The credential. Raises `TamperedCredential` where the row is not what was sealed, Unavailable."""
        ...


class TamperedCredential(Exception):
    """A sealed row does not open: it was changed, or copied from another place."""


class Digests(Protocol):
    """Keyed digests under the stack's own key, each purpose apart from the others."""

    def digest(self, purpose: str, *parts: str) -> str:
        """A hex HMAC-SHA256 over an unambiguous encoding of `parts`. Raises Unavailable."""
        ...


class TransportFailure(Exception):
    """A vendor could not be asked. Carries our reason, and nothing of the request or of the underlying exception."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Transport(Protocol):
    """Sends one request to a vendor."""

    async def send(self, request: ProbeRequest) -> ProbeAnswer:
        """The complete answer, with `latency_ms`. No redirects, no decompression, a capped body.

        Raises TransportFailure. Whoever calls it sets the deadline by cancelling.
        """
        ...


class Verifier(Protocol):
    """Asks a vendor about a credential, within one total deadline."""

    def __call__(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """The verdict; a vendor's or network's failure is a verdict too, never an exception."""
        ...


class Prober(Protocol):
    """Asks a vendor about a credential in a health check: the same as a Verifier, as a coroutine."""

    async def __call__(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """The verdict, within the probes' deadline."""
        ...


class Ports(Protocol):
    """Everything that a use case may ask for; a part is built when it is first used."""

    @property
    def policy(self) -> Policy:
        """The operator's settings."""
        ...

    @property
    def clock(self) -> Clock:
        """Time and identity."""
        ...

    @property
    def providers(self) -> ProviderStore:
        """Providers and their sealed credentials."""
        ...

    @property
    def routing(self) -> RoutingStore:
        """Routing configs."""
        ...

    @property
    def expired(self) -> ExpiredStore:
        """The versions that retire."""
        ...

    @property
    def audit(self) -> AuditStore:
        """The audit trail."""
        ...

    @property
    def idempotency(self) -> IdempotencyStore:
        """Requests by their idempotency keys."""
        ...

    @property
    def uploads(self) -> UploadStore:
        """Upload links."""
        ...

    @property
    def verifications(self) -> VerificationCounter:
        """How often vendors are asked."""
        ...

    @property
    def management_keys(self) -> ManagementKeyStore:
        """Management keys and their counters."""
        ...

    @property
    def cipher(self) -> Cipher:
        """Seals and opens credentials."""
        ...

    @property
    def digests(self) -> Digests:
        """Keyed digests."""
        ...

    @property
    def verify(self) -> Verifier:
        """Asks a vendor."""
        ...

    @property
    def vendors(self) -> Callable[[str], Vendor]:
        """A vendor by its name; KeyError for an unknown one."""
        ...

    @property
    def probes(self) -> ProbeStore:
        """What the sweep reads and writes of providers."""
        ...

    @property
    def health(self) -> HealthStore:
        """Samples."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Events to be published."""
        ...

    @property
    def publisher(self) -> Publisher:
        """Publishes events."""
        ...

    @property
    def queue(self) -> Queue:
        """Work for the probe workers."""
        ...

    @property
    def probe(self) -> Prober:
        """Asks a vendor in a health check."""
        ...

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the event loop that vendors are asked on, and wait for its result."""
        ...


Work = Callable[[Ports, Sequence[str], int, float], Awaitable[Sequence[bool | Exception]]]
"""What is done for messages: for each whether it is done, or what kept it from that.

Given their bodies, how much may be under way at once, and when to begin nothing more (on the event loop's clock).
"""
