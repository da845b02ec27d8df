"""A stored credential is sent only to the destination it was sealed for, and only while its host is allowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from providers.model.errors import ProvidersError, Unprocessable
from providers.model.policy import Policy
from providers.model.provider import Provider
from providers.ports import TamperedCredential
from providers.usecases.commands import Change
from providers.usecases.resolve import resolve
from providers.usecases.rollback import rollback_provider
from providers.usecases.update import update_provider
from providers.usecases.uploads import ToRotate, create_upload
from providers_contract.vocabulary import HealthState, Reason, Status
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added, key, rotate
from tests.kit.sweeps import stored, sweep

PROXY = "https://proxy.example.com/v1"


def alter(ports: FakePorts, provider: Provider, **members: object) -> None:
    """Change the provider item, as someone with write access to the table and no key could."""
    ports.db.providers[ORG, provider.id] = replace(ports.db.providers[ORG, provider.id], **members)  # type: ignore[arg-type]


def to_another_host(ports: FakePorts, provider: Provider) -> None:
    """Change the first version's base_url to another allowed host."""
    stored = ports.db.providers[ORG, provider.id]
    first, *others = stored.versions
    alter(ports, provider, versions=(replace(first, base_url="https://evil.example.com"), *others))


def to_another_vendor(ports: FakePorts, provider: Provider) -> None:
    """Change the provider's vendor."""
    alter(ports, provider, vendor="groq")


ALTERATIONS = [to_another_host, to_another_vendor]
Alteration = Callable[[FakePorts, Provider], None]


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_a_tampered_provider_item_sends_no_stored_key(alteration: Alteration) -> None:
    """With a tampered provider item, the sweep sends nothing and reports why; resolve and rollback fail."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    alteration(ports, provider)
    with pytest.raises(TamperedCredential):
        resolve(ports, ORG, provider.id, 1)
    ports.verify.asked.clear()
    with pytest.raises(TamperedCredential):
        rollback_provider(ports, ORG, provider.id)
    assert ports.verify.asked == []


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_a_tampered_provider_becomes_unhealthy(alteration: Alteration) -> None:
    """Three probes with a broken seal make the provider unhealthy, and none sends the key."""
    ports = FakePorts()
    provider = added(ports)
    alteration(ports, provider)
    ports.verify.asked.clear()
    for _ in range(3):
        sweep(ports)
    assert ports.verify.asked == []
    health = stored(ports, provider).health
    assert (health.state, health.reason) == (HealthState.UNHEALTHY, Reason.SEAL_BROKEN)


@pytest.fixture
def tightened() -> tuple[FakePorts, Provider]:
    """A provider whose host is no longer allowed, with an earlier version at the same host."""
    ports = FakePorts()
    provider = rotate(ports, added(ports, base_url=PROXY), "two")
    ports.policy = Policy(verifications_per_org=10_000, verifications=10_000)
    ports.verify.asked.clear()
    return ports, provider


def test_a_withdrawn_host_is_not_probed(tightened: tuple[FakePorts, Provider]) -> None:
    """A provider whose host is no longer allowed is unhealthy, with its own reason, until the host is allowed again."""
    ports, provider = tightened
    for _ in range(3):
        sweep(ports)
    assert ports.verify.asked == []
    health = stored(ports, provider).health
    assert (health.state, health.reason) == (HealthState.UNHEALTHY, Reason.BASE_URL_NOT_ALLOWED)
    ports.policy = FakePorts().policy
    for _ in range(2):
        sweep(ports)
    assert stored(ports, provider).health.state is HealthState.HEALTHY


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(ProvidersError) as caught:
        call()
    return caught.value.code


def test_a_withdrawn_host_is_not_used(tightened: tuple[FakePorts, Provider]) -> None:
    """Resolve, rollback, rotation and upload links refuse a host that is no longer allowed; nothing changes."""
    ports, provider = tightened
    calls = (
        lambda: resolve(ports, ORG, provider.id),
        lambda: resolve(ports, ORG, provider.id, 1),
        lambda: rollback_provider(ports, ORG, provider.id),
        lambda: update_provider(ports, ORG, provider.id, Change(api_key=key("three"))),
        lambda: create_upload(ports, ORG, "01maker", ToRotate(provider.id)),
    )
    assert [_code(each) for each in calls] == ["base_url_not_allowed"] * 5
    assert ports.verify.asked == []
    assert stored(ports, provider) == provider


def test_a_rotation_can_move_a_provider_to_an_allowed_host(tightened: tuple[FakePorts, Provider]) -> None:
    """A rotation can move the provider to an allowed host."""
    ports, provider = tightened
    moved, _ = update_provider(ports, ORG, provider.id, Change(api_key=key("three"), base_url=None))
    assert moved.base_url is None
    assert resolve(ports, ORG, provider.id).secret == key("three")
    with pytest.raises(Unprocessable):
        resolve(ports, ORG, provider.id, 2)


def test_a_disabled_provider_is_not_used() -> None:
    """No version of a disabled provider can be resolved until it is enabled."""
    ports = FakePorts()
    provider = rotate(ports, added(ports), "two")
    update_provider(ports, ORG, provider.id, Change(status=Status.DISABLED))
    for version in (None, 1):
        assert _code(partial(resolve, ports, ORG, provider.id, version)) == "provider_disabled"
    update_provider(ports, ORG, provider.id, Change(status=Status.ACTIVE))
    assert resolve(ports, ORG, provider.id, 1).secret == key()
