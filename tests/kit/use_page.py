"""Run the shell blocks of docs/use.md."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from local.background import in_background
from local.stack import running_stack
from tests.kit import tour

PAGE: Final = Path(__file__).parent.parent.parent / "docs/use.md"
_NEEDS_LITELLM: Final = "litellm --config"


def printed(*, with_litellm: bool, **more: str) -> list[tuple[str, str, str | None]]:
    """Return the commands, the output and the page's output of each block that can run here.

    `more` are further environment variables.
    """
    found = [step for step in tour.steps(PAGE) if with_litellm or _NEEDS_LITELLM not in step.commands]
    with in_background(running_stack(aws_port=0)) as stack:
        environment = stack.environment() | {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), **more}
        outputs = tour.run(found, stack.url, stack.management_key.reveal(), **environment)
    return [(step.commands, output, step.output) for step, output in zip(found, outputs, strict=True)]
