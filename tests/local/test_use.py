"""docs/use.md leads from `make run` to calls with a stored credential."""

from __future__ import annotations

from tests.kit.use_page import printed


def test_the_page_prints_what_it_says() -> None:
    """Every block but LiteLLM's, which `make test-real` runs, prints the output on the page."""
    blocks = printed(with_litellm=False)
    assert len(blocks) == 5
    for commands, output, expected in blocks:
        assert output == expected, commands
