"""Counters of verifications."""

from __future__ import annotations

from tests.kit.stores import Stores


def test_verifications_are_counted_per_minute(stores: Stores) -> None:
    """Verifications are counted per minute, for each organization up to its limit, and for the stack."""
    counts = [
        stores.verifications.count(org, minute, 2)
        for org, minute in [("a", 7), ("a", 7), ("b", 7), ("a", 8), ("a", 7), ("b", 7), ("b", 7), ("a", 8)]
    ]
    assert counts == [(1, 1), (2, 2), (1, 3), (1, 1), None, (2, 4), None, (2, 2)]
