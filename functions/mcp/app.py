"""POST /mcp: the provider tools over streamable HTTP, stateless, for callers with a management key.

The function checks no key and has no permissions: it passes the caller's key on to the REST API, which checks it.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from providers.edge.http import error_response, invalid_parameter, lower_headers, own_url, read_object
from providers.edge.logs import logger
from providers.edge.shell import Invocation, shell
from providers.model.errors import Forbidden, InvalidRequest, ProvidersError, Unauthenticated
from providers.model.idempotency import StoredResponse
from providers_client.errors import ConfigurationError
from providers_client.mcp import logs
from providers_client.mcp.http import HttpResponse, caller, respond
from providers_client.mcp.messages import problem_with
from providers_client.mcp.settings import undo_is_wanted
from providers_client.mcp.tool import Caller
from providers_client.sending import management_key

URL_VARIABLE: Final = "API_URL"
"""The URL of the REST API, if it differs from the request's."""

logs.install(lambda fields: logger.warning(fields.pop("message"), **fields))

_ERROR_HEADERS: Final = {401: {"WWW-Authenticate": "Bearer"}, 405: {"Allow": "POST"}}


def _respond(invocation: Invocation) -> StoredResponse:
    response = _post(invocation.event)
    kept = {name.title(): value for name, value in response.headers.items() if name != "content-length"}
    return StoredResponse(response.status, kept, response.body)


def _on_error(error: ProvidersError, invocation: Invocation) -> StoredResponse:
    response = error_response(error, invocation.request_id)
    return replace(response, headers={**response.headers, **_ERROR_HEADERS.get(response.status, {})})


handler = shell(_respond, _on_error)


def _post(event: Mapping[str, Any]) -> HttpResponse:
    """Return the response to a request. Raises ProvidersError if the protocol forbids the request before it is read."""
    headers = lower_headers(event)
    api = _api_url(event)
    origin = headers.get("origin")
    if origin is not None and origin != "{0.scheme}://{0.netloc}".format(urlsplit(api)):
        raise Forbidden("origin_not_allowed", "browser origins are not allowed")
    if event.get("httpMethod") != "POST":
        raise InvalidRequest("method_not_allowed", "this server keeps no sessions and no streams: POST every message")
    undo = _wants_undo(event)
    who = _caller(api, headers.get("authorization"))
    read_object(event, headers)
    text = event["body"]
    body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
    problem = problem_with(body)
    if problem is not None:
        raise InvalidRequest("malformed_json", problem)
    many: Mapping[str, list[str]] = event.get("multiValueHeaders") or {name: [value] for name, value in headers.items()}
    return respond(who, [(name.lower(), value) for name, values in many.items() for value in values], body, undo=undo)


def _wants_undo(event: Mapping[str, Any]) -> bool:
    """Return whether the URL ends with `?tools=undo`. Raises InvalidRequest (`invalid_parameter`) for another value."""
    try:
        return undo_is_wanted("tools", (event.get("queryStringParameters") or {}).get("tools"))
    except ConfigurationError as error:
        raise invalid_parameter("tools", str(error)) from None


def _api_url(event: Mapping[str, Any]) -> str:
    """Return the URL of the REST API: the same host, and the same stage or base path."""
    return os.environ.get(URL_VARIABLE) or own_url(event, "", local=False)


def _caller(api: str, authorization: str | None) -> Caller:
    """Return who calls, with the key as it was sent. Raises Unauthenticated if that cannot be a key."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("missing_api_key", "send a management key as Authorization: Bearer mlx_mk_…")
    try:
        management_key(token)
    except ConfigurationError:
        message = "this is not a management key: send one as Authorization: Bearer mlx_mk_…"
        raise Unauthenticated("invalid_api_key", message) from None
    return caller(api, token)
