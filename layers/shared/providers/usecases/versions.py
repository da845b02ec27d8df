"""List the live key versions, and destroy one before its grace window ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from providers.model.errors import Conflict, version_not_found
from providers.model.provider import IN_FLIGHT, KeyVersion, Provider
from providers.ports import Ports, StaleWrite
from providers.usecases.mutation import BY_SYSTEM, Mutation
from providers.usecases.preconditions import TRIES, read_matching, version_conflict
from providers.usecases.read import get_provider
from providers_contract.frozen import dataclass
from providers_contract.vocabulary import Action
from providers_data_plane.sealed import USED_EVERY


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """A live version, and whether it can safely be revoked at the vendor."""

    version: KeyVersion
    active: bool
    last_used_at: datetime | None
    safe_to_revoke: bool


def list_versions(ports: Ports, org: str, provider_id: str) -> Sequence[LiveVersion]:
    """Return every live version, newest first. Raises NotFound, Unavailable.

    A version is safe to revoke if no one can be using its credential: it has been replaced, no request that read it can
    still be running, and neither a later version nor another provider has the same credential.
    """
    provider = get_provider(ports, org, provider_id)
    used = ports.providers.last_used(org, provider_id)
    now = ports.clock.now()
    return [
        LiveVersion(
            version,
            active=version.number == provider.active.number,
            last_used_at=used.get(version.number),
            safe_to_revoke=_is_idle(provider, version, used, now) and not _is_held(ports, provider, version, used, now),
        )
        for version in reversed(provider.live_versions(now))
    ]


@dataclass(frozen=True, slots=True)
class DestroyedVersion:
    """A key version that can no longer be read."""

    provider_id: str
    number: int


def destroy_version(
    ports: Ports,
    org: str,
    provider_id: str,
    number: int,
    if_match: str | None = None,
    *,
    mutation: Mutation[DestroyedVersion] = BY_SYSTEM,
) -> DestroyedVersion:
    """Destroy a replaced version before its grace window ends, for example after a leak.

    Raises NotFound (`provider_not_found`, `version_not_found`), PreconditionFailed, Conflict (`version_active`),
    Unavailable.
    """
    destroyed = DestroyedVersion(provider_id, number)
    for _ in range(TRIES):
        before = read_matching(ports, org, provider_id, if_match)
        if number == before.active.number:
            raise Conflict(
                "version_active",
                "this version is active: rotate to another credential first, or delete the provider",
                resource="provider",
                id=provider_id,
            )
        now = ports.clock.now()
        version = next((each for each in before.live_versions(now) if each.number == number), None)
        if version is None:
            raise version_not_found(number)
        kept = tuple(each for each in before.versions if each is not version)
        after = replace(before, versions=kept, updated_at=now, revision=before.revision + 1)
        entry = mutation.entry(ports, Action.VERSION_DESTROYED, now, before, after)
        entry = replace(entry, before={"key_version": version.number, "key_hint": version.hint}, after=None)
        try:
            ports.providers.change(before, after, side_writes=mutation.with_entry(entry, destroyed))
        except StaleWrite:
            continue
        return destroyed
    raise version_conflict(provider_id)


def _is_idle(provider: Provider, version: KeyVersion, used: dict[int, datetime], now: datetime) -> bool:
    later = [each for each in provider.versions if each.number > version.number]
    if not later:
        return False  # the active one
    last = max(later[0].created_at, used.get(version.number, later[0].created_at) + USED_EVERY)
    return last + IN_FLIGHT <= now


def _is_held(ports: Ports, provider: Provider, version: KeyVersion, used: dict[int, datetime], now: datetime) -> bool:
    same = [each for each in provider.live_versions(now) if each.fingerprint == version.fingerprint]
    if any(not _is_idle(provider, each, used, now) for each in same):
        return True
    others = ports.providers.with_fingerprint(provider.org, version.fingerprint)
    return any(other != provider.id for other in others)
