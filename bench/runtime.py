"""Cold and warm starts of every function as built, on Lambda's runtime for Python under its interface emulator."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.requests import Requests, free_port, requests
from local.aws import REGION
from local.aws_server import NAMES
from local.template import Template

ROOT: Final = Path(__file__).parent.parent
BUILD: Final = ROOT / ".aws-sam" / "local"
LAYER: Final = BUILD / "SharedLayer" / "python"
PYTHON: Final = ROOT / ".venv-bench" / "bin" / "python"
EMULATOR: Final = f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{os.uname().machine}"

ROUNDS: Final = 5
WARM: Final = 50
BARES: Final = 5
"""Cold starts of each baseline in a round: each function's ratio is to the median of all."""

_BARE: Final = {
    "bare boto3, one GetItem": f"""
import boto3
dynamodb = boto3.client("dynamodb")
def handler(event, context):
    key = {{"PK": {{"S": "ORG#org_0"}}, "SK": {{"S": "PROV#none"}}}}
    dynamodb.get_item(TableName={NAMES["MAIN_TABLE"]!r}, Key=key)
    return {{"statusCode": 200}}
""",
    "a handler that does nothing": """
def handler(event, context):
    return {"statusCode": 200}
""",
}
BARE, NOTHING = _BARE

TARGETS: Final = {
    **dict.fromkeys(("GetProvider", "ListProviders", "GetProviderHealth", "Authorize"), 1.0),
    **dict.fromkeys(("AddProvider", "UpdateProvider", "RollbackProvider"), 1.25),
    "Mcp": 1.8,
}
"""The longest cold start, as a multiple of bare boto3's."""


@dataclass(slots=True)
class Times:
    """The measurements of one function, in milliseconds and MB."""

    cold: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    size_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A function to measure: its folder, its environment and its next event."""

    folder: Path
    environment: dict[str, str]
    event: Callable[[], dict[str, Any]]


def measure(rounds: int = ROUNDS, warm: int = WARM, only: str = "") -> dict[str, Times]:
    """Return the times of every function whose name contains `only`, and of the baselines.

    Every round starts each function once, and the baselines between them, over new tables. Then each repeats a request.
    """
    functions = [name for name in Template().of_type("AWS::Serverless::Function") if only.lower() in name.lower()]
    every = max(1, len(functions) // BARES)
    found = {name.removesuffix("Function"): Times() for name in (*_BARE, *functions)}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(-1, rounds):  # the first round fills the machine's caches, and is not counted
            _say(f"cold starts, round {number + 1} of {rounds}")
            with requests() as made:
                order = [
                    name
                    for place, function in enumerate(functions)
                    for name in (*(_BARE if place % every == 0 else ()), function)
                ]
                for name in order:
                    times = found[name.removesuffix("Function")]
                    _start(_subject(made, name, Path(folder)), Times() if number < 0 else times)
        _say(f"{warm} warm requests of each function")
        for name in (*_BARE, *functions):
            with requests() as made:
                _start(_subject(made, name, Path(folder)), found[name.removesuffix("Function")], warm)
    return found


def _say(text: str) -> None:
    """Show the progress: all of it takes about ten minutes."""
    print(f"{text} …", file=sys.stderr, flush=True)


def _subject(made: Requests, name: str, scratch: Path) -> Subject:
    if name not in _BARE:
        return Subject(BUILD / name, made.environment(name), lambda: made.event(name))
    folder = scratch / str(list(_BARE).index(name))
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text(_BARE[name])
    return Subject(folder, made.environment(name), dict)


def _start(subject: Subject, times: Times, warm: int = 0) -> None:
    """Start a function and measure its first response; or repeat the request `warm` times, and measure these."""
    given = subject.event()
    with _emulator(subject) as (invoke, process):
        cold = invoke(given)
        runtime = _child(process)
        if not warm:
            times.cold.append(cold)
            times.cpu.append(_cpu_ms(runtime))
            return
        times.warm = [invoke(subject.event()) for _ in range(warm)]
        times.peak_mb = int((runtime / "status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
        times.size_mb = size_mb(subject.folder)


@contextmanager
def _emulator(subject: Subject) -> Iterator[tuple[Callable[[dict[str, Any]], float], subprocess.Popen[bytes]]]:
    """Run the interface emulator; yield a function that invokes it, which starts the runtime, and the process."""
    found = sorted((ROOT / ".venv-sam").glob(EMULATOR.replace("aarch64", "arm64")))
    port, api_port = free_port(), free_port()
    command = [str(found[0]), "--log-level", "error", "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    command += ["--runtime-api-address", f"127.0.0.1:{api_port}", str(PYTHON), "-m", "awslambdaric", "app.handler"]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{subject.folder}:{LAYER}",
        "PYTHONDONTWRITEBYTECODE": "1",  # a function's folder is read-only on Lambda
        "LAMBDA_TASK_ROOT": str(subject.folder),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        **subject.environment,
    }
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"

    def invoke(given: dict[str, Any]) -> float:
        request = urllib.request.Request(url, json.dumps(given).encode())
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=30) as response:
            result = json.loads(response.read())
        took = (time.perf_counter() - began) * 1000
        if "errorMessage" in result or result.get("statusCode", 200) >= 300 or result.get("batchItemFailures"):
            raise RuntimeError(f"{subject.folder.name} responded {result}")
        return took

    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=subject.folder, env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            _wait_for(port)
            yield invoke, process
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    """Wait until the emulator listens, without a request: the first one starts the runtime."""
    line = f"0100007F:{port:04X} 00000000:0000 0A"
    until = time.monotonic() + 10
    while line not in Path("/proc/net/tcp").read_text():
        if time.monotonic() > until:
            raise TimeoutError("the interface emulator does not listen")
        time.sleep(0.002)


def _child(process: subprocess.Popen[bytes]) -> Path:
    """Return the folder in /proc of the runtime that the emulator has started."""
    (child,) = (
        pid for each in Path(f"/proc/{process.pid}/task").glob("*/children") for pid in each.read_text().split()
    )
    return Path("/proc", child)


def _cpu_ms(runtime: Path) -> float:
    """Return the processor time that the threads of a process have used."""
    return sum(int(each.read_text().split()[0]) for each in runtime.glob("task/*/schedstat")) / 1e6


def size_mb(folder: Path) -> float:
    """Return the size of the files in `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def section(found: dict[str, Times]) -> Iterator[str]:
    """Yield the lines of the page's section."""
    bare = found[BARE]
    starts = min(len(times.cold) for times in found.values())
    yield "## Cold and warm starts\n"
    yield (
        f"Every function as `sam build` makes it, on `awslambdaric`, Lambda's runtime for Python, under AWS's runtime"
        f" interface emulator, with the layer ({size_mb(LAYER):.0f} MB). DynamoDB, KMS and SQS are moto's server,"
        " over loopback without TLS, and the vendors are the emulator. *Cold* is the time from the start of"
        " the runtime to the first response, and *CPU* the processor time in it: medians of"
        f" {starts} starts, between which the two baselines run. *Warm* is the same"
        f" request {len(bare.warm)} times; each change has a new organization. Lambda gives a function a part of a"
        " processor, and prepares it before the runtime starts: only the ratios can be compared.\n"
    )
    yield "| function | cold ms | ÷ bare | CPU ms | ÷ bare | warm ms | p99 | peak MB | package MB |"
    yield f"| --- |{' ---: |' * 8}"
    for name, times in sorted(found.items(), key=lambda each: statistics.median(each[1].cpu)):
        cold, cpu, warm = map(statistics.median, (times.cold, times.cpu, times.warm))
        shown = f"*{name}*" if name in _BARE else name
        yield (
            f"| {shown} | {cold:.0f} | **{ratio(times.cold, bare.cold):.2f}** | {cpu:.0f}"
            f" | {ratio(times.cpu, bare.cpu):.2f} | {warm:.1f} | {statistics.quantiles(times.warm, n=100)[98]:.1f}"
            f" | {times.peak_mb:.0f} | {times.size_mb:.2f} |"
        )
    yield ""


def targets(found: dict[str, Times]) -> Iterator[tuple[str, str, bool]]:
    """Yield the targets for cold starts: text, measured, met."""
    for name, most in TARGETS.items():
        if name in found:
            measured = ratio(found[name].cold, found[BARE].cold)
            yield f"cold start of {name}: at most {most:g} × bare boto3's", f"{measured:.2f}", measured <= most


def ratio(times: list[float], bare: list[float]) -> float:
    """Return the ratio of the medians."""
    return statistics.median(times) / statistics.median(bare)
