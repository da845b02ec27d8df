"""One emulator for all tests of this folder, reset for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.vendors.server import Emulator, running_emulator


@pytest.fixture(scope="session")
def _emulator() -> Iterator[Emulator]:
    with running_emulator() as running:
        yield running


@pytest.fixture
def emulator(_emulator: Emulator) -> Emulator:
    """A running emulator that has had no requests."""
    _emulator.reset()
    return _emulator
