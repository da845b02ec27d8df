"""The audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from providers_contract.frozen import dataclass

if TYPE_CHECKING:
    from providers.model.audit import Entry


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Filters of an audit trail; None means any."""

    resource_id: str | None = None
    action: str | None = None
    key_id: str | None = None


class AuditStore(Protocol):
    """The audit trail; entries are side writes of the changes that they record."""

    def list(
        self, org: str, wanted: AuditFilter, since: datetime, limit: int, before: str | None
    ) -> tuple[Sequence[Entry], str | None]:
        """Return up to `limit` entries made after `since`, newest first, with ids below `before` if given.

        Also returns the id after which to continue, None at the end. A resource has its own trail; other filters read
        `READ_AT_MOST` entries at a time. Raises Unavailable.
        """
        ...
