"""What a change commits together, and what a write raises where it cannot be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from providers.model.audit import Entry
from providers.model.events import Event
from providers.model.idempotency import Completed
from providers.model.upload import Upload


class StaleWrite(Exception):
    """What a write was conditioned on is no longer so. Nothing was written; read again and decide."""


class NameTaken(Exception):
    """Another provider of the organization has claimed the name. Nothing was written."""


class LimitReached(Exception):
    """The organization, or a provider, has as many of these as it may have. Nothing was written.

    Args:
        what: the member of `Limits` that says how many.
        count: how many there are.
        provider_id: of which provider, for `configs_per_provider`.
    """

    def __init__(self, what: str, count: int, provider_id: str | None = None) -> None:
        super().__init__("limit reached")
        self.what = what
        self.count = count
        self.provider_id = provider_id


class MissingProvider(Exception):
    """Providers that a routing config names do not exist. Nothing was written."""

    def __init__(self, provider_ids: frozenset[str]) -> None:
        super().__init__("missing providers")
        self.provider_ids = provider_ids


class ClaimLost(Exception):
    """The request took longer than its lease, and another of the same Idempotency-Key goes on. Nothing was written."""


class UploadUsed(Exception):
    """The upload link was used meanwhile, or is gone. Nothing was written."""


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
