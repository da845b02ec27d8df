"""Completion in a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from local.stack import Stack
from local.vendors.keys import fake_key
from providers_client import Client
from providers_client.cli.app import COMPLETION_VARIABLE, app

NAMES = ["OpenAI Production", "OpenAI (EU) $HOME *", "Groq"]


def completed(arguments: str, at: int, shell: str, **environment: str) -> list[str]:
    """Return what a shell's function gets for an incomplete command line."""
    asked = {COMPLETION_VARIABLE: f"{shell}_complete", "COMP_WORDS": f"providers {arguments}", "COMP_CWORD": str(at)}
    done = CliRunner().invoke(app, prog_name="providers", complete_var=COMPLETION_VARIABLE, env=asked | environment)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def environment(stack: Stack) -> dict[str, str]:
    """The environment of an organization with providers."""
    token = stack.mint("org_completion").reveal()
    with Client(stack.url, token) as client:
        for serial, name in enumerate(NAMES, 1):
            client.add_provider("openai", name, fake_key("openai", serial=serial))
    return {"PROVIDERS_API_URL": stack.url, "PROVIDERS_API_KEY": token, "NO_PROXY": "*"}


@pytest.mark.parametrize("command", ["get", "rotate", "rm --yes A", "upload"])
def test_names_are_completed(environment: dict[str, str], command: str) -> None:
    """Names are completed wherever a command takes a provider, ignoring case; a global option is honored."""
    words = f"{command} ope"
    found = completed(words, len(words.split()), "zsh", **environment)
    assert set(NAMES[:2]) <= set(found)
    assert "Groq" not in found
    elsewhere = f"--url {environment['PROVIDERS_API_URL']} {command} gr"
    at = len(elsewhere.split())
    assert "Groq" in completed(elsewhere, at, "zsh", **environment | {"PROVIDERS_API_URL": ""})


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_gets_one_word(environment: dict[str, str], tmp_path: Path) -> None:
    """In bash, a completed name is one word, also with spaces and quotes."""
    program = tmp_path / "providers"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m providers_client "$@"\n')
    program.chmod(0o755)
    script = f"""
        PATH={tmp_path}:$PATH
        eval "$(_PROVIDERS_COMPLETE=bash_source providers)"
        COMP_WORDS=(providers get Open) COMP_CWORD=2
        _providers_completion providers
        for each in "${{COMPREPLY[@]}}"; do eval "printf '%s\\n' $each"; done
    """
    done = subprocess.run(
        ["bash", "-c", script], env=os.environ | environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert sorted(done.stdout.splitlines()) == sorted(NAMES[:2]), done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"PROVIDERS_API_URL": "", "PROVIDERS_API_KEY": "", "XDG_CONFIG_HOME": os.devnull},
        {"PROVIDERS_API_URL": "http://127.0.0.1:1", "PROVIDERS_API_KEY": "mlx_mk_x"},
    ],
    ids=["nothing configured", "no API"],
)
def test_a_failure_completes_nothing(environment: dict[str, str]) -> None:
    """Without an answer there is no completion and no message, and no retry that would take long."""
    began = time.monotonic()
    assert "".join(completed("get ope", 2, "bash", **environment)) == ""
    assert time.monotonic() - began < 10
