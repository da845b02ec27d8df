"""The README's tour prints what the README says."""

from __future__ import annotations

from local.stack import Stack
from tests.kit.readme import README, masked, run, tour


def test_the_tour(stack: Stack) -> None:
    """Every step, pasted in order into one shell."""
    steps = tour(README.read_text())
    printed = run(steps, stack.url, stack.management_key.reveal())
    assert len(steps) > 8
    for step, output in zip(steps, printed, strict=True):
        assert step.output is None or masked(output) == masked(step.output), step.commands
