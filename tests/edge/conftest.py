"""The functions, with every port faked."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from providers import bootstrap
from providers.edge import logs
from tests.kit.fakes import FakePorts


@pytest.fixture
def ports() -> Iterator[FakePorts]:
    """Fakes that the functions use for the length of a test."""
    fakes = FakePorts()
    bootstrap.install(fakes)
    yield fakes
    bootstrap.install(None)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the functions log, as it would reach CloudWatch."""
    written = io.StringIO()
    for handler in logs.logger.handlers:
        monkeypatch.setattr(handler, "stream", written)
    return written
