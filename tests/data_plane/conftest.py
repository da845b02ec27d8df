"""A deployment for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.data_plane import Deployment, deployment


@pytest.fixture
def deployed() -> Iterator[Deployment]:
    """Yield a stack in moto, with a grace window of an hour."""
    with deployment() as made:
        yield made
