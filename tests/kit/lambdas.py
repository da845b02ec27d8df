"""Call the functions as API Gateway does."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.template import Template
from tests.kit.description import check_response

ALL_SCOPES = "providers:read providers:write routing:read routing:write"


@dataclass(frozen=True)
class Response:
    """A function's response. `body` is parsed JSON, or None for a page."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str

    @property
    def error(self) -> Any:
        return self.body["error"]

    @property
    def data(self) -> Any:
        return self.body["data"]


@dataclass(frozen=True)
class Invocation:
    """Lambda's context: the time that a function has left."""

    left_ms: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


def event(
    *,
    body: Any = None,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str | list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    org: str = "org_a",
    key_id: str = "01test",
    scopes: str = ALL_SCOPES,
    limited: bool = False,
) -> dict[str, Any]:
    """Return a proxy event. A string `body` is sent unchanged, anything else as JSON."""
    many = {name: value if isinstance(value, list) else [value] for name, value in (query or {}).items()}
    return {
        "resource": "/test",
        "headers": {"Content-Type": "application/json", **(headers or {})},
        "multiValueQueryStringParameters": many or None,
        "pathParameters": dict(path) if path else None,
        "requestContext": {
            "requestId": "request-1",
            "domainName": "api.example.com",
            "path": "/live/test",
            "resourcePath": "/test",
            "authorizer": {
                "org": org,
                "key_id": key_id,
                "key_name": "Test",
                "key_expires_at": "",
                "scopes": scopes,
                "rate_limit": "60",
                "rate_remaining": "59",
                "rate_reset": "42",
                "rate_limited": "true" if limited else "false",
            },
        },
        "body": body if isinstance(body, str) or body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def invoke(function: str, given: dict[str, Any]) -> Response:
    """Return the response of `functions/<function>` to an event; fail if it does not match the API's description."""
    given = {"httpMethod": method_of(function)} | given
    result = importlib.import_module(f"functions.{function}.app").handler(given, Invocation())
    text = result["body"]
    is_json = text and result["headers"]["Content-Type"] == "application/json"
    found = Response(result["statusCode"], result["headers"], json.loads(text) if is_json else None, text)
    if given["httpMethod"] == method_of(function):  # the description has no HEAD, and no 405
        check_response(function, found.status, found.headers, found.body)
    return found


_TEMPLATE = Template()
_ROUTES = {
    _TEMPLATE.module(name).split(".")[1]: _TEMPLATE.route(name) for name in {each.function for each in _TEMPLATE.routes}
}


def method_of(function: str) -> str:
    """Return the method of a function's own route."""
    return _ROUTES[function].method


def call(function: str, **given: Any) -> Response:
    """Invoke a function with an event for its own route, made from the arguments."""
    return invoke(function, event(**given) | {"resource": _ROUTES[function].resource})
