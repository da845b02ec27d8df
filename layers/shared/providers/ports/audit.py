"""The audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from providers.model.audit import Entry


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What an audit trail is narrowed to; None means any."""

    resource_id: str | None = None
    action: str | None = None
    key_id: str | None = None


class AuditStore(Protocol):
    """The audit trail; entries are side writes of the changes that they record."""

    def list(
        self, org: str, wanted: AuditFilter, since: datetime, limit: int, before: str | None
    ) -> tuple[Sequence[Entry], str | None]:
        """Up to `limit` entries made after `since`, newest first, with ids below `before` where that is given.

        With them the id below which to go on, None at the end. A resource's entries are found without the others; any
        other filter looks at `READ_AT_MOST` entries at a time. Raises Unavailable.
        """
        ...
