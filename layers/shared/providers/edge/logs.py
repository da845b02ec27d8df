"""The logger of every function, and the parts of an error that may be logged."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import PurePath
from typing import Any, Final

from aws_lambda_powertools import Logger

from providers.model.errors import ProvidersError
from providers_contract.errors import ERRORS

logger = Logger()

_invocations: Final = count()


@contextmanager
def log_context(context: Any, **keys: Any) -> Iterator[None]:
    """Add `keys`, the id of the invocation and whether it is a cold start to every line logged inside.

    `context` is Lambda's context object. The keys belong to the current thread only: the local stack runs functions in
    threads of one process.
    """
    cold_start = next(_invocations) == 0
    request_id = getattr(context, "aws_request_id", None)
    logger.thread_safe_append_keys(cold_start=cold_start, function_request_id=request_id, **keys)
    try:
        yield
    finally:
        logger.thread_safe_clear_keys()


def where(error: BaseException) -> dict[str, Any]:
    """Return an unexpected error's type and location, without its message, which could contain anything."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "kind": type(error).__name__,
        "causes": getattr(error, "__notes__", []),
        "frames": [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    }


def to_client_error(error: Exception) -> ProvidersError:
    """Log the exception and return the error to send."""
    if isinstance(error, ProvidersError):
        if ERRORS[error.code].status >= 500 or hasattr(error, "__notes__"):
            logger.warning("request failed", code=error.code, causes=getattr(error, "__notes__", []))
        return error
    logger.error("unexpected error", **where(error))
    return ProvidersError("internal_error", ERRORS["internal_error"].message)
