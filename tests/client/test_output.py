"""Output that cannot be encoded or written, with real processes and real streams."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from local.stack import Stack
from local.vendors.keys import fake_key
from providers_client import Client
from providers_client.cli.reporting import json_text, plain

NAME = "Größe → 北京 ▁▂"
PROGRAM = f"{sys.executable} -m providers_client"


def run(
    stack: Stack, org: str, command: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a shell command in which `providers` is the program."""
    token = stack.mint(org).reveal()
    given = os.environ | {"PROVIDERS_API_URL": stack.url, "PROVIDERS_API_KEY": token, "NO_PROXY": "*"} | environment
    script = f'set -o pipefail; providers() {{ {PROGRAM} "$@"; }}\n{command}'
    return subprocess.run(
        ["bash", "-c", script], input=stdin.encode(), env=given, capture_output=True, timeout=60, check=False
    )


def names(stack: Stack, org: str) -> list[str]:
    """Return the names of the stored providers."""
    with Client(stack.url, stack.mint(org).reveal()) as client:
        return [each.name for each in client.list_providers()]


ADD = f"providers add openai '{NAME}' --key-stdin"
ENCODINGS = ["cp1252", "latin-1", "ascii", "utf-16", "utf-8"]
END = "--end of command--"
SEVERAL = f"""
import sys
from providers_client.cli.app import main
for arguments in (
    ["add", "openai", {NAME!r}, "--key-stdin"],
    ["rotate", {NAME!r}, "--key-env", "SECOND", "--json"],
    ["list"],
    ["health", {NAME!r}],
):
    sys.argv = ["providers", *arguments]
    try:
        main()
    except SystemExit as end:
        print(end.code, {END!r})
"""


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_name_that_cannot_be_encoded(stack: Stack, encoding: str) -> None:
    """Such a name is printed with escapes, or as JSON; the change is made and the exit code is 0."""
    org = f"org_{encoding}"
    environment = {"PYTHONIOENCODING": encoding, "SEVERAL": SEVERAL, "SECOND": fake_key("openai", serial=2)}
    done = run(stack, org, f'{sys.executable} -c "$SEVERAL"', fake_key("openai"), **environment)
    assert (done.returncode, done.stderr) == (0, b"")
    added, rotated, listed, health, rest = done.stdout.decode(encoding).split(END)
    assert [each.splitlines()[-1] for each in (added, rotated, listed, health)] == ["0 "] * 4
    assert (added.startswith("Added: "), rest) == (True, "\n")
    assert json.loads(rotated.rpartition("\n")[0])["data"]["name"] == NAME
    assert names(stack, org) == [NAME]


LOST = [
    each
    for each in (
        ">/dev/full",
        ">&-",
        "2>/dev/full",
        "2>&-",
        ">/dev/full 2>/dev/full",
        ">&- 2>&-",
        "| true",
        "--json >/dev/full",
    )
    if Path("/dev/full").exists() or "/dev/full" not in each  # exists on Linux
]


@pytest.mark.parametrize("where", LOST)
def test_a_change_whose_output_is_lost(stack: Stack, where: str) -> None:
    """A change is made and the exit code says so even if its output is lost; nothing crashes."""
    org = "org_lost" + str(LOST.index(where))
    done = run(stack, org, f"{ADD} {where}", fake_key("openai"))
    assert done.returncode == 0
    assert names(stack, org) == [NAME]
    assert b"Traceback" not in done.stderr + done.stdout
    assert b"Exception ignored" not in done.stderr
    if where in (">/dev/full", ">&-"):
        assert b"the output could not be written" in done.stderr
    refused = run(stack, org, f"{ADD} {where}", fake_key("openai", "invalid"))
    assert refused.returncode == 5


@pytest.mark.parametrize("where", [each for each in LOST if "2>" not in each and ">" in each])
def test_a_list_that_is_lost_is_a_failure(stack: Stack, where: str) -> None:
    """Lost output is a failure for a command that only reads."""
    with Client(stack.url, stack.mint("org_lost_list").reveal()) as client:
        client.add_provider("openai", f"Listed {LOST.index(where)}", fake_key("openai"))
    done = run(stack, "org_lost_list", f"providers list {where}")
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
    assert b"the output could not be written" in done.stderr


def test_standard_input_that_is_closed_or_not_text(stack: Stack) -> None:
    """Closed or binary standard input is reported without a crash."""
    closed = run(stack, "org_stdin", f"{ADD} <&-")
    assert (closed.returncode, b"the key is empty" in closed.stderr) == (2, True)
    for command in (ADD, "providers import - --yes"):
        done = run(stack, "org_stdin", rf"printf '\xff\xfe' | {command}")
        assert (done.returncode, done.stderr) == (2, b"Error: standard input is not UTF-8 text\n")


@pytest.mark.parametrize("variable", ["NO_COLOR", "OTHER"])
def test_no_color_is_honored(variable: str) -> None:
    """With NO_COLOR, an error on a terminal has no color."""
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "TERM": "xterm"}
    environment |= {"XDG_CONFIG_HOME": os.devnull, variable: "1"}
    done = subprocess.run([*PROGRAM.split(), "list"], stderr=theirs, env=environment, timeout=60, check=False)
    os.close(theirs)
    shown = os.read(ours, 4096)
    os.close(ours)
    assert done.returncode == 2
    assert (b"\x1b[31m" in shown) is (variable == "OTHER")


def test_json_cannot_control_a_terminal() -> None:
    """Control characters in JSON are escaped, and the JSON is unchanged."""
    found = {"name": "a\x1b[31m\x9b\u202e\u2066\ud800\U000e0041 北\n"}
    text = json_text(found, indent=2)
    assert json.loads(text) == found
    assert plain(text.replace("\n", "")) == text.replace("\n", "")
    assert "北" in text
