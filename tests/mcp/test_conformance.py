"""The protocol's official conformance suite, over HTTP. `make test-mcp` installs it; it cannot test stdio.

`conformance/expected-failures.yaml` has what the server does not do, and why. A failure that is not in it fails the
test, and so does a check in it that passes.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from aiohttp import ClientSession, web

from local.background import in_background
from tests.mcp.connecting import Person

FOLDER: Final = Path(__file__).parent / "conformance"
SUITE: Final = FOLDER / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
NODE: Final = next((str(each) for each in FOLDER.glob("node_modules/node-*/bin/node")), shutil.which("node"))
"""The pinned one, on a processor that has it: the suite needs Node 22."""
REVISIONS: Final = ("2025-11-25", "2026-07-28")
"""Those that the suite has requirements for."""
_NOT_FORWARDED: Final = frozenset({"connection", "content-length", "date", "host", "server", "transfer-encoding"})

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.skipif(
        NODE is None or not SUITE.exists(), reason="the suite is not installed: run make test-mcp, which needs npm"
    ),
]


@asynccontextmanager
async def authorized(url: str, key: str) -> AsyncIterator[str]:
    """Forward requests to `url` with `key`, which the suite cannot send; yield the address."""
    origins: dict[str, str] = {}

    async def forward(request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED}
        headers |= {"Authorization": f"Bearer {key}"}
        if "Origin" in headers:
            headers["Origin"] = origins.get(headers["Origin"], headers["Origin"])
        body = await request.read()
        async with session.request(request.method, url + request.path_qs, headers=headers, data=body) as response:
            kept = {name: value for name, value in response.headers.items() if name.lower() not in _NOT_FORWARDED}
            return web.Response(status=response.status, headers=kept, body=await response.read())

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    async with ClientSession(auto_decompress=False) as session:
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            own = f"http://127.0.0.1:{runner.addresses[0][1]}"
            origins[own] = url
            yield own
        finally:
            await runner.cleanup()


@pytest.fixture
def address(person: Person) -> Iterator[str]:
    """The address of a stack that needs no key."""
    with in_background(authorized(person.stack.url, person.key())) as url:
        yield url


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_server_conforms(address: str, revision: str, tmp_path: Path) -> None:
    """The server passes what a revision of the protocol requires, except for the expected failures."""
    expected = FOLDER / "expected-failures.yaml"
    command: list[str | Path] = [
        str(NODE),
        SUITE,
        "server",
        "--url",
        f"{address}/mcp",
        "--requirements",
        revision,
        "-o",
        tmp_path,
    ]
    ran = subprocess.run(
        [*command, "--expected-failures", expected], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout[ran.stdout.find("=== SUMMARY") :] + ran.stderr
    assert "✓ tools-list" in ran.stdout
