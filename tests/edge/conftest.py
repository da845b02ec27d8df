"""The functions, with fakes for every port."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from providers import bootstrap
from providers.edge import logs
from tests.kit.fakes import FakePorts


@pytest.fixture
def ports() -> Iterator[FakePorts]:
    """Fakes that the functions use during a test."""
    fakes = FakePorts()
    bootstrap.install(fakes)
    yield fakes
    bootstrap.install(None)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Return the functions' log, as CloudWatch would receive it."""
    written = io.StringIO()
    for handler in logs.logger.handlers:
        monkeypatch.setattr(handler, "stream", written)
    return written
