"""Upload links in memory."""

from __future__ import annotations

from dataclasses import replace

from providers.model.policy import LIMITS, Limits
from providers.model.upload import LIFETIME, Upload
from providers.ports import NO_SIDE_WRITES, SideWrites, StaleWrite, UploadUsed
from tests.kit.memory.database import Database, refuse_more


class MemoryUploads:
    """Upload links in memory."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def put(self, upload: Upload, side_writes: SideWrites = NO_SIDE_WRITES, limits: Limits = LIMITS) -> None:
        with self.db.lock:
            self.db.check(side_writes)
            if upload.id in self.db.uploads:
                raise StaleWrite
            window = (upload.org, int(upload.created_at.timestamp() // LIFETIME.total_seconds()))
            refuse_more("upload_links", self.db.links[window], limits)
            self.db.links[window] += 1
            self.db.uploads[upload.id] = upload
            self.db.commit(side_writes)

    def get(self, upload_id: str) -> Upload | None:
        return self.db.uploads.get(upload_id)

    def use(self, upload_id: str) -> None:
        with self.db.lock:
            if self.db.uploads.pop(upload_id, None) is None:
                raise UploadUsed

    def count_attempt(self, upload_id: str) -> int:
        with self.db.lock:
            if upload_id not in self.db.uploads:
                raise UploadUsed
            found = self.db.uploads[upload_id]
            self.db.uploads[upload_id] = replace(found, tries=found.tries + 1)
            return found.tries + 1
