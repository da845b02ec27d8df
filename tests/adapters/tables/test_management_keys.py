"""Management keys and their counters."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from providers.model.management_key import ManagementKey
from providers.ports import StaleWrite
from providers_contract.vocabulary import Scope
from tests.kit.stores import NOW, Stores, provider, sealed


def test_management_keys_are_kept_counted_and_revoked(stores: Stores) -> None:
    """A key is read as written, requests are counted per minute, and the first revocation time is kept."""
    key = ManagementKey("01abc", "d" * 64, "org_a", "CI", frozenset(Scope), NOW, expires_at=NOW + timedelta(days=1))
    stores.keys.put(key)
    assert stores.keys.get("01abc") == key
    with pytest.raises(StaleWrite):
        stores.keys.put(replace(key, org="org_b"))
    assert [stores.keys.count("01abc", 7), stores.keys.count("01abc", 7), stores.keys.count("01abc", 8)] == [1, 2, 1]
    stores.keys.record_use("01abc", NOW)
    revoked = replace(key, revoked_at=NOW, mac="of the revoked key")
    stores.keys.revoke(revoked)
    for late in (replace(revoked, revoked_at=NOW + timedelta(days=1)), replace(revoked, id="nobody")):
        with pytest.raises(StaleWrite):
            stores.keys.revoke(late)
    assert stores.keys.get("01abc") == replace(revoked, last_used_at=NOW)
    stores.keys.record_use("nobody", NOW)
    assert stores.keys.get("nobody") is None


def test_management_keys_are_listed_for_an_organization(stores: Stores) -> None:
    """All keys are listed oldest first, including revoked ones, over several Scan pages, and nothing else."""
    assert stores.keys.list("org_a") == []
    padding = "x" * 6000  # so that a table of 200 keys is more than the megabyte that one Scan reads
    keys = [
        ManagementKey(f"{n:04}", "d" * 64, f"org_{'ab'[n % 2]}", padding, frozenset(Scope), NOW + timedelta(seconds=n))
        for n in range(200)
    ]
    for key in reversed(keys):
        stores.keys.put(key)
    stores.keys.count("0000", 7)
    stores.keys.revoke(replace(keys[0], revoked_at=NOW))
    stores.providers.create(provider(), sealed(provider()))
    assert stores.keys.list("org_a") == [replace(keys[0], revoked_at=NOW), *keys[2::2]]
    assert [key.id for key in stores.keys.list(None)] == [key.id for key in keys]
    assert stores.keys.list("org_c") == []
