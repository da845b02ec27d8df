"""Live versions, and the versions that are safe to revoke at the vendor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from providers.model.errors import NotFound, ProvidersError
from providers.model.policy import Policy
from providers.model.provider import IN_FLIGHT, Provider
from providers.usecases.add import add_provider
from providers.usecases.resolve import resolve
from providers.usecases.rollback import rollback_provider
from providers.usecases.versions import destroy_version, list_versions
from providers_contract.vocabulary import Action
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added, new, rotate


def patient() -> FakePorts:
    """Return a stack with a grace window longer than every case."""
    return FakePorts(Policy(grace=timedelta(hours=6)))


def test_every_live_version_is_listed_newest_first() -> None:
    """Live versions are listed newest first, with hint, times and last use."""
    ports = patient()
    provider = added(ports)
    ports.clock.pass_time(minutes=5)
    resolve(ports, ORG, provider.id)
    used_at = ports.clock.now()
    ports.clock.pass_time(minutes=5)
    provider = rotate(ports, provider, "two")
    second, first = list_versions(ports, ORG, provider.id)
    assert (first.version, second.version) == provider.versions
    assert [(each.version.number, each.active, each.last_used_at) for each in (second, first)] == [
        (2, True, None),
        (1, False, used_at),
    ]
    assert (second.version.retires_at, first.version.retires_at) == (None, ports.clock.now() + timedelta(hours=6))


def test_an_expired_version_is_not_listed() -> None:
    """An expired version is not listed, before or after it is destroyed."""
    ports = FakePorts(Policy(grace=timedelta(minutes=1)))
    provider = rotate(ports, added(ports), "two")
    ports.clock.pass_time(seconds=59)
    assert [each.version.number for each in list_versions(ports, ORG, provider.id)] == [2, 1]
    ports.clock.pass_time(seconds=1)
    assert [each.version.number for each in list_versions(ports, ORG, provider.id)] == [2]


def test_another_organizations_versions_are_not_found() -> None:
    """Another organization's versions are not found."""
    ports = patient()
    provider = added(ports)
    with pytest.raises(NotFound):
        list_versions(ports, "org_b", provider.id)


Story = Callable[[FakePorts, Provider], object]


def pause(minutes: float) -> Story:
    """Let time pass."""
    return lambda ports, _: ports.clock.pass_time(minutes=minutes)


def in_order(*steps: Story) -> Story:
    """Return a scenario of several steps."""
    return lambda ports, provider: [step(ports, provider) for step in steps]


def rotated_to(mark: str) -> Story:
    """Rotate the provider to another key."""
    return lambda ports, provider: rotate(ports, provider, mark)


def used(version: int | None = None) -> Story:
    """Resolve the active version, or a given one."""
    return lambda ports, provider: resolve(ports, ORG, provider.id, version)


def rolled_back(version: int | None = None) -> Story:
    """Roll back to the previous credential."""
    return lambda ports, provider: rollback_provider(ports, ORG, provider.id, version)


def shared(ports: FakePorts, _: Provider) -> Provider:
    """Add another provider with the same credential."""
    return added(ports, name="Other")


def shared_and_rotated(ports: FakePorts, _: Provider) -> None:
    """Add another provider with the same credential, and rotate it."""
    rotate(ports, added(ports, name="Other"), "others")


def shared_elsewhere(ports: FakePorts, _: Provider) -> None:
    """Add the same credential in another organization, which must not be disclosed."""
    add_provider(ports, "org_b", new())


TWO = rotated_to("two")
SAFE: dict[str, tuple[Story, float, dict[int, bool]]] = {
    "alone": (in_order(), 300, {1: False}),
    "just replaced": (TWO, 0, {1: False, 2: False}),
    "replaced, and its requests may run": (TWO, 10.99, {1: False, 2: False}),
    "replaced, and its requests are over": (TWO, 11, {1: True, 2: False}),
    "used a moment before it was replaced": (in_order(used(), TWO), 10.99, {1: False, 2: False}),
    "used long before it was replaced": (
        in_order(used(), pause(60), TWO),
        10,
        {1: True, 2: False},
    ),
    "used by a request that began with it": (
        in_order(TWO, pause(60), used(1)),
        10.99,
        {1: False, 2: False},
    ),
    "used by such a request, which is over": (
        in_order(TWO, pause(60), used(1)),
        11,
        {1: True, 2: False},
    ),
    "rolled back to": (in_order(TWO, rolled_back()), 300, {1: False, 2: True, 3: False}),
    "rolled back to and just replaced": (
        in_order(TWO, rolled_back(), pause(60), rotated_to("three")),
        5,
        {1: False, 2: True, 3: False, 4: False},
    ),
    "rolled back to and replaced": (
        in_order(TWO, rolled_back(), pause(60), rotated_to("three")),
        11,
        {1: True, 2: True, 3: True, 4: False},
    ),
    "the same credential put again": (in_order(TWO, rotated_to("one")), 300, {1: False, 2: True, 3: False}),
    "another provider holds it": (in_order(TWO, shared), 300, {1: False, 2: False}),
    "another provider held it": (in_order(TWO, shared_and_rotated), 300, {1: True, 2: False}),
    "another organization holds it": (in_order(TWO, shared_elsewhere), 300, {1: True, 2: False}),
}


@pytest.mark.parametrize(("story", "minutes", "expected"), SAFE.values(), ids=SAFE)
def test_versions_that_are_safe_to_revoke(story: Story, minutes: float, expected: dict[int, bool]) -> None:
    """A version is safe to revoke only when no one can be using it any more, `minutes` after the scenario."""
    ports = patient()
    provider = added(ports)
    story(ports, provider)
    ports.clock.pass_time(minutes=minutes)
    found = list_versions(ports, ORG, provider.id)
    assert {each.version.number: each.safe_to_revoke for each in found} == expected


def test_a_request_may_run_for_the_sdks_default_timeout() -> None:
    """Requests can last ten minutes, the default timeout of OpenAI's and Anthropic's SDKs."""
    assert timedelta(minutes=10) == IN_FLIGHT


def destroyed(ports: FakePorts, provider: Provider, number: int, **given: Any) -> str:
    """Return the result of trying to destroy a version."""
    try:
        destroy_version(ports, ORG, provider.id, number, **given)
    except ProvidersError as error:
        return error.code
    return "destroyed"


def test_a_version_is_destroyed_before_its_time() -> None:
    """A destroyed version's row is deleted; it cannot be read or restored, and its number is not reused."""
    ports = FakePorts()
    provider = rotate(ports, rotate(ports, added(ports), "two"), "three")
    assert destroyed(ports, provider, 2) == "destroyed"
    assert sorted(number for _, _, number in ports.db.rows) == [1, 3]
    assert [each.version.number for each in list_versions(ports, ORG, provider.id)] == [3, 1]
    for gone in (2, 7):
        assert destroyed(ports, provider, gone) == "version_not_found"
    with pytest.raises(NotFound):
        resolve(ports, ORG, provider.id, 2)
    assert rollback_provider(ports, ORG, provider.id)[0].active.number == 4
    entry = next(each for each in ports.db.trail if each.action is Action.VERSION_DESTROYED)
    assert (entry.before, entry.after) == ({"key_version": 2, "key_hint": "sk-…0000"}, None)


def test_the_active_version_is_not_destroyed() -> None:
    """The active version, a stale If-Match and a missing provider are refused, and nothing changes."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    before = (dict(ports.db.providers), dict(ports.db.rows))
    assert destroyed(ports, provider, 2) == "version_active"
    assert destroyed(ports, provider, 1, if_match='"1"') == "etag_mismatch"
    assert destroyed(ports, replace(provider, id="prov_" + "0" * 26), 1) == "provider_not_found"
    assert (ports.db.providers, ports.db.rows) == before


def test_a_version_that_became_active_meanwhile_is_not_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that becomes active before the commit is not destroyed."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    change = ports.providers.change

    def rotate_first(*given: Any, **named: Any) -> None:
        monkeypatch.undo()
        rotate(ports, provider, "three")
        change(*given, **named)

    monkeypatch.setattr(ports.providers, "change", rotate_first)
    assert destroyed(ports, provider, 1) == "destroyed"
    assert sorted(number for _, _, number in ports.db.rows) == [2, 3]
