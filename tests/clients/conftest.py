"""A stack for the generated clients."""

from tests.local.conftest import api, http, stack

__all__ = ["api", "http", "stack"]
