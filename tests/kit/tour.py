"""Run the shell blocks of README.md and docs/tour.md, and compare their output with the pages.

`python -m tests.kit.tour` writes the outputs from a real run, with fixed ids, times and latencies.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
PAGES: Final = {ROOT / "README.md": "## From a terminal", ROOT / "docs" / "tour.md": "# A tour of the API"}
"""The pages of the API and the command line, and the heading of the part to run."""

_BLOCK: Final = re.compile(r"```sh\n(?P<commands>.*?)```\n(?:```(?:json|text)\n(?P<output>.*?)```)?", re.DOTALL)
_END: Final = "--end of step--"
_START: Final = datetime(2026, 4, 14, 12, tzinfo=UTC)
_TIMES: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?Z")
_OTHERS: Final = (
    (re.compile(r'("p\d\d": ?)\d+'), r"\g<1>320"),
    (re.compile(r" +\d+ ms"), "  32 ms"),
    (re.compile(r'"next_cursor": ?"[^"]+"'), '"next_cursor": "…"'),
    (re.compile(r"\breq_[0-9A-Za-z]+"), "req_EXAMPLE"),
)


@dataclass(frozen=True)
class Step:
    """A block of commands and its output, if the page shows it."""

    commands: str
    output: str | None
    start: int
    end: int


def steps(page: Path) -> list[Step]:
    """Return the `sh` blocks of a page, from the heading in PAGES on."""
    text = page.read_text()
    found = _BLOCK.finditer(text, text.index(PAGES.get(page, "# ")))
    return [Step(each["commands"], each["output"], each.start("output"), each.end("output")) for each in found]


def run(found: list[Step], url: str, key: str, **more: str) -> list[str]:
    """Return the output of each step; all run in one shell, as a person would paste them.

    `more` are further environment variables.
    """
    script = "".join(f"{step.commands}\necho '{_END}'\n" for step in found)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # contains the command line
    environment = {
        "PATH": path,
        "API": url,
        "KEY": key,
        "PROVIDERS_API_URL": url,
        "PROVIDERS_API_KEY": key,
        "NO_PROXY": "*",
        "LC_ALL": "C.UTF-8",
        "PROVIDERS_FORCE_TTY": "100",
        **more,
    }
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["bash"], input=script, env=environment, cwd=folder, capture_output=True, text=True, timeout=180, check=True
        )
    printed = "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())
    return canonical([each.strip() + "\n" for each in printed.split(_END)[:-1]])


def canonical(outputs: list[str]) -> list[str]:
    """Return the outputs of one run with fixed ids, times and latencies, each the same wherever it appears."""
    text = _END.join(fixed(outputs))
    for pattern, replacement in _OTHERS:
        text = pattern.sub(replacement, text)
    return text.split(_END)


def fixed(outputs: list[str]) -> list[str]:
    """Return the outputs of one run with fixed ids and times."""
    text = _END.join(outputs)
    first = min(map(_minute, _TIMES.findall(text)), default=_START)

    def moved(match: re.Match[str]) -> str:
        at = _START + (_minute(match[0]) - first)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ" if "T" in match[0] else "%Y-%m-%d %H:%MZ")

    text = _TIMES.sub(moved, text)
    text = _numbered(r"prov_[0-9A-Z]{26}", "prov_01JFAKE{:019}".format, text)
    text = _numbered(
        r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
        lambda number: f"{'0' * 8}-0000-4000-8000-{number:012}",
        text,
    )
    text = _numbered(r"\b(?!01JFAKE)[0-9A-HJKMNP-TV-Z]{26}\b", "01JFAKE{:019}".format, text)
    text = _numbered(r"(?<![0-9a-z])(?!01jfake)[0-9a-hjkmnp-tv-z]{26}(?![0-9a-z])", "01jfake{:019}".format, text)
    return text.split(_END)


def masked(text: str) -> str:
    """Return `text` without times and widths: a run may cross a minute boundary, and a latency may have more digits."""
    return re.sub(r"─+", "─", re.sub(r" +", " ", _TIMES.sub("a time", text)))


def _numbered(pattern: str, name: Callable[[int], str], text: str) -> str:
    names: dict[str, str] = {}
    return re.sub(pattern, lambda match: names.setdefault(match[0], name(len(names) + 1)), text)


def _minute(text: str) -> datetime:
    return datetime.fromisoformat(text.replace(" ", "T")).replace(second=0)


def main() -> None:
    """Write the outputs of both pages from a real run."""
    from local.background import in_background
    from local.stack import running_stack

    for page in PAGES:
        text, found = page.read_text(), steps(page)
        with in_background(running_stack()) as stack:
            printed = run(found, stack.url, stack.management_key.reveal())
        for step, output in reversed(list(zip(found, printed, strict=True))):
            if step.output is not None:
                text = text[: step.start] + output + text[step.end :]
        page.write_text(text)
    sys.stdout.write("README.md and docs/tour.md are current\n")


if __name__ == "__main__":
    main()
