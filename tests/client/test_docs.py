"""docs/cli.md shows the commands' real output."""

from __future__ import annotations

import re

import click
import pytest

from local.stack import Stack
from providers_client.cli.app import COMMANDS, app
from providers_client.cli.exit_codes import EXITS
from tests.kit.cli_docs import PAGE, masked, run, steps


def test_the_page_is_current(stack: Stack) -> None:
    """The page is current; `python -m tests.kit.cli_docs` writes it."""
    text = PAGE.read_text()
    printed = run(text, stack)
    assert len(printed) >= 8
    for step, output in zip(steps(text), printed, strict=True):
        assert masked(output) == masked(step.output), step.commands


def test_the_page_lists_the_exit_codes() -> None:
    """The page describes the exit codes in the words of the help."""
    text = PAGE.read_text()
    for code, meaning in EXITS.items():
        assert f"| {code} | {meaning}" in text


EVERYWHERE = {"--json", "--quiet", "--yes", "--key-file", "--key-stdin", "--key-env", "--stack", "--local"}
"""Options that the page describes once."""


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("keys", "data-keys", "login", "help")])
def test_the_page_names_every_option(name: str) -> None:
    """The row of a command in the page's table has each of its options."""
    rows = "".join(re.findall(rf"^\| .*`{name}\b.*$", PAGE.read_text(), re.MULTILINE))
    command = app.get_command(click.Context(app), name)
    assert command is not None
    commands = [*command.commands.values()] if isinstance(command, click.Group) else [command]
    options = [each for one in commands for each in one.params if isinstance(each, click.Option)]
    named = {*re.findall(r"--[a-z-]+", rows)} | EVERYWHERE
    assert [each.opts for each in options if not named & {*each.opts, *each.secondary_opts}] == []
