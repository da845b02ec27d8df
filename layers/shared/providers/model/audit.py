"""The audit trail. An entry is committed with its change, and contains no part of a credential except hints."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from providers_contract.frozen import dataclass
from providers_contract.vocabulary import Action

KEPT: Final = timedelta(days=400)
"""The retention period of an entry: a year, and a month to review it."""


Facts = dict[str, Any] | None
"""Fields of a resource by name; None if it does not exist."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made a change: a management key, a person with an upload link (created by the key), or the sweep (no key)."""

    type: str
    key_id: str | None = None


SYSTEM: Final = Actor("system")


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a resource. `id` is a ULID; `before` and `after` have the fields that differ."""

    id: str
    at: datetime
    org: str
    actor: Actor
    action: Action
    resource_type: str
    resource_id: str
    before: Facts = None
    after: Facts = None
    request_id: str | None = None


def difference(before: Facts, after: Facts) -> tuple[Facts, Facts]:
    """Return the fields that differ, before and after; all fields of one if the other is None."""
    if before is None or after is None:
        return before, after
    changed = [name for name in before if before[name] != after[name]]
    return {name: before[name] for name in changed}, {name: after[name] for name in changed}
