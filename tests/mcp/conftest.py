"""A running stack, and an organization for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.background import in_background
from local.stack import Stack, running_stack
from tests.mcp.connecting import Person


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack that runs while a module's tests do."""
    with in_background(running_stack()) as running:
        yield running


@pytest.fixture
def person(stack: Stack, request: pytest.FixtureRequest) -> Person:
    """A user with a management key of a new organization."""
    return Person(stack, "org_" + request.node.name.replace("[", "_").rstrip("]")[-40:])
