"""The side writes that a change commits in its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from providers_contract.frozen import dataclass

if TYPE_CHECKING:
    from providers.model.audit import Entry
    from providers.model.events import Event
    from providers.model.idempotency import Completion
    from providers.model.upload import Upload


@dataclass(frozen=True, slots=True)
class SideWrites:
    """Outbox events, audit entry, idempotency result and consumed link, written in the same transaction as a change.

    Args:
        events: for the outbox.
        entry: for the audit trail.
        completion: the response for replay. Raises LeaseLost if this request has lost its lease.
        consumed_link: the upload link to delete. Raises UploadUsed if it was already used.
    """

    events: Sequence[Event] = ()
    entry: Entry | None = None
    completion: Completion | None = None
    consumed_link: Upload | None = None


NO_SIDE_WRITES = SideWrites()
