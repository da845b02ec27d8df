"""Retire key versions: a rotation starts the grace window of the version it replaces, the reaper ends it.

DynamoDB's TTL, which takes days, is only a backstop for the reaper.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from providers.model.metrics import RETIRED_VERSIONS
from providers.model.provider import MAX_LIVE_VERSIONS, KeyVersion
from providers.ports import Ports, StaleWrite

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
    """Destroy the versions that have expired by `now`, oldest first; return their number. Raises Unavailable."""
    destroyed = 0
    for expired in ports.expired.list_due(now, AT_ONCE):
        try:
            ports.expired.destroy(expired)
        except StaleWrite:
            continue  # another writer changed the row; the next run destroys it
        destroyed += 1
    ports.metrics.measure(RETIRED_VERSIONS, destroyed)  # 0 too: without this value, an alarm reports the reaper
    return destroyed
