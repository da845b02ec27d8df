"""Publish what was committed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from providers.model.errors import Unavailable
from providers.model.events import Event
from providers.ports import Ports

_AT_ONCE: Final = 100

LEFT_AFTER: Final = timedelta(seconds=30)
"""Longer than a function may take from its commit to its end."""


def publish(ports: Ports, events: Sequence[Event]) -> None:
    """Publish events that were just committed.

    The change they tell of is made, so a failure is not the caller's: the events stay in the outbox, and the next
    minute's sweep publishes them.
    """
    if not events:
        return
    try:
        ports.outbox.forget(ports.publisher.publish(events))
    except Unavailable:
        return


def drain_outbox(ports: Ports) -> int:
    """Publish events that were left unpublished, the oldest first, and return how many. Raises Unavailable.

    Those of the last moments are left to whoever committed them and is about to publish them.
    """
    left = ports.clock.now() - LEFT_AFTER
    events = [event for event in ports.outbox.pending(_AT_ONCE) if event.at <= left]
    published = ports.publisher.publish(events) if events else []
    ports.outbox.forget(published)
    return len(published)
