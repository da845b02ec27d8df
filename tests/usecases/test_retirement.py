"""Retirement: expired versions are destroyed one by one, without changing the provider item."""

from __future__ import annotations

from datetime import timedelta

import pytest

from providers.model.errors import Unavailable
from providers.model.events import EventType
from providers.model.policy import Policy
from providers.ports import Expired, StaleWrite
from providers.usecases import retirement as module
from providers.usecases.delete import delete_provider
from providers.usecases.events import drain_outbox
from providers.usecases.preconditions import etag
from providers.usecases.retirement import reap
from providers.usecases.rollback import rollback_provider
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, active_key, added, key, rotate

GRACE = timedelta(hours=1)


def test_a_row_is_destroyed_when_its_grace_window_ends() -> None:
    """A version is destroyed exactly when its grace window ends, and no other."""
    ports = FakePorts(Policy(grace=GRACE))
    provider = rotate(ports, added(ports), "two")
    end = ports.clock.now() + GRACE
    assert reap(ports, end - timedelta(microseconds=1)) == 0
    assert reap(ports, end) == 1
    assert list(ports.db.rows) == [(ORG, provider.id, 2)]
    assert active_key(ports, provider) == key("two").reveal()
    assert reap(ports, end) == 0


def test_the_provider_item_is_not_changed() -> None:
    """Destroying a version keeps the provider's ETag and does not conflict with a running change."""
    ports = FakePorts(Policy(grace=GRACE))
    provider = rotate(ports, added(ports), "two")
    ports.clock.pass_time(hours=1)
    reap(ports, ports.clock.now())
    found = ports.providers.get(ORG, provider.id)
    assert found == provider
    assert etag(found) == etag(provider)
    assert [version.number for version in found.live_versions(ports.clock.now())] == [2]


def test_the_next_rotation_clears_the_provider_item() -> None:
    """The next rotation removes destroyed versions from the provider item and never reuses their numbers."""
    ports = FakePorts(Policy(grace=GRACE))
    provider = rotate(ports, added(ports), "two")
    ports.clock.pass_time(hours=1)
    reap(ports, ports.clock.now())
    assert [version.number for version in rotate(ports, provider, "three").versions] == [2, 3]


def test_missing_rows_do_no_harm() -> None:
    """Index entries of deleted providers are removed."""
    ports = FakePorts(Policy(grace=GRACE))
    provider = rotate(ports, added(ports), "two")
    delete_provider(ports, ORG, provider.id)
    reap(ports, ports.clock.now() + GRACE)
    assert (ports.db.rows, ports.db.expiring) == ({}, set())


def test_a_contended_row_is_left_for_the_next_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version with a write conflict is destroyed in the next minute and does not block others."""
    ports = FakePorts(Policy(grace=GRACE))
    for mark in ("one", "two", "three"):
        rotate(ports, added(ports, mark), f"{mark}-more")
    end, destroy = ports.clock.now() + GRACE, ports.expired.destroy
    busy = ports.expired.list_due(end, 10)[1]

    def refuse(expired: Expired) -> None:
        if expired == busy:
            raise StaleWrite
        destroy(expired)

    with monkeypatch.context() as patch:
        patch.setattr(ports.expired, "destroy", refuse)
        assert reap(ports, end) == 2
    assert ports.db.expiring == {busy}
    assert reap(ports, end) == 1


def test_a_run_destroys_a_limited_number_and_the_next_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run destroys a limited number of versions, oldest first, and the next one continues."""
    monkeypatch.setattr(module, "AT_ONCE", 2)
    ports = FakePorts(Policy(grace=GRACE))
    retiring = []
    for mark in ("one", "two", "three"):
        retiring.append(rotate(ports, added(ports, mark), f"{mark}-more").id)
        ports.clock.pass_time(minutes=1)
    ports.clock.pass_time(hours=1)
    assert reap(ports, ports.clock.now()) == 2
    assert [each.provider_id for each in ports.db.expiring] == retiring[2:]
    assert [reap(ports, ports.clock.now()) for _ in range(2)] == [1, 0]


def announced(ports: FakePorts) -> list[tuple[str, int]]:
    """Return the provider and the version of each `safe_to_revoke` that was committed, and forget them."""
    found = [each for each in ports.db.outbox.values() if each.type is EventType.SAFE_TO_REVOKE]
    ports.db.outbox.clear()
    return [(each.provider_id, each.detail["key_version"]) for each in found]


def reap_after(ports: FakePorts, **delta: float) -> list[tuple[str, int]]:
    """Let time pass, run the reaper twice in the same minute, and return what it announced."""
    ports.clock.pass_time(**delta)
    for _ in range(2):
        reap(ports, ports.clock.now())
    return announced(ports)


def test_a_version_that_no_request_uses_is_announced_once() -> None:
    """`safe_to_revoke` is committed once, when the longest request that could have begun with the version is over."""
    ports = FakePorts(Policy(grace=GRACE))
    provider = rotate(ports, added(ports), "two")
    assert reap_after(ports, hours=1) == []
    assert reap_after(ports, minutes=9, seconds=59) == []
    assert reap_after(ports, seconds=1) == [(provider.id, 1)]
    assert reap_after(ports, days=1) == []
    assert (ports.db.idle, ports.db.outbox) == (set(), {})


def test_a_credential_that_is_used_elsewhere_is_not_announced() -> None:
    """A key that another provider uses must not be revoked, and is announced when that one has replaced it, too."""
    ports = FakePorts(Policy(grace=GRACE))
    first, second = added(ports), added(ports, "other", api_key=key())
    rotate(ports, first, "two")
    assert reap_after(ports, hours=1) == []
    assert reap_after(ports, minutes=10) == []
    rotate(ports, second, "three")
    reap_after(ports, hours=1)
    assert reap_after(ports, minutes=10) == [(second.id, 1)]


def test_a_credential_that_was_rolled_back_to_is_announced_at_its_end() -> None:
    """After a rollback, the restored credential is announced with its last version only."""
    ports = FakePorts(Policy(grace=GRACE))
    provider = rotate(ports, added(ports), "two")
    ports.clock.pass_time(minutes=30)
    rollback_provider(ports, ORG, provider.id, 1)
    ports.clock.pass_time(minutes=5)
    rotate(ports, provider, "four")
    assert reap_after(ports, minutes=25) == []  # version 1 has expired; version 3 has the same credential
    assert reap_after(ports, minutes=10) == []
    assert reap_after(ports, minutes=20) == []
    assert reap_after(ports, minutes=10) == [(provider.id, 2)]
    assert reap_after(ports, minutes=5) == [(provider.id, 3)]


def test_a_deleted_provider_is_not_announced() -> None:
    """The versions of a deleted provider are not announced: its deletion was."""
    ports = FakePorts(Policy(grace=GRACE))
    provider = rotate(ports, added(ports), "two")
    delete_provider(ports, ORG, provider.id)
    reap_after(ports, hours=1)
    assert reap_after(ports, minutes=10) == []
    assert ports.db.idle == set()


def test_an_announcement_survives_an_outage_of_the_bus() -> None:
    """An event that cannot be published stays in the outbox, and the version is not announced again."""
    ports = FakePorts(Policy(grace=GRACE))
    rotate(ports, added(ports), "two")
    reap_after(ports, hours=1)
    ports.clock.pass_time(minutes=10)
    ports.publisher.broken = True
    for _ in range(2):
        reap(ports, ports.clock.now())
        with pytest.raises(Unavailable):
            drain_outbox(ports, ports.clock.now() + timedelta(seconds=40))
    assert [each.type for each in ports.db.outbox.values()] == [EventType.SAFE_TO_REVOKE]
