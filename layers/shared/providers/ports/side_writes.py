"""What a change commits in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from providers.model.audit import Entry
from providers.model.events import Event
from providers.model.idempotency import Completed
from providers.model.upload import Upload


@dataclass(frozen=True, slots=True)
class Alongside:
    """What is committed with a change, in the same transaction: all of it, or nothing.

    Args:
        events: go to the outbox.
        entry: goes to the audit trail.
        completed: the answer for whoever repeats the request; ClaimLost where the claim is no longer this request's.
        used: the upload link that is used up; UploadUsed where it was before.
    """

    events: Sequence[Event] = ()
    entry: Entry | None = None
    completed: Completed | None = None
    used: Upload | None = None


NOTHING = Alongside()
