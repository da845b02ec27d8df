"""Canned responses for the client."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import httpx2

from providers_contract.errors import ERRORS

KEY = "mlx_mk_example_" + "FAKE" * 12
NOW = datetime(2026, 4, 14, 12, tzinfo=UTC)
PROVIDER_ID = "prov_01ARZ3NDEKTSV4RRFFQ69G5FAV"
PROVIDER: dict[str, Any] = {
    "id": PROVIDER_ID,
    "vendor": "openai",
    "name": "OpenAI Production",
    "tags": ["production"],
    "base_url": None,
    "status": "active",
    "health": {"state": "healthy", "reason": None, "p50_latency_ms": 320, "last_check_at": "2026-04-14T12:00:00Z"},
    "created_at": "2026-04-01T10:00:00Z",
    "updated_at": "2026-04-01T10:00:00Z",
    "key_hint": "sk-proj-…0001",
    "key_version": 3,
    "key_rotated_at": "2026-04-01T10:00:00Z",
    "key_expires_at": None,
    "verification": {"outcome": "valid", "reason": None, "checked_at": "2026-04-01T10:00:00Z"},
}
TYPES = {row.status: row.type for row in ERRORS.values()}


class Script:
    """Returns one response after the other and records the requests. An exception is raised as by the transport."""

    def __init__(self, responses: Iterable[httpx2.Response | httpx2.HTTPError]) -> None:
        self._responses = list(responses)
        self.seen: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        response = self._responses.pop(0)
        if isinstance(response, httpx2.RequestError):
            raise type(response)(str(response), request=request)
        assert isinstance(response, httpx2.Response)
        return httpx2.Response(response.status_code, headers=response.headers, content=response.content)


def error(status: int, code: str, headers: dict[str, str] | None = None, **members: Any) -> httpx2.Response:
    """Return an error response in the API's format."""
    body = {"type": TYPES[status], "code": code, "message": "something failed", "request_id": "request-1"}
    body |= {"resource": None, "id": None, "param": None} | members
    return httpx2.Response(status, json={"error": body}, headers=headers)


def page(data: list[dict[str, Any]], cursor: str | None) -> httpx2.Response:
    """Return a page of a list."""
    return httpx2.Response(200, json={"data": data, "next_cursor": cursor})


def one(data: Any) -> httpx2.Response:
    """Return a response with `data`."""
    return httpx2.Response(200, json={"data": data})
