"""The console against a running stack: one browser for each process, a key and an organization for each test."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.local.conftest import Api, api, http, stack

if find_spec("selenium"):
    from tests.kit.browser import Browser, running_browser
else:  # `make test-browser` installs it
    collect_ignore = ["test_actions.py", "test_everyone.py", "test_upload_page.py"]

__all__ = ["api", "http", "stack"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Run one browser."""
    with running_browser() as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser, api: Api) -> Iterator[Browser]:
    """Yield a tab that is signed in with a key of every scope; fail if the page broke its policy or had an error."""
    chromium.look()
    chromium.sign_in(api.stack.url, api.key)
    yield chromium
    assert chromium.faults() == []
