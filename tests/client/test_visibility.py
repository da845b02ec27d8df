"""A key is visible neither in the arguments of processes nor on the screen."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.stack import Stack
from local.vendors.keys import fake_key

KEY = fake_key("openai", "slow-1")
NAME = "Seen in the arguments"


def arguments_of_all() -> str:
    """Return the command lines of all processes, as `ps` shows them."""
    if Path("/proc/self/cmdline").exists():
        found = []
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                found.append(each.read_text(errors="replace").replace("\0", " "))
            except OSError:
                continue  # it has ended
        return "\n".join(found)
    return subprocess.check_output(["ps", "axww", "-o", "args"], text=True)


def on_a_terminal(run: list[str], environment: dict[str, str]) -> tuple[str, str]:
    """Return the screen and the arguments of all processes while the key is typed and verified."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(run, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    screen, arguments = b"", arguments_of_all()
    try:
        while b"key: " not in screen:
            screen += os.read(ours, 1024)
        os.write(ours, f"{KEY}\n".encode())
        while process.poll() is None:
            arguments += arguments_of_all()
            screen += os.read(ours, 65536)
    except OSError:
        pass  # the other end is closed
    finally:
        os.close(ours)
        process.wait(30)
    assert process.returncode == 0, screen
    return screen.decode(), arguments


def through_a_pipe(run: list[str], environment: dict[str, str]) -> tuple[str, str]:
    """Return the same for a key that comes from another program."""
    with subprocess.Popen(
        [*run, "--key-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(KEY)
        process.stdin.close()
        arguments = ""
        while process.poll() is None:  # a process has no arguments at first
            arguments += arguments_of_all()
            time.sleep(0.05)
        screen = process.stdout.read()
    assert process.returncode == 0, screen
    return screen, arguments


@pytest.mark.parametrize("way", [on_a_terminal, through_a_pipe])
def test_no_key_is_visible(stack: Stack, way: Callable[[list[str], dict[str, str]], tuple[str, str]]) -> None:
    """Neither the vendor's key nor the management key is visible; the command's other arguments are."""
    token = stack.mint(f"org_{way.__name__}").reveal()
    environment = os.environ | {"PROVIDERS_API_URL": stack.url, "PROVIDERS_API_KEY": token, "NO_PROXY": "*"}
    screen, arguments = way([sys.executable, "-m", "providers_client", "add", "openai", NAME], environment)
    assert f"Added: {NAME}" in screen
    assert f"openai {NAME}" in arguments
    for secret in (KEY, token):
        assert secret not in screen
        assert secret not in arguments


def test_a_failure_shows_no_values(stack: Stack) -> None:
    """Even an unexpected error prints a traceback without the values of variables."""
    code = (
        "import providers_client.cli.providers as p\n"
        "from providers_client.cli.app import main\n"
        "def broken(*a, **k): raise RuntimeError('unforeseen')\n"
        "p.show_changed = broken\n"
        "main()\n"
    )
    token = stack.mint("org_failure").reveal()
    done = subprocess.run(
        [sys.executable, "-c", code, "add", "openai", "A", "--key-stdin"],
        input=fake_key("openai"),
        env=os.environ | {"PROVIDERS_API_URL": stack.url, "PROVIDERS_API_KEY": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "RuntimeError: unforeseen" in done.stderr
    assert fake_key("openai") not in done.stdout + done.stderr
    assert token not in done.stdout + done.stderr
