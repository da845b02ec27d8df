"""If-Match: a change is refused if the provider has another revision than the caller read."""

from __future__ import annotations

import pytest

from providers.model.errors import PreconditionFailed
from providers.usecases.commands import Change
from providers.usecases.preconditions import etag
from providers.usecases.update import update_provider
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, active_key, added, key


def test_if_match_guards_a_change() -> None:
    """The current tag allows a change; an old one refuses it, and nothing is written."""
    ports = FakePorts()
    provider = added(ports)
    after, _ = update_provider(ports, ORG, provider.id, Change(name="New"), if_match=etag(provider))
    with pytest.raises(PreconditionFailed):
        update_provider(ports, ORG, provider.id, Change(name="Newer"), if_match=etag(provider))
    assert ports.providers.get(ORG, provider.id) == after


def test_if_match_guards_a_rotation_to_its_end() -> None:
    """A rename during verification makes the tag stale, and the rotation is refused."""
    ports = FakePorts()
    provider = added(ports)

    def rename() -> None:
        ports.verify.meanwhile = None
        update_provider(ports, ORG, provider.id, Change(name="Renamed"))

    ports.verify.meanwhile = rename
    with pytest.raises(PreconditionFailed):
        update_provider(ports, ORG, provider.id, Change(api_key=key("two")), if_match=etag(provider))
    assert active_key(ports, provider) == key().reveal()
