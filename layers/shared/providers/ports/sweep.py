"""What the sweep and its events stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from providers.model.events import Event
from providers.model.health import Recent, Sample
from providers.model.provider import Provider
from providers.model.sealed import SealedCredential


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
        """Write `after`'s health and back-off if the active version and the health state are still `before`'s.

        A verification that differs is written with them, if the revision is still `before`'s too. Raises StaleWrite.
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


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that was not accepted.

    Args:
        event: the event.
        code: the publisher's error code.
        final: whether it will never be accepted as it is.
    """

    event: Event
    code: str
    final: bool


@dataclass(frozen=True, slots=True)
class Published:
    """What became of events. One that is in neither was not tried, or not because of a rate limit or an outage."""

    accepted: Sequence[Event] = ()
    refused: Sequence[Refused] = ()


class Outbox(Protocol):
    """Events that are committed and not yet published. Every method raises Unavailable."""

    def pending(self, shard: int, limit: int, after: Event | None = None) -> Sequence[Event]:
        """The oldest events of one shard, those later than `after`."""
        ...

    def forget(self, events: Sequence[Event]) -> None:
        """Remove events that were published."""
        ...

    def quarantine(self, refused: Sequence[Refused], at: datetime) -> None:
        """Move events that cannot be published out of the outbox to where they are kept for an operator."""
        ...


class Publisher(Protocol):
    """Publishes events to the world."""

    def publish(self, events: Sequence[Event]) -> Published:
        """Publish events, each at most once. Raises Unavailable if nothing is known of any of them."""
        ...


class Queue(Protocol):
    """Work for the probe workers: ids only."""

    def send(self, bodies: Sequence[str]) -> None:
        """Queue messages. Raises Unavailable."""
        ...
