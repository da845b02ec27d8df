"""Short ways to set the stage for a test."""

from __future__ import annotations

from dataclasses import replace

from providers.model.provider import Provider
from providers.usecases.add import add_provider
from providers.usecases.commands import Change, NewProvider
from providers.usecases.resolve import resolve
from providers.usecases.update import update_provider
from providers_contract.secret import Secret
from tests.kit.fakes import FakePorts

ORG = "org_a"


def key(mark: str = "one") -> Secret:
    """An obviously fake credential, a different one for each `mark`."""
    return Secret(f"sk-fake-{mark}-0000000000000000000000000000")


def new(mark: str = "one", **members: object) -> NewProvider:
    """A command to add a provider."""
    return replace(NewProvider("openai", f"Provider {mark}", key(mark)), **members)  # type: ignore[arg-type]


def added(ports: FakePorts, mark: str = "one", **members: object) -> Provider:
    """A provider that has just been added."""
    return add_provider(ports, ORG, new(mark, **members))[0]


def rotate(ports: FakePorts, provider: Provider, mark: str) -> Provider:
    """The provider after a rotation to the key of `mark`."""
    return update_provider(ports, ORG, provider.id, Change(api_key=key(mark)))[0]


def active_key(ports: FakePorts, provider: Provider) -> str:
    """What a reader of the credential gets now, in plain text."""
    return resolve(ports, ORG, provider.id).secret.reveal()
