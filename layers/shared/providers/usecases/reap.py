"""Destroy the key versions whose grace window has ended. DynamoDB's TTL, which takes days, is only a backstop."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from providers.ports import Ports, StaleWrite

AT_ONCE: Final = 500


def reap(ports: Ports, now: datetime) -> int:
    """Destroy what has expired by `now`, the oldest first, and return how many rows went.

    Raises Unavailable.
    """
    destroyed = 0
    for expired in ports.expired.due(now, AT_ONCE):
        try:
            ports.expired.destroy(expired)
        except StaleWrite:
            continue  # somebody is writing to the same row at this moment
        destroyed += 1
    return destroyed
