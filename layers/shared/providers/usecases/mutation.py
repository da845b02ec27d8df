"""A change with its actor, its audit entry, and the response stored for replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from providers.model.audit import SYSTEM, Actor, Entry, difference
from providers.model.errors import Conflict, Unavailable
from providers.model.idempotency import Completion, Lease, StoredResponse
from providers.ports import LimitReached, Ports, SideWrites
from providers_contract.frozen import dataclass
from providers_contract.vocabulary import Action

if TYPE_CHECKING:
    from providers.model.events import Event
    from providers.model.provider import Provider
    from providers.model.routing import RoutingConfig
    from providers.model.upload import Upload

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mutation(Generic[R]):
    """A request to change something; its use case returns an `R`.

    Args:
        actor: who makes the request.
        request_id: the request's id, for the audit trail.
        lease: the lease on its Idempotency-Key, if it has one.
        record: renders the response stored for replay.
        link: the upload link that was used, if any.
    """

    actor: Actor = SYSTEM
    request_id: str | None = None
    lease: Lease | None = None
    record: Callable[[R], StoredResponse] | None = None
    link: Upload | None = None

    def completion(self, result: R) -> Completion | None:
        """Return the lease with the response for `result`."""
        return Completion(self.lease, self.record(result)) if self.lease and self.record else None

    def with_entry(self, entry: Entry, result: R, events: Sequence[Event] = ()) -> SideWrites:
        """Return the side writes that are committed with the change that `entry` describes."""
        return SideWrites(events, entry, self.completion(result), self.link)

    def entry(
        self, ports: Ports, action: Action, at: datetime, before: Provider | None, after: Provider | None
    ) -> Entry:
        """Return the entry for a change of a provider: added if `before` is None, deleted if `after` is None."""
        one = _either(after, before)
        old, new = (None if each is None else each.facts for each in (before, after))
        entry = Entry(ports.clock.new_id(), at, one.org, self.actor, action, "provider", one.id)
        old, new = difference(old, new)
        return replace(entry, before=old, after=new, request_id=self.request_id)

    def routing_entry(
        self, ports: Ports, action: Action, at: datetime, before: RoutingConfig | None, after: RoutingConfig | None
    ) -> Entry:
        """Return the entry for a change of a routing config."""
        one = _either(after, before)
        old, new = (None if each is None else each.facts for each in (before, after))
        entry = Entry(ports.clock.new_id(), at, one.org, self.actor, action, "routing_config", one.slug)
        old, new = difference(old, new)
        return replace(entry, before=old, after=new, request_id=self.request_id)

    def upload_entry(self, ports: Ports, upload: Upload) -> Entry:
        """Return the entry for a new upload link."""
        facts = {
            "vendor": upload.vendor,
            "name": upload.name,
            "base_url": upload.base_url,
            "provider_id": upload.provider_id,
        }
        at, action = upload.created_at, Action.UPLOAD_CREATED
        entry = Entry(ports.clock.new_id(), at, upload.org, self.actor, action, "upload", upload.id)
        return replace(entry, after=facts, request_id=self.request_id)


def _either(one: T | None, other: T | None) -> T:
    if one is not None:
        return one
    assert other is not None  # noqa: S101 - a change has a before or an after
    return other


BY_SYSTEM: Final[Mutation[Any]] = Mutation()


def write_contention() -> Unavailable:
    """Return the 503 for a new item that could not be written because of too many concurrent transactions."""
    return Unavailable(
        "dependency_unavailable",
        "too many concurrent changes; nothing was changed, try again in a moment",
        retry_after_s=1,
    )


_LIMITED: Final = {
    "providers": "this organization has {count} providers; {limit} are allowed",
    "routing_configs": "this organization has {count} routing configs; {limit} are allowed",
    "configs_per_provider": "provider {id} is used by {count} routing configs; {limit} are allowed",
    "upload_links": "this organization has created {count} upload links in the last ten minutes; {limit} are allowed",
    "management_keys": "this organization has {count} management keys that are not revoked; {limit} are allowed",
}


def limit_exceeded(ports: Ports, reached: LimitReached) -> Conflict:
    """Return the 409 with the limit that is reached, and the count."""
    limit = getattr(ports.policy.limits, reached.what)
    message = _LIMITED[reached.what].format(count=reached.count, limit=limit, id=reached.provider_id)
    return Conflict(
        "limit_exceeded",
        f"{message}; nothing was changed",
        resource="provider" if reached.provider_id else None,
        id=reached.provider_id,
        limit=limit,
        count=reached.count,
    )


def unchanged(ports: Ports, mutation: Mutation[R], result: R) -> R:
    """Return `result` of a request that changes nothing: record it for replay, and use up its link.

    Raises LeaseLost, UploadUsed.
    """
    if mutation.link is not None:
        ports.uploads.use(mutation.link.id)
    completion = mutation.completion(result)
    if completion is not None:
        ports.idempotency.complete(completion)
    return result
