"""Counters of verifications in memory."""

from __future__ import annotations

from collections import Counter


class MemoryVerifications:
    """Counters of verifications in memory."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str | None, int]] = Counter()

    def count(self, org: str, minute: int, limit: int) -> tuple[int, int] | None:
        if self.counts[org, minute] >= limit:
            return None
        self.counts[org, minute] += 1
        self.counts[None, minute] += 1
        return self.counts[org, minute], self.counts[None, minute]
