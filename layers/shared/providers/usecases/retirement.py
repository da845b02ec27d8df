"""Retire key versions: a rotation starts the grace window of the version it replaces, the reaper ends it.

DynamoDB's TTL, which takes days, is only a backstop for the reaper.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from providers.model.events import revocable_event
from providers.model.metrics import RETIRED_VERSIONS
from providers.model.provider import IN_FLIGHT, MAX_LIVE_VERSIONS, KeyVersion, Provider
from providers.ports import Expired, Ports, StaleWrite

AT_ONCE: Final = 500


def replace_active(
    versions: tuple[KeyVersion, ...], new: KeyVersion, now: datetime, grace: timedelta
) -> tuple[KeyVersion, ...]:
    """Return `versions` with `new` active. The replaced version retires after `grace`; expired ones are dropped.

    A provider has at most `MAX_LIVE_VERSIONS`. Beyond that the oldest are also dropped, so that an emergency rotation
    is never refused.
    """
    retired = (*versions[:-1], replace(versions[-1], retires_at=now + grace))
    live = [version for version in retired if version.live(now)]
    return (*live[-(MAX_LIVE_VERSIONS - 1) :], new)


def reap(ports: Ports, now: datetime) -> int:
    """Destroy the versions that have expired by `now`, oldest first; return their number. Raises Unavailable.

    It also announces versions destroyed earlier that can now be revoked at their vendors.
    """
    destroyed = 0
    for expired in ports.expired.list_due(now, AT_ONCE):
        try:
            ports.expired.destroy(expired)
        except StaleWrite:
            continue  # another writer changed the row; the next run destroys it
        destroyed += 1
    ports.metrics.measure(RETIRED_VERSIONS, destroyed)  # 0 too: without this value, an alarm reports the reaper
    _announce(ports, now)
    return destroyed


def _announce(ports: Ports, now: datetime) -> None:
    """Commit an event `safe_to_revoke` for each destroyed version that no request can be using.

    No one has read it since its grace window ended, and requests last `IN_FLIGHT` at most. There is no event if the
    same credential is in use elsewhere, or if the provider was deleted: its own event says so.
    """
    for expired in ports.expired.list_idle(now, AT_ONCE):
        provider = ports.providers.get(expired.org, expired.provider_id)
        events = []
        if provider is not None and expired.fingerprint and not _is_held(ports, provider, expired, now):
            event_id, at = ports.clock.new_id(), ports.clock.now()
            events = [revocable_event(event_id, at, provider, expired.version)]
        try:
            ports.expired.announce(expired, events)
        except StaleWrite:
            continue  # another run has announced it


def _is_held(ports: Ports, provider: Provider, expired: Expired, now: datetime) -> bool:
    """Return whether another version, or another provider's active one, has the credential and may be in use.

    It uses grace windows only; `safe_to_revoke` in versions.py uses recorded uses.
    """
    same = [each for each in provider.versions if each.fingerprint == expired.fingerprint]
    if any(
        each.retires_at is None or now < each.retires_at + IN_FLIGHT for each in same if each.number != expired.version
    ):
        return True
    return bool(ports.providers.with_fingerprint(expired.org, expired.fingerprint))
