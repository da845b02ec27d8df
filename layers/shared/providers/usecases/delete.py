"""Delete a provider, unless a routing config names it."""

from __future__ import annotations

from providers.model.errors import Conflict
from providers.model.events import EventType, provider_event
from providers.model.provider import Provider
from providers.ports import Ports, StaleWrite
from providers.usecases.events import publish
from providers.usecases.mutation import BY_SYSTEM, Mutation, unchanged
from providers.usecases.preconditions import TRIES, read_matching, version_conflict
from providers_contract.vocabulary import Action


def delete_provider(
    ports: Ports,
    org: str,
    provider_id: str,
    *,
    dry_run: bool = False,
    if_match: str | None = None,
    mutation: Mutation[None] = BY_SYSTEM,
) -> None:
    """Delete the provider and every stored version of its credential; with `dry_run` only tell whether it would.

    Raises NotFound, PreconditionFailed, Conflict (`provider_in_use`, naming every routing config), Unavailable.
    """
    for _ in range(TRIES):
        provider = read_matching(ports, org, provider_id, if_match)
        if provider.refs:
            raise _in_use(provider)
        if dry_run:
            return unchanged(ports, mutation, None)
        now = ports.clock.now()
        events = [provider_event(ports.clock.new_id(), EventType.DELETED, now, provider)]
        entry = mutation.entry(ports, Action.DELETED, now, provider, None)
        try:
            ports.providers.delete(provider, mutation.with_entry(entry, None, events))
        except StaleWrite:
            continue
        publish(ports, events)
        return None
    raise version_conflict(provider_id)


def _in_use(provider: Provider) -> Conflict:
    slugs = sorted(provider.refs)
    shown = ", ".join(slugs[:3]) + (f" and {len(slugs) - 3} more" if len(slugs) > 3 else "")
    return Conflict(
        "provider_in_use",
        f"routing configs still name this provider: {shown}; detach it from them first",
        resource="provider",
        id=provider.id,
        references=[{"type": "routing_config", "id": slug} for slug in slugs],
    )
