"""docs/cli.md shows the commands' real output."""

from __future__ import annotations

from local.stack import Stack
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
