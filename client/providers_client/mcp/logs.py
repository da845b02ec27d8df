"""Logs that cannot contain a key: errors are logged by kind and location, without messages and source lines."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import PurePath
from typing import Any


class PlainHandler(logging.Handler):
    """Passes on a record's fields, without arguments and error messages: the protocol's library quotes messages there.

    Args:
        write: receives the fields.
    """

    def __init__(self, write: Callable[[dict[str, Any]], object]) -> None:
        super().__init__(logging.WARNING)
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        """Write `record`."""
        fields: dict[str, Any] = {"logger": record.name, "message": str(record.msg)}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            frames = traceback.extract_tb(error.__traceback__)[-8:]
            fields["kind"] = type(error).__name__
            fields["frames"] = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        self._write(fields)


def install(write: Callable[[dict[str, Any]], object]) -> None:
    """Send the logs of the server, the protocol's library and the HTTP library through `write`, and nowhere else."""
    for name in ("mcp", "providers_client", "httpx2", "httpcore2"):
        logger = logging.getLogger(name)
        logger.handlers = [PlainHandler(write)]
        logger.setLevel(logging.WARNING)
        logger.propagate = False
