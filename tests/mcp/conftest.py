"""A running stack, and an organization for each test."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from local.background import in_background
from local.stack import Stack, running_stack
from tests.mcp.connecting import Person, stdio_environment
from tests.mcp.copies import original


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack that runs while a module's tests do."""
    with in_background(running_stack()) as running:
        yield running


@pytest.fixture(scope="session")
def stdio() -> Iterator[Callable[[], list[str]]]:
    """A function that returns the command of a server over stdio; what it copies is started by the first call."""
    with ExitStack() as started:
        yield functools.cache(lambda: started.enter_context(original(stdio_environment("", ""))))


@pytest.fixture
def person(stack: Stack, stdio: Callable[[], list[str]], request: pytest.FixtureRequest) -> Person:
    """A user with a management key of a new organization."""
    return Person(stack, "org_" + request.node.name.replace("[", "_").rstrip("]")[-40:], stdio)
