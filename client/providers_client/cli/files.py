"""Reads files and standard input that can contain keys."""

from __future__ import annotations

import os
import stat
import sys
from typing import Final

from providers_client.errors import ConfigurationError

MAX_FILE_BYTES: Final = 1024 * 1024
"""Far larger than any file of keys."""


def read_text(path: str, option: str) -> str:
    """Return a small text file, given as `option`. Raises ConfigurationError, which does not echo the path.

    The path can be a key, given by mistake. Pipes and devices are refused, because they may never end; a shell's `<(…)`
    is a pipe: use standard input instead.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigurationError(f"{option} is not a regular file; use standard input for a pipe")
            return _decoded(file.read(MAX_FILE_BYTES + 1), f"the file of {option}")
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigurationError):
            raise
        why = getattr(error, "strerror", None) or "it is not the path of a file"
    raise ConfigurationError(f"cannot read the file of {option}: {why}")


def read_stdin() -> str:
    """Return all of standard input, which must be a small text. Raises ConfigurationError."""
    try:
        return _decoded(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), "standard input")
    except OSError as error:
        why = error.strerror
    raise ConfigurationError(f"cannot read standard input: {why}")


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file without blocking on a pipe that has no writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _decoded(content: bytes, what: str) -> str:
    if len(content) > MAX_FILE_BYTES:
        raise ConfigurationError(f"{what} is larger than {MAX_FILE_BYTES // 1024} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise ConfigurationError(f"{what} is not UTF-8 text")
