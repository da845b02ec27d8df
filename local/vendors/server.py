"""The emulator's HTTP server."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, Final

from aiohttp import web

from local.background import in_background
from local.browsers import refusal
from local.vendors import routes
from local.vendors.cases import CASES, EMULATED, case_named
from local.vendors.cases.base import Case
from local.vendors.cases.emulated import Sent
from local.vendors.dialects import Dialect
from local.vendors.generation import Generation, generate, is_streamed, parsed
from local.vendors.keys import case_of, fake_key, find_case, identity
from local.vendors.scenarios import play
from providers_contract.credentials import MAX_CREDENTIAL_CHARS

_CONTROL: Final = "/_control"
_STOPPING_S: Final = 0.1
_GENERATIONS: Final = 100_000
TOKEN_S: Final = 0.02
"""The time for one generated token: 50 a second, as a fast model."""


class Emulator:
    """Plays every vendor on one port, over plain HTTP.

    The Host header selects the vendor, or else the first segment of the path (`/openai/v1/models`). The key in the
    request selects the case; a key that `fake_key` did not make is refused.

    Args:
        latency_s: seconds before each response.
        token_s: seconds for each generated token.

    Attributes:
        url: its address after the start, such as `http://127.0.0.1:5056`.
        requests: the number of requests to vendors.
        played: the number of requests for each (vendor, slug).
        generations: the newest generations, in the order in which they began.
    """

    def __init__(self, latency_s: float = 0.0, token_s: float = TOKEN_S) -> None:
        self.latency_s = latency_s
        self.token_s = token_s
        self.generations: deque[Generation] = deque(maxlen=_GENERATIONS)
        self.url = ""
        self._bound = ""
        self.requests = 0
        self.played: Counter[tuple[str, str]] = Counter()
        self._instead: dict[tuple[str, str], Case] = {}
        self._turns: Counter[tuple[str, str]] = Counter()
        self._handling: set[asyncio.Task[Any]] = set()
        self._http: web.Server | None = None
        self._listener: asyncio.Server | None = None
        self._index: dict[str, Any] = {}

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `port` 0 takes a free one. Raises OSError if the port is taken."""
        self._bound = host
        loop = asyncio.get_running_loop()
        self._http = web.Server(
            self._handle, access_log=None, handler_cancellation=True, max_field_size=2 * MAX_CREDENTIAL_CHARS
        )
        self._listener = await loop.create_server(self._http, host, port)
        bound = self._listener.sockets[0].getsockname()
        self.url = f"http://[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"http://{bound[0]}:{bound[1]}"
        self._index = {vendor: _listing(vendor, self.url) for vendor in CASES}

    async def stop(self) -> None:
        """Close every connection immediately. Does nothing if the server was not started."""
        if self._listener is None or self._http is None:
            return
        self._listener.close()
        for connection in self._http.connections:
            if isinstance(connection.transport, asyncio.WriteTransport):
                connection.transport.abort()  # closing would wait for the caller to read everything
        handling = tuple(self._handling)
        for task in handling:
            task.cancel()
        await asyncio.gather(*handling, return_exceptions=True)
        await self._http.shutdown(_STOPPING_S)
        await self._listener.wait_closed()
        await asyncio.sleep(0)
        self._listener = self._http = None

    def reset(self) -> None:
        """Forget counts, turns, and changes made through the control endpoint."""
        self.requests = 0
        self.played.clear()
        self.generations.clear()
        self._instead.clear()
        self._turns.clear()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Track the task, so that `stop` can cancel it."""
        task = asyncio.current_task()
        assert task is not None
        self._handling.add(task)
        try:
            return await self._respond(request)
        finally:
            self._handling.discard(task)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        host = request.headers.get("Host", "")
        vendor, path = routes.split(host, path)
        if vendor is None:
            return await self._about_itself(request, path)
        self.requests += 1
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        headers = {name.lower(): value for name, value in request.headers.items()}
        key = routes.key_in(vendor, headers)
        route = routes.route(vendor, path, query) if request.method == "GET" else None
        dialect = routes.dialect(vendor, path) if request.method == "POST" else None
        body = await request.read() if dialect else b""
        if route is None and dialect is None:
            case = case_named(vendor, "wrong-path")
        elif key is None:
            case = case_named(vendor, "missing-key")
        else:
            sent = Sent(key, f"http://{host}{request.raw_path}", headers, request.method, body)
            case = self._chosen(vendor, sent).on(route or "")
            if dialect and case.reason is None and case.status == 200:
                return await self._generate(request, vendor, case, dialect, sent)
        self.played[vendor, case.slug] += 1
        return await play(request, case, key or "")

    async def _generate(
        self, request: web.BaseRequest, vendor: str, case: Case, dialect: Dialect, sent: Sent
    ) -> web.StreamResponse:
        self.played[vendor, case.slug] += 1
        body = parsed(sent.body)
        began = asyncio.get_running_loop().time()
        generation = Generation(vendor, identity(vendor, sent.key), is_streamed(request.path, body), began)
        self.generations.append(generation)
        await asyncio.sleep(case.delay_s)
        return await generate(request, body, dialect, generation, headers=case.headers, token_s=self.token_s)

    def _chosen(self, vendor: str, sent: Sent) -> Case:
        """Return the case that the key names; the control endpoint and the way the key was sent can change it."""
        who = vendor, identity(vendor, sent.key)
        named = case_of(vendor, sent.key)
        case = self._instead.get(who) or named
        emulated = EMULATED[vendor]
        if case is None:
            return case_named(vendor, emulated.unknown_key(sent.headers))
        objection = None if named is None else emulated.objection(sent)
        if objection is not None:
            return case_named(vendor, objection)
        if case.turns:
            turn = self._turns[who]
            self._turns[who] += 1
            case = case.turns[turn % len(case.turns)]
        return case

    async def _about_itself(self, request: web.BaseRequest, path: str) -> web.Response:
        refused = refusal(request.headers, self._bound, changes=request.method != "GET")
        if refused is not None:
            return web.json_response(refused.body(), status=refused.status)
        match request.method, path:
            case "GET", "/":
                return web.json_response({"vendors": self._index, "control": f"{self.url}{_CONTROL}"})
            case "DELETE", "/_control":
                self.reset()
                return web.Response(status=204)
            case "POST", "/_control":
                return await self._control(request)
        return web.json_response(
            {"error": f"No such endpoint: use GET {self.url}/, or POST or DELETE {_CONTROL}"}, status=404
        )

    async def _control(self, request: web.BaseRequest) -> web.Response:
        """Make a key play another case from now on: `{"vendor": …, "key": …, "case": …}`."""
        played = self.control(await request.read())
        if played is None:
            return web.json_response({"error": "Send a known vendor, a key and a known case"}, status=422)
        return web.json_response(played)

    def control(self, body: bytes) -> dict[str, str] | None:
        """Make a key play another case; return the vendor and the case, or None if one of them is unknown."""
        try:
            wanted = json.loads(body)
            vendor, key, slug = (str(wanted[name]) for name in ("vendor", "key", "case"))
            case = find_case(vendor, slug)
        except (ValueError, KeyError, TypeError):
            return None
        if case is None:
            return None
        self._instead[vendor, identity(vendor, key)] = case
        return {"vendor": vendor, "case": case.slug}

    def refuse(self, vendor: str, key: str) -> None:
        """Refuse a key from now on, as after its owner revoked it at the vendor. Streams that it began go on."""
        self._instead[vendor, identity(vendor, key)] = case_named(vendor, "invalid")


def _listing(vendor: str, url: str) -> dict[str, Any]:
    """Return the entry of a vendor in `GET /`."""
    return {
        "base_url": f"{url}/{vendor}{EMULATED[vendor].base_path}",
        "cases": [
            {
                "case": case.slug,
                "title": case.title,
                "outcome": case.outcome.value,
                "reason": case.reason.value if case.reason else None,
                "key": fake_key(vendor, case.slug),
            }
            for case in CASES[vendor]
        ],
    }


@asynccontextmanager
async def serving(
    latency_s: float = 0.0, host: str = "127.0.0.1", port: int = 0, *, token_s: float = TOKEN_S
) -> AsyncIterator[Emulator]:
    """Run an emulator until the block ends. Raises OSError if the port is taken."""
    emulator = Emulator(latency_s, token_s)
    await emulator.start(host, port)
    try:
        yield emulator
    finally:
        await emulator.stop()


def running_emulator(
    latency_s: float = 0.0, host: str = "127.0.0.1", port: int = 0, *, token_s: float = TOKEN_S
) -> AbstractContextManager[Emulator]:
    """Run an emulator for synchronous callers, on an event loop in its own thread."""
    return in_background(serving(latency_s, host, port, token_s=token_s))
