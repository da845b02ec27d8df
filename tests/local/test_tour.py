"""The commands in README.md and docs/tour.md print what the pages say."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.background import in_background
from local.stack import running_stack
from tests.kit.pictures import PICTURE, picture
from tests.kit.tour import PAGES, masked, run, steps


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_prints_what_it_says(page: Path) -> None:
    """Every step, pasted in order into one shell; `python -m tests.kit.tour` writes the outputs."""
    found = steps(page)
    assert len(found) >= 3
    with in_background(running_stack()) as stack:
        printed = run(found, stack.url, stack.management_key.reveal())
    for step, output in zip(found, printed, strict=True):
        assert step.output is None or masked(output) == masked(step.output), step.commands


def test_the_picture_is_current() -> None:
    """It shows what the command line prints today; `python -m tests.kit.pictures` writes it."""
    assert PICTURE.read_text(encoding="utf-8") == picture()


def test_the_readme_is_short() -> None:
    """At most 150 lines: everything else has a page of its own."""
    (readme,) = (page for page in PAGES if page.name == "README.md")
    assert len(readme.read_text().splitlines()) <= 150
