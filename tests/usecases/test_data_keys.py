"""Replacing an organization's data key, and re-encrypting its credentials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from providers.ports import StaleWrite, TamperedCredential
from providers.usecases.data_keys import (
    SETTLED_AFTER,
    DataKeyInUse,
    UnknownDataKey,
    destroy_data_key,
    list_data_keys,
    reseal,
    rotate_data_key,
)
from providers.usecases.resolve import resolve
from providers_data_plane.sealed import SealedCredential
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, active_key, added, key, rotate

OLD, NEW = "00000001", "00000002"


def uses(ports: FakePorts) -> list[tuple[str, int, bool]]:
    return [(each.key.id, each.versions, each.current) for each in list_data_keys(ports, ORG)]


@pytest.fixture
def ports() -> FakePorts:
    """Three stored versions of two providers, all under the first data key."""
    fakes = FakePorts()
    rotate(fakes, added(fakes), "two")
    added(fakes, "other")
    return fakes


def test_every_version_is_resealed_under_the_new_key(ports: FakePorts) -> None:
    """Every stored version is re-encrypted, retired ones too; plaintext and expiry are unchanged."""
    before = {key: (row.expires_at, row.created_at) for key, row in ports.db.rows.items()}
    assert uses(ports) == [(OLD, 3, True)]
    done = rotate_data_key(ports, ORG)
    assert (done.key.id, done.versions, done.broken, done.settled_in) == (NEW, 3, [], SETTLED_AFTER)
    assert uses(ports) == [(NEW, 3, True), (OLD, 0, False)]
    assert {key: (row.expires_at, row.created_at) for key, row in ports.db.rows.items()} == before
    provider_id = next(stored.id for stored in ports.db.providers.values() if len(stored.versions) == 2)
    assert [resolve(ports, ORG, provider_id, version).secret for version in (1, 2)] == [key(), key("two")]


def test_an_interrupted_pass_is_resumed(ports: FakePorts, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted pass is resumed with the same new key."""
    real, calls = ports.providers.reseal, [0]

    def stop_after_one(before: SealedCredential, after: SealedCredential) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        real(before, after)

    monkeypatch.setattr(ports.providers, "reseal", stop_after_one)
    with pytest.raises(KeyboardInterrupt):
        rotate_data_key(ports, ORG)
    monkeypatch.undo()
    assert uses(ports) == [(NEW, 1, True), (OLD, 2, False)]
    assert reseal(ports, ORG).versions == 2
    assert uses(ports) == [(NEW, 3, True), (OLD, 0, False)]
    assert reseal(ports, ORG).versions == 0


def test_a_version_that_changes_meanwhile_is_skipped(ports: FakePorts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that was deleted or re-encrypted concurrently is skipped without an error."""

    def lose(before: SealedCredential, after: SealedCredential) -> None:
        raise StaleWrite

    monkeypatch.setattr(ports.providers, "reseal", lose)
    done = rotate_data_key(ports, ORG)
    assert (done.versions, done.broken) == (0, [])


def test_a_tampered_provider_item_is_reported_and_not_resealed(ports: FakePorts) -> None:
    """A tampered provider item is reported and not re-encrypted, which would make it genuine."""
    (altered,) = (stored for stored in ports.db.providers.values() if len(stored.versions) == 1)
    ports.db.providers[ORG, altered.id] = replace(altered, vendor="groq")
    done = rotate_data_key(ports, ORG)
    assert (done.versions, done.broken) == (2, [altered.id])
    assert ports.db.rows[ORG, altered.id, 1].data_key_id == OLD


def test_an_old_key_is_destroyed_when_it_seals_nothing(ports: FakePorts) -> None:
    """An unused data key can be destroyed; copies of its rows then never open, and stored ones do."""
    copies = dict(ports.db.rows)
    rotate_data_key(ports, ORG)
    ports.clock.pass_time(minutes=10)
    assert reseal(ports, ORG).settled_in == timedelta(0)
    destroy_data_key(ports, ORG, OLD)
    assert uses(ports) == [(NEW, 3, True)]
    (provider,) = (stored for stored in ports.db.providers.values() if len(stored.versions) == 1)
    assert active_key(ports, provider) == key("other").reveal()
    ports.db.rows.update(copies)
    with pytest.raises(TamperedCredential):
        active_key(ports, provider)


def nothing(_: FakePorts) -> None:
    """Do not wait."""


def settle(ports: FakePorts) -> None:
    """Wait until no process uses the old key."""
    ports.clock.pass_time(minutes=10)


def seal_late(ports: FakePorts) -> None:
    """Seal a row with the old key after the pass, like a function that still has it in memory."""
    settle(ports)
    key = next(iter(ports.db.rows))
    ports.db.rows[key] = replace(ports.db.rows[key], data_key_id=OLD)


REFUSED = [
    (NEW, settle, "rotate it first"),
    (OLD, nothing, "10 min"),
    (OLD, lambda ports: ports.clock.pass_time(minutes=9, seconds=59), "1 min"),
    (OLD, seal_late, "reseal"),
]


@pytest.mark.parametrize(("key_id", "meanwhile", "why"), REFUSED)
def test_a_key_that_could_still_be_used_is_not_destroyed(
    ports: FakePorts, key_id: str, meanwhile: Callable[[FakePorts], None], why: str
) -> None:
    """The newest key, one in use, and one that a process may still have in memory cannot be destroyed."""
    rotate_data_key(ports, ORG)
    meanwhile(ports)
    with pytest.raises(DataKeyInUse, match=why):
        destroy_data_key(ports, ORG, key_id)
    assert len(list_data_keys(ports, ORG)) == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda ports: rotate_data_key(ports, "org_new"),
        lambda ports: reseal(ports, "org_new"),
        lambda ports: destroy_data_key(ports, ORG, "00000009"),
    ],
)
def test_missing_data_keys_are_not_found(ports: FakePorts, call: Callable[[FakePorts], object]) -> None:
    """An organization without credentials and an unknown key id lead to a not-found error."""
    with pytest.raises(UnknownDataKey):
        call(ports)
