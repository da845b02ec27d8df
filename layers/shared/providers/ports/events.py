"""Events: the outbox that stores them until they are published, and the publisher."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from providers_contract.frozen import dataclass

if TYPE_CHECKING:
    from providers.model.events import Event


class Outbox(Protocol):
    """Events that are committed and not yet published. Every method raises Unavailable."""

    def pending(self, shard: int, limit: int, after: Event | None = None) -> Sequence[Event]:
        """Return the oldest events of one shard, after `after`. A provider's events are in one shard."""
        ...

    def forget(self, shard: int, events: Sequence[Event]) -> None:
        """Remove events of one shard that were published."""
        ...

    def quarantine(self, shard: int, refused: Sequence[Refused], at: datetime) -> None:
        """Move events that cannot be published from one shard to quarantine, for an operator."""
        ...


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that was not accepted.

    Args:
        event: the event.
        code: the publisher's error code.
        final: whether it will never be accepted unchanged.
    """

    event: Event
    code: str
    final: bool


@dataclass(frozen=True, slots=True)
class Published:
    """The outcome for events. Events in neither list were not tried, or met a rate limit or an outage."""

    accepted: Sequence[Event] = ()
    refused: Sequence[Refused] = ()


class Publisher(Protocol):
    """Publishes events."""

    def publish(self, events: Sequence[Event]) -> Published:
        """Publish events, each at most once. Raises Unavailable if the outcome of all is unknown."""
        ...
