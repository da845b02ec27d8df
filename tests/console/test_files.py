"""The console's files as the function returns them: headers, caching, size, and that nothing is missing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from functions.get_console.app import HEADERS, handler

STATIC = Path(__file__).parent.parent.parent / "functions" / "get_console" / "static"
MODULES = sorted(STATIC.glob("*.js"))
MAX_BYTES = 150_000


def get(
    resource: str = "/console", *, version: str = "", file: str = "", tag: str = "", method: str = "GET"
) -> dict[str, Any]:
    """Return the function's response."""
    return handler(
        {
            "httpMethod": method,
            "resource": resource,
            "pathParameters": {"version": version, "file": file} if file else None,
            "headers": {"If-None-Match": tag} if tag else {},
            "requestContext": {"requestId": "r"},
        },
        None,
    )


def references(page: str) -> list[tuple[str, str]]:
    """Return the version and the name of each file that a page refers to."""
    return re.findall(r'(?:href|src)="console/([0-9a-f]{12})/([\w.]+)"', page)


@pytest.mark.parametrize("resource", ["/console", "/docs"])
def test_a_page_finds_its_files(resource: str) -> None:
    """A page names all its files under one version; each exists and may be kept forever."""
    page = get(resource)["body"]
    found = references(page)
    assert len({version for version, _ in found}) == 1
    for version, name in found:
        response = get("/console/{version}/{file}", version=version, file=name)
        assert (response["statusCode"], "immutable" in response["headers"]["Cache-Control"]) == (200, True), name


def test_head_is_get_without_the_page() -> None:
    """HEAD has the headers of GET."""
    assert get(method="HEAD") == get() | {"body": ""}


@pytest.mark.parametrize(("page", "entry"), [("/console", "boot.js"), ("/docs", "docs.js")])
def test_a_page_preloads_every_module(page: str, entry: str) -> None:
    """A page names every module that it loads, so that the browser requests all of them at once."""
    wanted, found = [entry], set[str]()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += re.findall(
                r'^\s*(?:await import\(|import .*|\} from )"\./([\w.]+)"', (STATIC / name).read_text(), re.MULTILINE
            )
    assert {name for _, name in references(get(page)["body"]) if name.endswith(".js")} == found


def test_the_console_is_small() -> None:
    """The console is at most 150 KB, uncompressed, and no module is longer than 300 lines."""
    page = get()["body"]
    names = [*(name for _, name in references(page)), "vendors.json"]
    sizes = [len(get("/console/{version}/{file}", version="x", file=name)["body"].encode()) for name in names]
    assert sum(sizes) + len(page.encode()) <= MAX_BYTES
    assert [path.name for path in MODULES if len(path.read_text().splitlines()) > 300] == []


def test_a_file_of_another_version_is_checked_again() -> None:
    """A file under another version, or a page, is revalidated each time, so a deployment is seen at once."""
    for response in (get(), get("/console/{version}/{file}", version="static", file="style.css")):
        assert response["headers"]["Cache-Control"] == "no-cache"
    tag = get()["headers"]["ETag"]
    assert (get(tag=f"W/{tag}")["statusCode"], get(tag='"old"')["statusCode"]) == (304, 200)


@pytest.mark.parametrize("name", ["missing.js", "../app.py", "app.py", "..%2fapp.py", ""])
def test_nothing_else_is_served(name: str) -> None:
    """Any other name is a 404 with the same headers."""
    response = get("/console/{version}/{file}", version="x", file=name or "/")
    assert response["statusCode"] == 404
    assert response["headers"].items() >= HEADERS.items()


def test_the_policy_allows_only_the_pages_own_files() -> None:
    """The policy allows no inline code, no other host, no frame, no form and no HTML from text."""
    policy = dict(each.strip().partition(" ")[::2] for each in HEADERS["Content-Security-Policy"].split(";"))
    assert policy.pop("default-src") == policy.pop("form-action") == policy.pop("frame-ancestors") == "'none'"
    assert policy.pop("base-uri") == policy.pop("trusted-types") == "'none'"
    assert policy.pop("require-trusted-types-for") == "'script'"
    assert policy == dict.fromkeys(["script-src", "style-src", "img-src", "connect-src"], "'self'")
    assert HEADERS["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_makes_code_or_html_of_text(path: Path) -> None:
    """No module parses HTML, evaluates text or stores the key outside the tab."""
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|localStorage|\.cookie|indexedDB"
    )
    assert re.findall(forbidden, path.read_text()) == []
