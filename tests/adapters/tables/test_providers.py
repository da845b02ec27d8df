"""Providers and their sealed credentials."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from providers.adapters.tables.providers import DynamoProviders
from providers.model.provider import KeyVersion, Verification
from providers.ports import NameTaken, ProviderFilter, StaleWrite
from providers_contract.vocabulary import Outcome, Reason, Status
from tests.kit.aws import dynamodb_local_tables
from tests.kit.stores import NOW, Stores, config, provider, rotated, sealed


def test_a_provider_is_read_as_it_was_written(stores: Stores) -> None:
    """Every field of a provider is read as it was written, set or not."""
    full = provider(
        1,
        status=Status.PENDING,
        verification=Verification(Outcome.INDETERMINATE, Reason.TIMEOUT, NOW),
        name="Größe ß 数",
        versions=(
            KeyVersion(1, "sk-…0001", NOW, NOW + timedelta(hours=1), None, "e" * 64, None, None),
            KeyVersion(2, "0002", NOW, None, "https://proxy.example.com/v1", "f" * 64, NOW + timedelta(days=1), "acme"),
        ),
    )
    stores.providers.create(full, sealed(full))
    bare = provider(2)
    stores.providers.create(bare, sealed(bare))
    assert stores.providers.get("org_a", full.id) == full
    assert stores.providers.get("org_a", bare.id) == bare
    assert stores.providers.sealed("org_a", full.id, 1) == sealed(full)


def test_another_organization_sees_nothing(stores: Stores) -> None:
    """Reads and lists of an organization never return another's providers."""
    stores.providers.create(provider(), sealed(provider()))
    assert stores.providers.get("org_b", provider().id) is None
    assert stores.providers.list("org_b", ProviderFilter(), 10, None) == ([], None)
    assert stores.providers.sealed("org_b", provider().id, 1) is None


def test_a_name_is_unique_ignoring_case(stores: Stores) -> None:
    """A second provider of the same name is refused, and nothing is written."""
    stores.providers.create(provider(1, name="Prod"), sealed(provider(1)))
    second = provider(2, name="pROD")
    with pytest.raises(NameTaken):
        stores.providers.create(second, sealed(second))
    assert stores.providers.get("org_a", second.id) is None
    assert stores.providers.sealed("org_a", second.id, 1) is None


def test_the_owner_of_a_name_is_found_ignoring_case(stores: Stores) -> None:
    """A name leads to the provider that has it until it is renamed or deleted."""
    one = provider(1, name="Straße")
    stores.providers.create(one, sealed(one))
    assert stores.providers.named("org_a", "STRASSE") == one.id
    assert (stores.providers.named("org_b", "Straße"), stores.providers.named("org_a", "Other")) == (None, None)
    stores.providers.delete(one)
    assert stores.providers.named("org_a", "Straße") is None


def test_the_same_name_in_another_organization_is_free(stores: Stores) -> None:
    """Names are unique within an organization only."""
    stores.providers.create(provider(1, name="Prod"), sealed(provider(1)))
    other = provider(2, name="Prod", org="org_b")
    stores.providers.create(other, sealed(other))
    assert stores.providers.get("org_b", other.id) == other


def test_a_rotation_keeps_the_old_version_and_dates_its_end(stores: Stores) -> None:
    """After a rotation both rows exist, the old one with its expiry."""
    before = provider()
    stores.providers.create(before, sealed(before))
    end = NOW + timedelta(hours=1)
    after = rotated(before, end)
    stores.providers.change(before, after, sealed(after, 2))
    assert stores.providers.get("org_a", before.id) == after
    old = stores.providers.sealed("org_a", before.id, 1)
    assert old is not None
    assert old.expires_at == end
    assert stores.providers.sealed("org_a", before.id, 2) == sealed(after, 2)


def test_a_removed_version_loses_its_row(stores: Stores) -> None:
    """The sealed credential of a dropped version is deleted."""
    before = provider()
    stores.providers.create(before, sealed(before))
    after = rotated(before, None)
    stores.providers.change(before, after, sealed(after, 2))
    assert stores.providers.sealed("org_a", before.id, 1) is None


def test_a_stale_change_writes_nothing(stores: Stores) -> None:
    """Of two changes to the same revision, one is refused completely."""
    before = provider()
    stores.providers.create(before, sealed(before))
    first = rotated(before, NOW)
    stores.providers.change(before, first, sealed(first, 2))
    late = replace(rotated(before, NOW), name="Late")
    with pytest.raises(StaleWrite):
        stores.providers.change(before, late, sealed(late, 2))
    assert stores.providers.get("org_a", before.id) == first


def test_a_change_of_a_missing_provider_creates_nothing(stores: Stores) -> None:
    """Updating a deleted provider does not recreate a part of it."""
    ghost = provider()
    with pytest.raises(StaleWrite):
        stores.providers.change(ghost, replace(ghost, name="X", revision=2))
    assert stores.providers.get("org_a", ghost.id) is None


def test_renaming_moves_the_claim(stores: Stores) -> None:
    """Renaming frees the old name and takes the new one; a change of case alone is not a conflict."""
    before = provider(1, name="Old")
    stores.providers.create(before, sealed(before))
    middle = replace(before, name="New", revision=2)
    stores.providers.change(before, middle)
    stores.providers.change(middle, replace(middle, name="NEW", revision=3))
    second = provider(2, name="old")
    stores.providers.create(second, sealed(second))
    with pytest.raises(NameTaken):
        stores.providers.change(second, replace(second, name="new", revision=2))


def test_a_change_keeps_the_refs(stores: Stores) -> None:
    """A change made from an older read keeps a reference that was added since."""
    before = provider()
    stores.providers.create(before, sealed(before))
    stores.routing.put(None, config("@a", before.id))
    stores.providers.change(before, replace(before, name="New", revision=2))
    found = stores.providers.get("org_a", before.id)
    assert found is not None
    assert found.refs == {"@a"}


def test_attributes_that_become_none_are_removed(stores: Stores) -> None:
    """A removed base_url is deleted from the item."""
    version = KeyVersion(1, "0001", NOW, None, "https://proxy.example.com", "f" * 64, NOW, "acme")
    before = provider(versions=(version,))
    stores.providers.create(before, sealed(before))
    after = replace(before, versions=(KeyVersion(1, "0001", NOW, fingerprint="f" * 64),), revision=2)
    stores.providers.change(before, after)
    assert stores.providers.get("org_a", before.id) == after


def test_deleting_leaves_nothing(stores: Stores) -> None:
    """Deleting a provider removes its item, name, fingerprint and all versions together."""
    before = provider(name="Prod")
    stores.providers.create(before, sealed(before))
    after = rotated(before, NOW + timedelta(hours=1))
    stores.providers.change(before, after, sealed(after, 2))
    stores.providers.delete(after)
    assert stores.providers.get("org_a", before.id) is None
    assert [stores.providers.sealed("org_a", before.id, number) for number in (1, 2)] == [None, None]
    assert list(stores.providers.with_fingerprint("org_a", after.active.fingerprint)) == []
    again = provider(2, name="Prod")
    stores.providers.create(again, sealed(again))


def test_a_referenced_provider_is_not_deleted(stores: Stores) -> None:
    """The store refuses to delete a referenced provider, even if the caller's read is older than the reference."""
    before = provider()
    stores.providers.create(before, sealed(before))
    stores.routing.put(None, config("@a", before.id))
    with pytest.raises(StaleWrite):
        stores.providers.delete(before)
    assert stores.providers.sealed("org_a", before.id, 1) is not None


def test_fingerprints_follow_the_active_version(stores: Stores) -> None:
    """Providers with the same credential are found until it is replaced."""
    one, two = provider(1), provider(2)
    stores.providers.create(one, sealed(one))
    stores.providers.create(two, sealed(two))
    assert sorted(stores.providers.with_fingerprint("org_a", "f" * 64)) == [one.id, two.id]
    after = rotated(one, NOW)
    stores.providers.change(one, after, sealed(after, 2))
    assert list(stores.providers.with_fingerprint("org_a", "f" * 64)) == [two.id]
    assert list(stores.providers.with_fingerprint("org_b", "f" * 64)) == []


def test_a_row_is_resealed_only_if_unchanged(stores: Stores) -> None:
    """Re-encryption replaces the seal only; expiry and last use written in the meantime are kept."""
    one = provider()
    stores.providers.create(one, sealed(one))
    again = replace(sealed(one), data_key_id="00000002", nonce=b"m" * 12, ciphertext=b"other")
    stores.providers.record_use(sealed(one), NOW)
    stores.providers.reseal(sealed(one), replace(again, expires_at=NOW))
    assert stores.providers.sealed("org_a", one.id, 1) == replace(again, last_used_at=NOW)
    for stale in (sealed(one), replace(again, version=2), replace(again, org="org_b")):
        with pytest.raises(StaleWrite):
            stores.providers.reseal(stale, again)
    assert stores.providers.sealed("org_a", one.id, 2) is None


def test_racing_rotations_on_dynamodb_local_leave_one_winner_a_round() -> None:
    """Of twenty threads that change the same revision, one succeeds, and its row is stored."""
    with dynamodb_local_tables() as tables:
        store = DynamoProviders(tables.client, tables.main, tables.secrets)
        before = provider()
        store.create(before, sealed(before))
        won: list[str] = []

        def rotate(mark: str) -> None:
            after = replace(rotated(before, NOW), name=mark)
            try:
                store.change(before, after, replace(sealed(after, 2), ciphertext=mark.encode()))
            except StaleWrite:
                return
            won.append(mark)

        threads = [threading.Thread(target=rotate, args=(f"t{number}",)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found, row = store.get("org_a", before.id), store.sealed("org_a", before.id, 2)
        assert found is not None
        assert row is not None
        assert [found.name, row.ciphertext.decode()] == won * 2
