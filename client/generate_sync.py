"""Write `providers_client/sync.py`, the synchronous client, from `aio.py`: `python client/generate_sync.py`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parent / "providers_client"
HEADER: Final = '"""Synchronous client. Generated from aio.py by client/generate_sync.py; do not edit."""'
REPLACEMENTS: Final = (
    (r'\A""".*?"""', HEADER),
    (r"\basync (def|for|with) ", r"\1 "),
    (r"\bawait ", ""),
    (r"for each in (\S+):\n\s+yield each\b", r"yield from \1"),
    (r"\b__a(enter|exit)__", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"\bAsync([A-Z])", r"\1"),
)


def generate() -> str:
    """Return the source of the synchronous client."""
    text = (PACKAGE / "aio.py").read_text()
    for pattern, replacement in REPLACEMENTS:
        text = re.sub(pattern, replacement, text, flags=re.DOTALL)
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(PACKAGE / "sync.py"), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours
    return text


if __name__ == "__main__":
    (PACKAGE / "sync.py").write_text(generate())
