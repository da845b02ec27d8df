"""Limit what the libraries of the adapters log to warnings and errors, at every log level of the functions.

At DEBUG botocore logs each answer's body, and KMS answers with the plaintext of data keys; httpcore2 logs each answer's
headers, in which a vendor may repeat the key that it was sent. Lambda gives the root logger the stack's LogLevel, and
these loggers would take it over from there.
"""

from __future__ import annotations

import logging


def quiet(*libraries: str) -> None:
    """Set the loggers of `libraries`, and those below them, to warnings and errors only."""
    for library in libraries:
        logging.getLogger(library).setLevel(logging.WARNING)
