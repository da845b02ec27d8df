"""Time the command line: the median of five runs, each in its own process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

from local.background import in_background
from local.stack import running_stack
from local.vendors.keys import fake_key
from providers_client import Client

RUNS: Final = 5
LIMITS_MS: Final = {"--version": 150, "--help": 150, "completion": 150, "list of three": 250}


def median_ms(arguments: Sequence[str], environment: Mapping[str, str], says: str = "") -> float:
    """Return the median of the milliseconds that `python` with these arguments takes to print `says`."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        times.append((time.perf_counter() - began) * 1000)
        assert says in done.stdout, done.stderr
    return statistics.median(times)


def measure() -> str:
    """Return the table: each command, its limit, and an empty program as the baseline."""
    program = ["-m", "providers_client"]
    with in_background(running_stack()) as stack:
        key = stack.mint("org_bench").reveal()
        with Client(stack.url, key) as client:
            for number in range(3):
                client.add_provider("openai", f"Provider {number}", fake_key("openai", serial=number))
        environment = {"PROVIDERS_API_URL": stack.url, "PROVIDERS_API_KEY": key}
        words = {"_PROVIDERS_COMPLETE": "bash_complete", "COMP_WORDS": "providers ro", "COMP_CWORD": "1"}
        names = words | {"COMP_WORDS": "providers get ", "COMP_CWORD": "2"}
        found = {
            "an empty program": median_ms(["-c", "pass"], {}),
            "--version": median_ms([*program, "--version"], {}, "providers "),
            "--help": median_ms([*program, "--help"], {}, "rotate"),
            "completion": median_ms(program, words, "rotate"),
            "completion of names": median_ms(program, environment | names, "Provider"),
            "list of three": median_ms([*program, "list"], environment, "Provider 2"),
        }
    rows = [f"| {name} | {ms:.0f} | {LIMITS_MS.get(name, '')} |" for name, ms in found.items()]
    return "\n".join(["| | ms | limit |", "| --- | --- | --- |", *rows]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(measure())
