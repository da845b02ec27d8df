"""The event `credential_expiring`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from providers.model.events import EventType
from providers.model.provider import Provider
from providers.usecases.commands import Change
from providers.usecases.update import update_provider
from providers_contract.vocabulary import Status
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added, rotate
from tests.kit.sweeps import sweep


def expire(ports: FakePorts, provider: Provider, days: float) -> None:
    """Set the expiry of the active credential."""
    update_provider(ports, ORG, provider.id, Change(key_expires_at=ports.clock.now() + timedelta(days=days)))


def notices(ports: FakePorts) -> list[dict[str, Any]]:
    """Return the details of the notices so far."""
    return [event.detail for event in ports.events if event.type is EventType.CREDENTIAL_EXPIRING]


def after(ports: FakePorts, days: float) -> list[int]:
    """Let time pass and sweep twice; return all notices so far."""
    ports.clock.pass_time(days=days)
    sweep(ports)
    sweep(ports)
    return [each["within_days"] for each in notices(ports)]


def test_each_notice_is_sent_once() -> None:
    """Each of the three is sent once, with the time of the expiry; none before 30 days and none after the last."""
    ports = FakePorts()
    end = ports.clock.now() + timedelta(days=40)
    added(ports, key_expires_at=end)
    sent = [after(ports, days) for days in (9, 1.1, 10, 13, 2, 4, 1, 5)]
    assert sent == [[], [30], [30], [30, 7], [30, 7], [30, 7, 1], [30, 7, 1], [30, 7, 1]]
    assert {each["key_expires_at"] for each in notices(ports)} == {f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    assert {each["key_version"] for each in notices(ports)} == {1}


def test_after_a_pause_only_the_latest_notice_is_sent() -> None:
    """A sweep that was stopped sends the latest notice, not all that were missed."""
    ports = FakePorts()
    added(ports, key_expires_at=ports.clock.now() + timedelta(days=40))
    assert after(ports, 35) == [7]


@pytest.mark.parametrize(("hours", "expected"), [(12, []), (23, []), (25, [1])])
def test_a_short_session_sends_nothing(hours: int, expected: list[int]) -> None:
    """A credential that was never valid for a day sends nothing, or each rotation of a session would."""
    ports = FakePorts()
    added(ports, key_expires_at=ports.clock.now() + timedelta(hours=hours))
    assert after(ports, (hours - 0.5) / 24) == expected


def test_another_expiry_has_notices_of_its_own() -> None:
    """A new expiry, and a rotation to a key that also expires, start again; without an expiry there is no notice."""
    ports = FakePorts()
    provider = added(ports)
    assert after(ports, 100) == []
    expire(ports, provider, 5)
    assert after(ports, 0) == [7]
    expire(ports, provider, 6)
    assert after(ports, 0) == [7, 7]
    update_provider(ports, ORG, provider.id, Change(key_expires_at=None))
    assert after(ports, 5.5) == [7, 7]
    rotate(ports, provider, "two")
    expire(ports, provider, 8)
    assert after(ports, 0) == [7, 7]
    assert after(ports, 1.5) == [7, 7, 7]
    assert [each["key_version"] for each in notices(ports)] == [1, 1, 2]


def test_a_disabled_provider_has_no_notice_until_it_is_enabled() -> None:
    """Nothing uses a disabled provider, so its expiry is announced when it becomes active again."""
    ports = FakePorts()
    provider = added(ports, key_expires_at=ports.clock.now() + timedelta(days=20))
    update_provider(ports, ORG, provider.id, Change(status=Status.DISABLED))
    assert after(ports, 14) == []
    update_provider(ports, ORG, provider.id, Change(status=Status.ACTIVE))
    assert after(ports, 0) == [7]
