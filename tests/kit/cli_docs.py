"""Run the commands in docs/cli.md and compare their output with the page's.

`python -m tests.kit.cli_docs` writes the page's outputs from a real run, with fixed ids and times.
"""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
from click.testing import CliRunner

from local.stack import Stack
from local.vendors.keys import fake_key
from providers.edge import logs  # noqa: F401 - it logs to what is standard output when it is imported
from providers.usecases.management_keys import mint_management_key
from providers_client.cli.app import app
from providers_contract.vocabulary import Scope
from tests.kit.tour import fixed

PAGE: Final = Path(__file__).parent.parent.parent / "docs/cli.md"
_FILE: Final = re.compile(r"```dotenv\n(?P<text>.*?)```", re.DOTALL)
_STEP: Final = re.compile(r"```sh\n(?P<commands>providers .*?|curl .*?)```\n\n?```text\n(?P<output>.*?)```", re.DOTALL)
_TOKEN: Final = re.compile(r"(mlx_mk_[0-9a-z]{26}_)[0-9a-f]{64}")
_WIDTH: Final = "120"
_ORG: Final = "org_acme"
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?![T ]\d)")
_VARIABLE: Final = {
    r"\d{4}-\d\d-\d\d \d\d:\d\dZ": "a time",
    r"[·▁-█]{4,}": "a chart",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d{4}-\d\d-\d\d": "a time",
    r'_latency_ms": \d+': '_latency_ms": a latency',
    r"\b\d+ ms": "a latency",
    r"─+": "─",
    r" +": " ",
}


@dataclass(frozen=True)
class Step:
    """Commands, their output, and its position in the page."""

    commands: list[str]
    output: str
    start: int
    end: int


def steps(text: str) -> list[Step]:
    """Return every block of commands that has an output."""
    return [
        Step(each["commands"].splitlines(), each["output"], each.start("output"), each.end("output"))
        for each in _STEP.finditer(text)
    ]


def run(text: str, stack: Stack) -> list[str]:
    """Run each step in a folder with the page's .env file; return the outputs."""
    environment = {
        "PROVIDERS_API_URL": stack.url,
        "PROVIDERS_API_KEY": mint_management_key(stack.ports, _ORG, "Laptop", tuple(Scope))[1].reveal(),
        "PROVIDERS_FORCE_TTY": _WIDTH,
        "OPENAI_API_KEY": fake_key("openai", serial=100001),
        "GROQ_API_KEY": fake_key("groq", serial=100002),
        "REVOKED_KEY": fake_key("groq", "invalid", serial=100003),
    }
    file = _FILE.search(text)
    assert file is not None
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path(".env").write_text(file["text"])
        printed = ["".join(_print(each, environment, stack.url) for each in step.commands) for step in steps(text)]
    return [_DATE.sub("2026-04-14", each) for each in fixed(printed)]


def _print(command: str, environment: dict[str, str], url: str) -> str:
    if command.startswith("curl"):
        with httpx2.Client(trust_env=False) as http:
            http.post(f"{url}/_local/sweep", json={})
        return ""
    _, *arguments = shlex.split(command)
    done = CliRunner().invoke(app, arguments, env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    text = "".join(f"{line.rstrip()}\n" for line in done.output.splitlines())
    text = _TOKEN.sub(r"\1…", text)  # the page must not contain anything that looks like a real key
    return text + (f"(exit code {done.exit_code})\n" if done.exit_code else "")


def masked(text: str) -> str:
    """Return `text` with everything that varies between runs replaced."""
    for pattern, name in _VARIABLE.items():
        text = re.sub(pattern, name, text)
    return text.strip()


def main() -> None:
    """Rewrite the page's outputs."""
    from local.background import in_background
    from local.stack import running_stack

    text = PAGE.read_text()
    with in_background(running_stack()) as stack:
        printed = run(text, stack)
    for step, output in reversed(list(zip(steps(text), printed, strict=True))):
        text = text[: step.start] + output + text[step.end :]
    PAGE.write_text(text)
    sys.stdout.write("docs/cli.md is current\n")


if __name__ == "__main__":
    main()
