"""Fixtures for all tests."""

import functools
from collections.abc import Iterator

import botocore.session
import moto.core.models
import pytest
from moto.core.config import default_user_config

pytest_plugins = ["tests.kit.figures"]
pytest.register_assert_rewrite("tests.proofs.changes", "tests.proofs.state", "tests.proofs.world")


@pytest.fixture(scope="session", autouse=True)
def _read_botocores_files_once() -> Iterator[None]:
    """Share a loader of botocore's files and boto3's session in a process; every mock_aws would make its own.

    moto intercepts botocore's requests without its patterns of URLs, which are for other HTTP libraries.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        patch.setitem(default_user_config["core"], "reset_boto3_session", False)
        patch.setattr(moto.core.models, "RESPONSES_METHODS", [])
        yield
