"""Fixtures for all tests."""

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader

pytest_plugins = ["tests.kit.figures"]
pytest.register_assert_rewrite("tests.proofs.changes", "tests.proofs.state", "tests.proofs.world")


@pytest.fixture(scope="session", autouse=True)
def _read_service_models_once() -> Iterator[None]:
    """Parse each of botocore's service models once per process; every test with moto would parse them again."""
    parse = functools.cache(functools.partial(JSONFileLoader.load_file, JSONFileLoader()))

    def load_file(_: JSONFileLoader, path: str) -> Any:
        return parse(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", load_file)
        yield
