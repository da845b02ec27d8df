"""docs/use.md, with LiteLLM's proxy."""

from __future__ import annotations

import pytest

from tests.kit.use_page import printed
from tests.real.proxy import OFFLINE

pytestmark = pytest.mark.real


def test_the_page_prints_what_it_says() -> None:
    """Every block prints the output on the page."""
    blocks = printed(with_litellm=True, **OFFLINE)
    assert len(blocks) == 6
    for commands, output, expected in blocks:
        assert output == expected, commands
