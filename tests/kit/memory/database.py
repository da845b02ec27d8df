"""The in-memory database that the stores of this package share."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from providers.model.audit import Entry
from providers.model.events import Event
from providers.model.idempotency import Lease, StoredResponse
from providers.model.policy import Limits
from providers.model.provider import Provider
from providers.model.routing import RoutingConfig
from providers.model.samples import Sample
from providers.model.upload import Upload
from providers.ports import READ_AT_MOST, Expired, LeaseLost, LimitReached, Refused, SideWrites, UploadUsed
from providers_data_plane.sealed import SealedCredential


@dataclass
class Database:
    """The data of all fake stores, under one lock."""

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
    idle: set[Expired] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def check(self, side_writes: SideWrites) -> None:
        """Raise if `side_writes` cannot be committed."""
        completion, used = side_writes.completion, side_writes.consumed_link
        if completion is not None:
            lease, response = self.records.get((completion.lease.org, completion.lease.key), (None, None))
            if lease is None or lease.owner != completion.lease.owner or response is not None:
                raise LeaseLost
        if used is not None and used.id not in self.uploads:
            raise UploadUsed

    def commit(self, side_writes: SideWrites) -> None:
        """Apply side writes; the caller has called `check` under the same lock."""
        self.outbox |= {event.id: event for event in side_writes.events}
        if side_writes.entry is not None:
            self.trail.append(side_writes.entry)
        if side_writes.completion is not None:
            lease = side_writes.completion.lease
            self.records[lease.org, lease.key] = (lease, side_writes.completion.response)
        if side_writes.consumed_link is not None:
            del self.uploads[side_writes.consumed_link.id]


def refuse_more(what: str, count: int, limits: Limits) -> None:
    if count >= getattr(limits, what):
        raise LimitReached(what, count)


Row = TypeVar("Row", Provider, Entry)


def page_of(
    own: Sequence[Row], matches: Callable[[Row], bool], limit: int, before: str | None, *, filtered: bool
) -> tuple[Sequence[Row], str | None]:
    """Return the newest of `own` that match; a filtered page reads READ_AT_MOST of them."""
    below = sorted((each for each in own if before is None or each.id < before), key=lambda each: each.id, reverse=True)
    seen = below[:READ_AT_MOST] if filtered else below
    found = [each for each in seen if matches(each)]
    if len(found) > limit:
        return found[:limit], found[limit - 1].id
    return found, seen[-1].id if len(seen) < len(below) else None
