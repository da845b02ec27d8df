"""Shortcuts to prepare a test."""

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
    """Return an obviously fake credential, different for each `mark`."""
    return Secret(f"sk-fake-{mark}-0000000000000000000000000000")


def new(mark: str = "one", **members: object) -> NewProvider:
    """Return a command to add a provider."""
    return replace(NewProvider("openai", f"Provider {mark}", key(mark)), **members)  # type: ignore[arg-type]


def added(ports: FakePorts, mark: str = "one", **members: object) -> Provider:
    """Add a provider, and return it."""
    return add_provider(ports, ORG, new(mark, **members))[0]


def rotate(ports: FakePorts, provider: Provider, mark: str) -> Provider:
    """Rotate to the key of `mark`, and return the provider."""
    return update_provider(ports, ORG, provider.id, Change(api_key=key(mark)))[0]


def active_key(ports: FakePorts, provider: Provider) -> str:
    """Return the credential that a reader gets now, in plain text."""
    return resolve(ports, ORG, provider.id).secret.reveal()
