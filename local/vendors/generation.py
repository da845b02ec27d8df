"""Plays the vendors' generation calls: some words, one token at a time, whole or as a stream."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from local.vendors.dialects import Dialect, Request

DEFAULT_TOKENS: Final = 20
_MAX_TOKENS: Final = 1000
_WORDS: Final = ("This", "text", "comes", "from", "the", "vendor", "emulator", "again", "and")
_MODEL_IN_PATH: Final = re.compile(r"/(?:models?|deployments)/([^/]+?)(?::\w*[gG]enerateContent)?(?:/|$)")


@dataclass(slots=True)
class Generation:
    """A generation that a key began. `ended` is the loop's time at which all of it was sent; None until then."""

    vendor: str
    key: str
    streamed: bool
    began: float
    ended: float | None = None


async def generate(
    request: web.BaseRequest,
    body: Mapping[str, Any],
    dialect: Dialect,
    generation: Generation,
    *,
    headers: Mapping[str, str],
    token_s: float,
) -> web.StreamResponse:
    """Respond with as many tokens as the request allows, one every `token_s` seconds.

    A key that is revoked meanwhile does not end it: vendors check a key when a request starts.
    """
    wanted = _requested(request.path, body)
    count = min(dialect.max_tokens(wanted.body) or DEFAULT_TOKENS, _MAX_TOKENS)
    tokens = [f"{word} " for word in itertools.islice(itertools.cycle(_WORDS), count)]
    if not generation.streamed:
        await asyncio.sleep(count * token_s)
        generation.ended = asyncio.get_running_loop().time()
        return web.json_response(dialect.whole(wanted, tokens), headers=_without_type(headers))
    response = web.StreamResponse(headers={**headers, "content-type": dialect.content_type})
    blocks = dialect.stream(wanted, tokens)
    try:
        await response.prepare(request)
        await response.write(next(blocks))
        for block in blocks:
            await asyncio.sleep(token_s)
            await response.write(block)
        generation.ended = asyncio.get_running_loop().time()
    except ConnectionError:
        pass  # the caller disconnected
    return response


def parsed(body: bytes) -> dict[str, Any]:
    """Return a request's body; an empty dict if it is not a JSON object."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def is_streamed(path: str, body: Mapping[str, Any]) -> bool:
    """Return whether a request is for a stream: by its path (Google, Bedrock), or by `"stream": true` in its body."""
    return path.endswith(("/converse-stream", ":streamGenerateContent")) or body.get("stream") is True


def _requested(path: str, body: Mapping[str, Any]) -> Request:
    named = _MODEL_IN_PATH.search(path)
    return Request(str(body.get("model") or (named[1] if named else "emulated")), body)


def _without_type(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "content-type"}
