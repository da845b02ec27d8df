"""Run the README's shell blocks and compare what they print with what the README says.

`python -m tests.kit.readme` writes the README's outputs anew from a real run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.kit import cli_docs

README: Final = Path(__file__).parent.parent.parent / "README.md"
_BLOCK: Final = re.compile(r"```sh\n(?P<commands>.*?)```\n(?:```(?:json|text)\n(?P<output>.*?)```)?", re.DOTALL)
_SECTIONS: Final = ("### Add a provider", "## From a terminal")
"""Where the parts of the tour begin; each goes on to the next heading of the first rank."""

_END: Final = "--end of step--"

_VARIABLE: Final = {
    r"prov_[0-9A-Z]{26}": "prov_…",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ": "a time",
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}": "an id",
    r'"p\d\d":\d+': "a percentile",
    r"\breq_[0-9A-Za-z]+": "req_…",
    r"\b[0-9A-HJKMNP-TV-Z]{26}\b": "an id",
    r"\b[0-9a-hjkmnp-tv-z]{26}\b": "an id",
    r"\"next_cursor\":\"[^\"]+\"": "a cursor",
}


@dataclass(frozen=True)
class Step:
    """A block of commands and what it prints, if the README says."""

    commands: str
    output: str | None
    start: int
    end: int


def tour(text: str) -> list[Step]:
    """The steps of the tour: every `sh` block of its sections."""
    steps = []
    for section in _SECTIONS:
        begins = text.index(section)
        ends = text.find("\n## ", begins)
        found = _BLOCK.finditer(text, begins, len(text) if ends < 0 else ends)
        steps += [Step(each["commands"], each["output"], each.start("output"), each.end("output")) for each in found]
    return steps


def run(steps: list[Step], url: str, key: str) -> list[str]:
    """What each step prints, all of them in one shell, as a person would paste them."""
    script = "".join(f"{step.commands}\necho '{_END}'\n" for step in steps)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # where the command line is
    environment = {"PATH": path, "API": url, "KEY": key, "NO_PROXY": "*", "LC_ALL": "C.UTF-8", "COLUMNS": "100"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["bash"], input=script, env=environment, cwd=folder, capture_output=True, text=True, timeout=180, check=True
        )
    printed = "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())
    return [each.strip() + "\n" for each in printed.split(_END)[:-1]]


def masked(text: str) -> str:
    """`text` without what differs from run to run."""
    for pattern, name in _VARIABLE.items():
        text = re.sub(pattern, name, text)
    return cli_docs.masked(text)


def main() -> None:
    """Write the README's outputs anew."""
    from local.background import in_background
    from local.stack import running_stack

    text = README.read_text()
    steps = tour(text)
    with in_background(running_stack()) as stack:
        printed = run(steps, stack.url, stack.management_key.reveal())
    for step, output in reversed(list(zip(steps, printed, strict=True))):
        if step.output is not None and masked(step.output) != masked(output):
            text = text[: step.start] + output + text[step.end :]
    README.write_text(text)
    sys.stdout.write("README.md is current\n")


if __name__ == "__main__":
    main()
