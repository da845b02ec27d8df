"""Idempotency records in memory."""

from __future__ import annotations

from datetime import datetime

from providers.model.idempotency import Completion, ExistingRecord, Lease
from providers.ports import SideWrites
from tests.kit.memory.database import Database


class MemoryIdempotency:
    """Idempotency records in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def acquire(self, lease: Lease, now: datetime) -> ExistingRecord | None:
        with self.db.lock:
            old, response = self.db.records.get((lease.org, lease.key), (None, None))
            if old is not None and old.expires_at > now:
                if old.owner == lease.owner:
                    return None
                left = response is None and old.until <= now and old.request == lease.request
                if not left:
                    return ExistingRecord(old.request, old.until, response)
            self.db.records[lease.org, lease.key] = (lease, None)
            return None

    def complete(self, completion: Completion) -> None:
        with self.db.lock:
            lease, response = self.db.records.get((completion.lease.org, completion.lease.key), (None, None))
            if lease is not None and lease.owner == completion.lease.owner and response is not None:
                return
            side_writes = SideWrites(completion=completion)
            self.db.check(side_writes)
            self.db.commit(side_writes)

    def release(self, lease: Lease) -> None:
        with self.db.lock:
            old, response = self.db.records.get((lease.org, lease.key), (None, None))
            if old is not None and old.owner == lease.owner and response is None:
                del self.db.records[lease.org, lease.key]
