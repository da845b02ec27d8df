"""The documentation: the index is complete, links are valid, and the client's examples run."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from local.background import in_background
from local.stack import running_stack
from providers_client import AsyncClient, Client

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "notifications").glob("*.md")])
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def links(page: Path) -> list[Path]:
    """Return the files that a page links to."""
    found = _LINK.findall(page.read_text())
    return [(page.parent / each).resolve() for each in found if "://" not in each and not each.startswith("mailto:")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    """Every link on every page leads to a file."""
    assert [each for each in links(page) if not each.exists()] == []


def test_the_index_lists_every_page() -> None:
    """`docs/README.md` lists every page and every decision."""
    index = ROOT / "docs" / "README.md"
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - {index} <= {*links(index)}


def test_the_client_page_has_every_method() -> None:
    """docs/client.md has every method of both clients."""
    text = (ROOT / "docs" / "client.md").read_text()
    for kind in (Client, AsyncClient):
        methods = [name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")]
        assert [name for name in methods if f"{name}(" not in text] == []


def test_the_client_pages_examples_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The examples run in order as one program against the local stack."""
    program = "\n".join(_BLOCK.findall((ROOT / "docs" / "client.md").read_text()))
    with in_background(running_stack()) as stack:
        monkeypatch.setenv("PROVIDERS_API_URL", stack.url)
        monkeypatch.setenv("PROVIDERS_API_KEY", stack.management_key.reveal())
        exec(compile(program, "docs/client.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "provider_in_use [('routing_config', '@production')]" in printed
    assert "credential_rejected" in printed
