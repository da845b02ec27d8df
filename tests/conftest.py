"""Fixtures for all tests."""

import gc
import os
from collections.abc import Generator, Iterator

import pytest

pytest_plugins = ["tests.kit.figures"]
pytest.register_assert_rewrite("tests.proofs.changes", "tests.proofs.state", "tests.proofs.world")


LONG = (
    "local/test_use.py",
    "local/test_fuzz.py",
    "vendors/test_eighth_vendor.py",
    "test_permissions.py",
    "usecases/test_outbox.py",
    "local/test_tour.py",
    "local/test_process.py",
)
"""Tests that take seconds, or share a fixture that does."""


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Start one process more than there are cores: some wait for deadlines, and for programs that they start."""
    return (yield) + ("PYTEST_XDIST_AUTO_NUM_WORKERS" not in os.environ)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the long tests first, so that no process has one left when the others have nothing to do."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))


def pytest_collection_finish() -> None:
    """Exempt what collection made from garbage collection: it is all kept, and searching it takes long."""
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Collect garbage once: pytest does so five times before it ends, and finds nothing in what is frozen."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _shared() -> Iterator[None]:
    """Share what takes long to make between the tests of a process."""
    from tests.kit.sharing import shared  # late: the process that hands out the tests runs none

    with shared():
        yield
