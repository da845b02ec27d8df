"""The providers that the sweep probes, and the work that it queues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from providers_contract.frozen import dataclass
from providers_data_plane.sealed import SealedCredential

if TYPE_CHECKING:
    from providers.model.events import Event
    from providers.model.provider import Provider


@dataclass(frozen=True, slots=True)
class Due:
    """A provider to probe, not before `probe_after`."""

    org: str
    provider_id: str
    probe_after: datetime | None


@dataclass(frozen=True, slots=True)
class Probed:
    """A provider to probe: its item, and the row of its active version (None if it is gone)."""

    provider: Provider
    sealed: SealedCredential | None


class ProbeStore(Protocol):
    """The reads and writes of the sweep. Every method raises Unavailable."""

    def list_due(self, shard: int) -> Sequence[Due]:
        """Return the providers of one shard of the index that are not disabled; eventually consistent."""
        ...

    def load(self, targets: Sequence[tuple[str, str]]) -> Sequence[Probed]:
        """Return the providers at (org, provider id), without missing ones; in batches, in any order.

        Eventually consistent: a probe may run with the state of a second ago, as it does if the change comes a second
        later. What a probe writes is conditioned on the state that it read.
        """
        ...

    def set_health(self, before: Provider, after: Provider, events: Sequence[Event] = ()) -> None:
        """Write `after`'s health, back-off and expiry notice if active version and health state are still `before`'s.

        A verification that differs is also written, if the revision is still `before`'s too; an expiry notice only if
        the stored one is still `before`'s. Raises StaleWrite.
        """
        ...


class Queue(Protocol):
    """Work for the probe workers: ids only."""

    def send(self, bodies: Sequence[str]) -> None:
        """Queue messages. Raises Unavailable."""
        ...
