"""Resolving credentials for the data plane, and recording their use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from providers.model.errors import NotFound, Unavailable
from providers.model.policy import Policy
from providers.ports import TamperedCredential
from providers.usecases.commands import Change
from providers.usecases.delete import delete_provider
from providers.usecases.resolve import Resolved, resolve
from providers.usecases.update import update_provider
from providers_data_plane.sealed import SealedCredential
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added, key, rotate


def test_the_active_version_is_read_whole() -> None:
    """Resolve returns the credential, its vendor, its base_url and its version."""
    ports = FakePorts()
    provider = added(ports, base_url="https://proxy.example.com/v1")
    assert resolve(ports, ORG, provider.id) == Resolved("openai", "https://proxy.example.com/v1", 1, key())


def test_a_request_keeps_its_version_and_host() -> None:
    """A request can keep its version and host during a rotation."""
    ports = FakePorts()
    provider = added(ports, base_url="https://first.example.com/v1")
    began = resolve(ports, ORG, provider.id)
    change = Change(api_key=key("two"), base_url="https://second.example.com/v1")
    update_provider(ports, ORG, provider.id, change)
    assert resolve(ports, ORG, provider.id, began.version) == began
    assert resolve(ports, ORG, provider.id) == Resolved("openai", "https://second.example.com/v1", 2, key("two"))


def test_a_resolved_credentials_repr_hides_it() -> None:
    """The repr of a resolved credential does not show it."""
    ports = FakePorts()
    assert key().reveal() not in repr(resolve(ports, ORG, added(ports).id))


def test_an_expired_version_is_refused_while_its_row_is_there() -> None:
    """An expired version cannot be read, even if its row still exists."""
    ports = FakePorts(Policy(grace=timedelta(minutes=1)))
    provider = rotate(ports, added(ports), "two")
    ports.clock.pass_time(seconds=59)
    assert resolve(ports, ORG, provider.id, 1).secret == key()
    ports.clock.pass_time(seconds=1)
    with pytest.raises(NotFound) as caught:
        resolve(ports, ORG, provider.id, 1)
    assert caught.value.code == "version_not_found"
    assert (ORG, provider.id, 1) in ports.db.rows


def drop_row(ports: FakePorts, provider_id: str) -> None:
    """Delete the active version's row."""
    del ports.db.rows[ORG, provider_id, 1]


GONE: dict[str, tuple[Callable[[FakePorts, str], object], str, int | None, str]] = {
    "a version that never was": (lambda ports, provider_id: None, ORG, 7, "version_not_found"),
    "a row that is lost": (drop_row, ORG, None, "version_not_found"),
    "a provider that is deleted": (
        lambda ports, provider_id: delete_provider(ports, ORG, provider_id),
        ORG,
        None,
        "provider_not_found",
    ),
    "another organization's provider": (lambda ports, provider_id: None, "org_b", 1, "provider_not_found"),
}


@pytest.mark.parametrize(("lose", "org", "version", "code"), GONE.values(), ids=GONE)
def test_missing_providers_and_versions_are_not_found(
    lose: Callable[[FakePorts, str], object], org: str, version: int | None, code: str
) -> None:
    """A missing provider and a missing version are different 404s."""
    ports = FakePorts()
    provider = added(ports)
    lose(ports, provider.id)
    with pytest.raises(NotFound) as caught:
        resolve(ports, org, provider.id, version)
    assert caught.value.code == code


def test_a_rotation_between_the_two_reads_is_not_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the row read was just replaced without a grace window, the new version is returned."""
    ports = FakePorts(Policy(grace=timedelta(0)))
    provider = added(ports)
    read = ports.providers.sealed

    def rotate_first(org: str, provider_id: str, version: int) -> SealedCredential | None:
        monkeypatch.undo()
        rotate(ports, provider, "two")
        return read(org, provider_id, version)

    monkeypatch.setattr(ports.providers, "sealed", rotate_first)
    assert resolve(ports, ORG, provider.id) == Resolved("openai", None, 2, key("two"))


def test_a_tampered_row_does_not_open() -> None:
    """A tampered row does not open, and no use is recorded."""
    ports = FakePorts()
    provider = added(ports)
    row = ports.db.rows[ORG, provider.id, 1]
    ports.db.rows[ORG, provider.id, 1] = replace(row, nonce=b"another place")
    with pytest.raises(TamperedCredential):
        resolve(ports, ORG, provider.id)
    assert ports.providers.last_used(ORG, provider.id) == {}


def test_a_version_in_constant_use_costs_one_write_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Last use is written at most once a minute."""
    ports = FakePorts()
    provider = added(ports)
    began, record = ports.clock.now(), ports.providers.record_use
    written: list[float] = []

    def used(sealed: SealedCredential, at: datetime) -> None:
        written.append((at - began).total_seconds())
        record(sealed, at)

    monkeypatch.setattr(ports.providers, "record_use", used)
    for _ in range(181):
        resolve(ports, ORG, provider.id)
        ports.clock.pass_time(seconds=1)
    assert written == [0, 60, 120, 180]


def test_a_read_succeeds_even_if_its_use_cannot_be_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """If recording the use fails, the credential is still returned, and the next read records it."""
    ports = FakePorts()
    provider = added(ports)

    def fail(sealed: SealedCredential, at: datetime) -> None:
        raise Unavailable("dependency_unavailable", "broken for a test")

    with monkeypatch.context() as patch:
        patch.setattr(ports.providers, "record_use", fail)
        assert resolve(ports, ORG, provider.id).secret == key()
    assert ports.providers.last_used(ORG, provider.id) == {}
    resolve(ports, ORG, provider.id)
    assert ports.providers.last_used(ORG, provider.id) == {1: ports.clock.now()}
