"""Fixtures for all tests."""

import functools
import gc
import os
from collections.abc import Iterator
from typing import Any

import botocore.session
import botocore.useragent
import httpcore2
import moto.core.models
import pytest
from botocore.hooks import EventAliaser
from moto.core.config import default_user_config

from local.faster_moto import speed_up_moto

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the long tests first, so that no process has one left when the others have nothing to do."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))


def pytest_collection_finish() -> None:
    """Exempt what collection made from garbage collection: it is all kept, and searching it takes long."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _read_botocores_files_once() -> Iterator[None]:
    """Share a loader of botocore's files and boto3's session in a process; every mock_aws would make its own.

    moto intercepts botocore's requests without its patterns of URLs, which are for other HTTP libraries.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        patch.setitem(default_user_config["core"], "reset_boto3_session", False)
        patch.setattr(moto.core.models, "RESPONSES_METHODS", [])
        patch.setattr(EventAliaser, "_alias_event_name", _aliased)
        sanitize = botocore.useragent.sanitize_user_agent_string_component  # at each call, for each word
        patch.setattr(botocore.useragent, sanitize.__name__, functools.cache(sanitize))
        speed_up_moto()
        yield


_alias: Any = vars(EventAliaser)["_alias_event_name"]
_ALIASES: dict[str, str] = {}


def _aliased(self: Any, name: str) -> str:
    """Return the name by which botocore knows an event; the emitter of each client would find it by itself."""
    if name not in _ALIASES:
        _ALIASES[name] = _alias(self, name)
    return _ALIASES[name]


@pytest.fixture(scope="session", autouse=True)
def _load_certificates_once() -> Iterator[None]:
    """Share the TLS context of the HTTP library in a process; every client would load all certificate authorities."""
    load = functools.cache(lambda _trust_env, *_: _load(_trust_env=_trust_env))
    _load = httpcore2.default_ssl_context

    def shared(*, _trust_env: bool = True) -> Any:
        return load(_trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", shared)
        yield
