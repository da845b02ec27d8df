"""Standard output and error that never raise: a command's changes must not depend on whether it can print."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from typing import Any, Final, TextIO

_SIMPLER: Final = {"…": "...", "–": "-", "→": "->", "·": ".", "×": "x", "─": "-", "█": "#"} | dict(
    zip("▁▂▃▄▅▆▇", "1234567", strict=True)
)
_HANDLER: Final = "providers-simpler"


def _simplify(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that the stream cannot encode: a codecs error handler, with escapes as the fallback."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    shown = "".join(_SIMPLER.get(each) or each.encode("ascii", "backslashreplace").decode() for each in text)
    return shown, error.end


class SafeStream:
    """Wraps a text stream, and drops text that cannot be written.

    It has no `buffer`, because writing there would bypass it.

    Attributes:
        error: why a write failed, or None.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.error: OSError | None = None
        if stream is None:  # closed before the program started
            self.error = OSError("it is closed")
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - until the program ends
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_HANDLER)
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`, unless an earlier write failed."""
        if not isinstance(text, str):
            raise TypeError("a text stream takes text")  # click distinguishes text streams from binary ones by this
        try:
            if self.error is None:
                self._stream.write(text)
        except OSError as error:
            self._drop(error)
        return len(text)

    def flush(self) -> None:
        """Flush the stream; record a failure."""
        try:
            self._stream.flush()
        except OSError as error:
            self._drop(error)

    def _drop(self, error: OSError) -> None:
        """Discard buffered text: Python flushes it when the program ends, and would exit with 120."""
        self.error = self.error or error
        with suppress(OSError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - its descriptor is wanted
            os.dup2(nowhere.fileno(), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self._stream, name)


def install() -> None:
    """Replace the standard streams."""
    codecs.register_error(_HANDLER, _simplify)
    sys.stdout = SafeStream(sys.stdout)
    sys.stderr = SafeStream(sys.stderr)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - until the program ends


def lost_output() -> OSError | None:
    """Return why standard output could not be written, or None."""
    sys.stdout.flush()
    return sys.stdout.error if isinstance(sys.stdout, SafeStream) else None
