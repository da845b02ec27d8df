"""Reads a list from the API with the standard library alone.

Importing the client's libraries takes five times as long as the request, while a person waits, or a shell that
completes a word. This makes one attempt; the client retries, and explains errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlencode
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from providers_client.version import VERSION
from providers_contract.ids import MANAGEMENT_KEY
from providers_contract.limits import MAX_PAGE
from providers_contract.operations import BASE_PATH, Operation

if TYPE_CHECKING:
    from providers_client.cli.access import Access

T = TypeVar("T")

_LABEL: Final = "[a-z0-9-]{1,19}"
"""Shorter than any key."""
_URL: Final = re.compile(
    rf"(https://{_LABEL}(\.{_LABEL})+|http://(localhost|127\.0\.0\.1))(:[0-9]{{1,5}})?(/[A-Za-z0-9_-]{{1,19}})*/?"
)
"""The usual addresses. The client handles all others, and reports invalid ones."""


def entries(
    found: Access,
    operation: Operation,
    query: Mapping[str, str | None],
    read: Callable[[Any], T],
    *,
    limit: int | None,
    timeout: float,
) -> list[T] | None:
    """Return the entries of a list's pages, at most `limit`; None if the client has to send the request instead.

    `read` converts an entry to a result; if it raises, the client has to send the request. `timeout` is in seconds,
    for a connection and for each part of a response. Only https uses a proxy, as in the client.
    """
    if not (_URL.fullmatch(found.url) and MANAGEMENT_KEY.fullmatch(found.key)):
        return None
    address = found.url.rstrip("/").removesuffix(BASE_PATH) + operation.path
    headers = {"Authorization": f"Bearer {found.key}", "User-Agent": f"providers-client/{VERSION}"}
    asked = {name: each for name, each in query.items() if each is not None}
    asked["limit"] = str(min(limit or MAX_PAGE, MAX_PAGE))
    made: list[T] = []
    try:
        through = _opener(found.url)
        while True:
            request = Request(f"{address}?{urlencode(asked)}", headers=headers)  # noqa: S310 - see _URL
            with through.open(request, timeout=timeout) as response:
                page = json.load(response)
            made += map(read, page["data"])
            if page["next_cursor"] is None or (limit is not None and len(made) >= limit):
                return made[:limit]
            asked["cursor"] = page["next_cursor"]
    except (OSError, HTTPException, ValueError, LookupError, TypeError, AttributeError):
        return None


def _opener(url: str) -> OpenerDirector:
    """Return what sends requests. It follows no redirect, which would take the key along."""
    opener = OpenerDirector()
    scheme = [ProxyHandler(), HTTPSHandler()] if url.startswith("https:") else [HTTPHandler()]
    for each in (*scheme, HTTPErrorProcessor(), HTTPDefaultErrorHandler()):
        opener.add_handler(each)
    return opener
