"""Counters of verifications."""

from __future__ import annotations

from tests.kit.stores import Stores


def test_verifications_are_counted_per_minute(stores: Stores) -> None:
    """Verifications are counted per minute, separately for each organization and for the stack."""
    counts = [
        stores.verifications.count(org, minute)
        for org, minute in [("a", 7), ("a", 7), ("b", 7), (None, 7), ("a", 8), ("a", 7), (None, 7), (None, 8)]
    ]
    assert counts == [1, 2, 1, 1, 1, 3, 2, 1]
