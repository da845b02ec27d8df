"""Start and stop `python -m local` as a person would."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import httpx2
import pytest

from local.__main__ import main

KEY = "mlx_mk_mine_" + "0" * 64


@contextmanager
def started(**environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start the process; kill it at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local"],
        env={**os.environ, "PORT": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def banner(process: subprocess.Popen[str]) -> str:
    """Return its output until it is ready."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if "SECRETS_TABLE" in line:
            break
    return seen


@pytest.mark.parametrize(("signum", "host"), [(signal.SIGINT, "127.0.0.1"), (signal.SIGTERM, "0.0.0.0")])
def test_it_starts_serves_and_stops(signum: signal.Signals, host: str) -> None:
    """The printed commands work on any address, and Ctrl-C ends the process with status 0 and no traceback."""
    with started(MANAGEMENT_KEY=KEY, HOST=host) as process:
        text = banner(process)
        address, key = re.findall(r"export API=(\S+) KEY=(\S+)", text)[0]
        assert (key, address.rpartition(":")[0]) == (KEY, "http://127.0.0.1")
        response = httpx2.get(
            f"{address}/manage/v1/providers", headers={"authorization": f"Bearer {key}"}, trust_env=False
        )
        assert response.json() == {"data": [], "next_cursor": None}
        process.send_signal(signum)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")
        assert "GET    /manage/v1/providers 200" in out


def test_the_printed_lines_point_a_program_at_the_embedded_aws() -> None:
    """AWS's SDK, with nothing but the two printed lines in its environment, lists the stack's tables."""
    script = "import boto3, os; print(os.environ['MAIN_TABLE'] in boto3.client('dynamodb').list_tables()['TableNames'])"
    with started() as process:
        lines = re.findall(r"  export ((?:AWS_|MAIN_).*)", banner(process))
        assert len(lines) == 2
        printed = dict(pair.split("=", 1) for line in lines for pair in shlex.split(line))
        environment = {"PATH": os.environ["PATH"]} | printed
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
    assert done.stdout == "True\n"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"VENDORS": "some"}, "VENDORS must be emulator or real"),
        ({"SWEEP_SECONDS": "often"}, "SWEEP_SECONDS must be a number"),
        ({"PORT": "many"}, "PORT must be a number"),
        ({"AWS_PORT": "many"}, "AWS_PORT must be a number"),
    ],
    ids=str,
)
def test_invalid_settings(environment: dict[str, str], message: str) -> None:
    """Invalid settings give a one-line error and a nonzero exit status."""
    with started(**environment) as process:
        out, err = process.communicate(timeout=20)
        assert process.returncode == 1
        assert message in err
        assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"MANAGEMENT_KEY": "canary"}, "mlx_mk_<id>_<secret>"),
        ({"HOST": "192.0.2.1"}, "cannot start"),
        ({"WEBHOOK": "localhost:9000"}, "WEBHOOK must be an http or https URL"),
    ],
    ids=str,
)
def test_settings_that_the_stack_refuses(
    environment: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Settings that are found invalid while the stack starts also give a one-line error and a nonzero exit status."""
    with patch.dict(os.environ, {"PORT": "0", **environment}):
        assert main([]) == 1
    out, err = capsys.readouterr()
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in out + err
    assert environment.get("MANAGEMENT_KEY", "no key") not in err


def test_a_taken_port(capsys: pytest.CaptureFixture[str]) -> None:
    """A taken port gives an error message that names the variable to choose another, not a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with patch.dict(os.environ, {"PORT": str(taken.getsockname()[1])}):
            assert main([]) == 1
    err = capsys.readouterr().err
    assert "cannot start" in err
    assert "make run PORT=" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("-h", 0), ("--prot=1", 2)])
def test_help_names_every_variable(argument: str, code: int) -> None:
    """`--help` lists the variables; another argument is an error with the same text."""
    done = subprocess.run([sys.executable, "-m", "local", argument], capture_output=True, text=True, check=False)
    text = done.stderr if code else done.stdout
    assert done.returncode == code
    for name in ("PORT", "HOST", "AWS_PORT", "DATA", "MANAGEMENT_KEY", "VENDORS", "SWEEP_SECONDS", "WEBHOOK"):
        assert f"  {name}=" in text
