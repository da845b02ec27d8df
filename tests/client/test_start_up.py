"""The command line starts fast: it imports a command's modules only when the command runs."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import click
import pytest

from local.stack import Stack
from local.vendors.keys import fake_key
from providers_client import Client
from providers_client.cli.app import COMMANDS

HEAVY = ("httpx2", "pydantic", "rich", "asyncio", "boto3")
PROGRAM = """
import sys
sys.argv = ["providers", *{arguments!r}]
from providers_client.cli.app import main
try:
    main()
except SystemExit:
    pass
sys.stderr.write(" ".join(each for each in {heavy!r} if each in sys.modules))
"""


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--version"], {}),
        (["--help"], {}),
        ([], {"_PROVIDERS_COMPLETE": "bash_complete", "COMP_WORDS": "providers ro", "COMP_CWORD": "1"}),
    ],
    ids=["version", "help", "completion"],
)
def test_help_loads_no_client(arguments: list[str], environment: dict[str, str]) -> None:
    """Help, version and completion import neither the HTTP library, the models nor the terminal library."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(arguments=arguments, heavy=HEAVY)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    assert done.stderr == ""


def test_a_list_in_a_pipe_loads_neither_an_event_loop_nor_rich(stack: Stack) -> None:
    """`list` needs no asyncio, and in a pipe no terminal library: both take long to import."""
    key = stack.mint("org_start_up").reveal()
    with Client(stack.url, key) as client:
        client.add_provider("openai", "Listed", fake_key("openai", serial=77))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(arguments=["list"], heavy=("asyncio", "boto3", "rich"))],
        env={**os.environ, "PROVIDERS_API_URL": stack.url, "PROVIDERS_API_KEY": key},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("Listed" in done.stdout, done.stderr) == (True, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_is_correct(name: str) -> None:
    """The table has each command's location and short help, which it shows without importing the command."""
    location, short = COMMANDS[name]
    module, _, attribute = location.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.get_short_help_str(limit=200) == short


def test_the_completion_knows_commands_and_vendors() -> None:
    """Completion knows commands and vendors in every shell that click supports; tested with bash."""
    for words, at, expected in (("providers ro", 1, "rotate"), ("providers add an", 2, "anthropic")):
        environment = {"_PROVIDERS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)}
        run = [sys.executable, "-c", "from providers_client.cli.app import main; main()"]
        done = subprocess.run(run, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        assert f"plain,{expected}" in done.stdout
