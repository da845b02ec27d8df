"""What may be logged of an error."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import Any


def where(error: BaseException) -> dict[str, Any]:
    """The kind of an unexpected error and where it came from, without its text: that could hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "kind": type(error).__name__,
        "causes": getattr(error, "__notes__", []),
        "frames": [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    }
