"""LiteLLM without the network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.proxy import OFFLINE


@pytest.fixture(scope="session", autouse=True)
def _offline() -> Iterator[None]:
    """Set LiteLLM's variables for this process, before a test imports it, and for the programs that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in OFFLINE.items():
            patch.setenv(name, value)
        yield
