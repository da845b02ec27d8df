"""Counters of verifications in memory."""

from __future__ import annotations

from collections import Counter


class MemoryVerifications:
    """Counters of verifications in memory."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str | None, int]] = Counter()

    def count(self, org: str | None, minute: int) -> int:
        self.counts[org, minute] += 1
        return self.counts[org, minute]
