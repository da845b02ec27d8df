"""Delete a provider, unless a routing config uses it."""

from __future__ import annotations

from providers.model.errors import Conflict
from providers.model.events import EventType, provider_event
from providers.model.provider import Provider
from providers.ports import Ports, StaleWrite
from providers.usecases.mutation import BY_SYSTEM, Mutation, unchanged
from providers.usecases.preconditions import TRIES, read_matching, version_conflict
from providers_contract.frozen import dataclass
from providers_contract.vocabulary import Action


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deleted provider; with `dry_run`, one that could be deleted."""

    provider_id: str
    dry_run: bool


def delete_provider(
    ports: Ports,
    org: str,
    provider_id: str,
    *,
    dry_run: bool = False,
    if_match: str | None = None,
    mutation: Mutation[Deleted] = BY_SYSTEM,
) -> Deleted:
    """Delete the provider and every stored version of its credential; with `dry_run`, only check for blockers.

    Raises NotFound, PreconditionFailed, Conflict (`provider_in_use`, naming every routing config), Unavailable.
    """
    deleted = Deleted(provider_id, dry_run)
    for _ in range(TRIES):
        provider = read_matching(ports, org, provider_id, if_match)
        if provider.refs:
            raise _in_use(provider)
        if dry_run:
            return unchanged(ports, mutation, deleted)
        now = ports.clock.now()
        events = [provider_event(ports.clock.new_id(), EventType.DELETED, now, provider)]
        entry = mutation.entry(ports, Action.DELETED, now, provider, None)
        try:
            ports.providers.delete(provider, mutation.with_entry(entry, deleted, events))
        except StaleWrite:
            continue
        return deleted
    raise version_conflict(provider_id)


def _in_use(provider: Provider) -> Conflict:
    slugs = sorted(provider.refs)
    shown = ", ".join(slugs[:3]) + (f" and {len(slugs) - 3} more" if len(slugs) > 3 else "")
    return Conflict(
        "provider_in_use",
        f"routing configs still use this provider: {shown}; remove it from them first",
        resource="provider",
        id=provider.id,
        references=[{"type": "routing_config", "id": slug} for slug in slugs],
    )
