"""Limits the logs of botocore and of HTTP libraries to warnings and errors, at every level of the root logger.

At DEBUG botocore logs response bodies, and KMS responds with the plaintext of data keys; httpcore2 logs response
headers, in which a vendor may repeat the key. Lambda gives the root logger the stack's LogLevel, and these loggers
would inherit it.
"""

from __future__ import annotations

import logging


def quiet(*libraries: str) -> None:
    """Set the loggers of `libraries`, and those below them, to warnings and errors only."""
    for library in libraries:
        logging.getLogger(library).setLevel(logging.WARNING)
