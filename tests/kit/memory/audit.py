"""The audit trail in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from providers.model.audit import Entry
from providers.ports import AuditFilter
from tests.kit.memory.database import Database, page_of


class MemoryAudit:
    """The audit trail in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def list(
        self, org: str, wanted: AuditFilter, since: datetime, limit: int, before: str | None
    ) -> tuple[Sequence[Entry], str | None]:
        def matches(entry: Entry) -> bool:
            return wanted.action in (None, entry.action) and wanted.key_id in (None, entry.actor.key_id)

        own = [
            entry
            for entry in self.db.trail
            if entry.org == org and entry.at > since and wanted.resource_id in (None, entry.resource_id)
        ]
        return page_of(own, matches, limit, before, filtered=(wanted.action, wanted.key_id) != (None, None))
