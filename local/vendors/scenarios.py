"""Sends a case's response over the wire, well or badly."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import cache
from typing import Final

from aiohttp import web

from local.vendors.cases.base import Case, Play, Rendered, render
from local.vendors.cases.misbehaviour import padded

_BLOCK: Final = b" " * 65_536
_HUGE_BYTES: Final = 50 * 1024 * 1024
_BOMB_BYTES: Final = 100 * 1024 * 1024
_DRIP_S: Final = 1.0


async def play(request: web.BaseRequest, case: Case, key: str) -> web.StreamResponse:
    """Respond to `request` with `case`. Stops quietly if the caller disconnects."""
    if case.play is Play.RESPOND:
        rendered = render(case, key)
        return web.Response(status=rendered.status, headers=rendered.headers, body=rendered.body)
    return await _PLAYS[case.play](request, case, render(case, key))


async def _slow(request: web.BaseRequest, case: Case, rendered: Rendered) -> web.StreamResponse:  # noqa: ARG001
    await asyncio.sleep(case.delay_s)
    return web.Response(status=rendered.status, headers=rendered.headers, body=rendered.body)


async def _drop(request: web.BaseRequest, case: Case, rendered: Rendered) -> web.StreamResponse:  # noqa: ARG001
    return _hang_up(request)


async def _drop_midway(request: web.BaseRequest, case: Case, rendered: Rendered) -> web.StreamResponse:  # noqa: ARG001
    half = rendered.body[: len(rendered.body) // 2]
    await _stream(request, rendered, _once(half), length=len(rendered.body))
    return _hang_up(request)


async def _garbage(request: web.BaseRequest, case: Case, rendered: Rendered) -> web.StreamResponse:  # noqa: ARG001
    if request.transport is not None:
        request.transport.write(b"\x16\x03\x01\x00\xff this is not HTTP\r\n\r\n")
    return _hang_up(request)


async def _endless(request: web.BaseRequest, case: Case, rendered: Rendered) -> web.StreamResponse:
    head, _ = padded(case)

    async def body() -> AsyncGenerator[bytes, None]:
        yield head
        while True:
            yield _BLOCK
            await asyncio.sleep(0)

    return await _stream(request, rendered, body())


async def _bomb(request: web.BaseRequest, case: Case, rendered: Rendered) -> web.StreamResponse:  # noqa: ARG001
    headers = {**rendered.headers, "content-encoding": "gzip"}
    packed = await asyncio.to_thread(_packed, case)
    return web.Response(status=rendered.status, headers=headers, body=packed)


async def _drip(request: web.BaseRequest, case: Case, rendered: Rendered) -> web.StreamResponse:  # noqa: ARG001
    async def body() -> AsyncGenerator[bytes, None]:
        for place in range(len(rendered.body)):
            yield rendered.body[place : place + 1]
            await asyncio.sleep(_DRIP_S)

    return await _stream(request, rendered, body(), length=len(rendered.body))


async def _huge(request: web.BaseRequest, case: Case, rendered: Rendered) -> web.StreamResponse:
    head, tail = padded(case)
    blocks = _HUGE_BYTES // len(_BLOCK)

    async def body() -> AsyncGenerator[bytes, None]:
        yield head
        for _ in range(blocks):
            yield _BLOCK
        yield tail

    return await _stream(request, rendered, body(), length=len(head) + blocks * len(_BLOCK) + len(tail))


_PLAYS: Final[dict[Play, Callable[[web.BaseRequest, Case, Rendered], Awaitable[web.StreamResponse]]]] = {
    Play.SLOW: _slow,
    Play.DROP: _drop,
    Play.DROP_MIDWAY: _drop_midway,
    Play.GARBAGE: _garbage,
    Play.ENDLESS: _endless,
    Play.BOMB: _bomb,
    Play.DRIP: _drip,
    Play.HUGE: _huge,
}


async def _once(block: bytes) -> AsyncGenerator[bytes, None]:
    yield block


async def _stream(
    request: web.BaseRequest, rendered: Rendered, body: AsyncGenerator[bytes, None], *, length: int | None = None
) -> web.StreamResponse:
    """Stream `body`, chunked unless its length is given."""
    response = web.StreamResponse(status=rendered.status, headers=rendered.headers)
    response.content_length = length
    try:
        await response.prepare(request)
        async with aclosing(body):
            async for block in body:
                await response.write(block)
    except ConnectionError:
        pass  # the caller disconnected
    return response


def _hang_up(request: web.BaseRequest) -> web.StreamResponse:
    """Close the connection after the data written so far; the returned response is not sent."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


@cache
def _packed(case: Case) -> bytes:
    """Return the padded body of `case` as gzip (RFC 1952), a thousandth of its size.

    One block is compressed once and repeated: a full flush makes it independent of its position.
    """
    head, tail = padded(case)
    count = _BOMB_BYTES // len(_BLOCK)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    parts = [packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH) for part in (head, _BLOCK)]
    end = packer.compress(tail) + packer.flush()
    checksum = zlib.crc32(head)
    for _ in range(count):
        checksum = zlib.crc32(_BLOCK, checksum)
    size = len(head) + count * len(_BLOCK) + len(tail)
    trailer = struct.pack("<II", zlib.crc32(tail, checksum), size & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + parts[0] + parts[1] * count + end + trailer
