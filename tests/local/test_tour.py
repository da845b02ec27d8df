"""Tests that the commands in README.md and docs/tour.md print the outputs on the pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.background import in_background
from local.stack import running_stack
from tests.kit.pictures import PICTURE, picture
from tests.kit.tour import PAGES, masked, run, steps


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_prints_what_it_says(page: Path) -> None:
    """Every step prints the page's output, in order in one shell; `python -m tests.kit.tour` writes them."""
    found = steps(page)
    assert len(found) >= 3
    with in_background(running_stack()) as stack:
        printed = run(found, stack.url, stack.management_key.reveal())
    for step, output in zip(found, printed, strict=True):
        assert step.output is None or masked(output) == masked(step.output), step.commands


def test_the_picture_is_current() -> None:
    """The picture shows the command line's current output; `python -m tests.kit.pictures` writes it."""
    assert PICTURE.read_text(encoding="utf-8") == picture()


def test_the_readme_is_short() -> None:
    """The README has at most 150 lines; other subjects have their own pages."""
    (readme,) = (page for page in PAGES if page.name == "README.md")
    assert len(readme.read_text().splitlines()) <= 150
