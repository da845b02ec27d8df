"""Management keys in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from providers.model.management_key import ManagementKey
from providers.model.policy import LIMITS, Limits
from providers.ports import StaleWrite
from tests.kit.memory.database import refuse_more


class MemoryManagementKeys:
    """Management keys in memory."""

    def __init__(self) -> None:
        self.keys: dict[str, ManagementKey] = {}
        self.counts: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def get(self, key_id: str) -> ManagementKey | None:
        return self.keys.get(key_id)

    def put(self, key: ManagementKey, limits: Limits = LIMITS) -> None:
        if key.id in self.keys:
            raise StaleWrite
        usable = [each for each in self.keys.values() if each.org == key.org and each.revoked_at is None]
        refuse_more("management_keys", len(usable), limits)
        self.keys[key.id] = key

    def revoke(self, revoked: ManagementKey) -> None:
        if revoked.id not in self.keys or self.keys[revoked.id].revoked_at is not None:
            raise StaleWrite
        stored = self.keys[revoked.id]
        self.keys[revoked.id] = replace(stored, revoked_at=revoked.revoked_at, mac=revoked.mac)

    def list(self, org: str | None) -> Sequence[ManagementKey]:
        found = [key for key in self.keys.values() if org in (None, key.org)]
        return sorted(found, key=lambda key: (key.created_at, key.id))

    def count(self, key_id: str, minute: int) -> int:
        with self._lock:
            self.counts[key_id, minute] = self.counts.get((key_id, minute), 0) + 1
            return self.counts[key_id, minute]

    def record_use(self, key_id: str, at: datetime) -> None:
        if key_id in self.keys:
            self.keys[key_id] = replace(self.keys[key_id], last_used_at=at)
