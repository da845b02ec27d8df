"""What may be logged of an error, and what the caller is told of it."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import Any

from aws_lambda_powertools import Logger

from providers.model.errors import ProvidersError
from providers_contract.errors import ERRORS


def where(error: BaseException) -> dict[str, Any]:
    """The kind of an unexpected error and where it came from, without its text: that could hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "kind": type(error).__name__,
        "causes": getattr(error, "__notes__", []),
        "frames": [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    }


def told(error: Exception, logger: Logger) -> ProvidersError:
    """What the caller is told of `error`; an operator reads the rest of it in the log."""
    if isinstance(error, ProvidersError):
        if ERRORS[error.code].status >= 500 or hasattr(error, "__notes__"):
            logger.warning("not done", code=error.code, causes=getattr(error, "__notes__", []))
        return error
    logger.error("unexpected error", **where(error))
    message = "something went wrong on our side; quote request_id when you report it"
    return ProvidersError("internal_error", message)
