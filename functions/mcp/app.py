"""POST /mcp: the provider tools over streamable HTTP, stateless, for whoever holds a management key.

The function checks no key and has no permission: it sends the caller's own key on to the REST API, which does.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from aws_lambda_powertools import Logger

from providers.edge.http import failed, lower_headers, own_url, read_object
from providers.edge.logs import told
from providers.model.errors import Forbidden, InvalidRequest, Unauthenticated
from providers_client.errors import ConfigurationError
from providers_client.mcp import logs
from providers_client.mcp.http import HttpAnswer, answer, caller
from providers_client.mcp.messages import fault_of
from providers_client.mcp.tools import Caller
from providers_client.sending import management_key

URL_VARIABLE: Final = "API_URL"
"""Where the REST API is, if not where the request came in."""

logger = Logger()
logs.install(lambda fields: logger.warning(fields.pop("message"), **fields))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The answer to one message of the protocol, or a failure in the API's shape."""
    began = time.perf_counter()
    request_id = str((event.get("requestContext") or {}).get("requestId", ""))
    code: str | None = None
    try:
        reply = _reply(_answer(event))
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets our shape
        failure = told(error, logger)
        code, refused = failure.code, failed(failure, request_id)
        more = {401: {"WWW-Authenticate": "Bearer"}, 405: {"Allow": "POST"}}.get(refused.status, {})
        reply = _in_form(refused.status, {**refused.headers, **more}, refused.body)
    reply["headers"] |= {"X-Request-Id": request_id, "Cache-Control": "no-store"}
    logger.info(
        "answered",
        request_id=request_id,
        lambda_request_id=getattr(context, "aws_request_id", None),
        route=f"{event.get('httpMethod')} {event.get('resource')}",
        status=reply["statusCode"],
        code=code,
        duration_ms=round((time.perf_counter() - began) * 1000),
    )
    return reply


def _answer(event: Mapping[str, Any]) -> HttpAnswer:
    """Raises ProvidersError for what the protocol's own rules refuse before a message is read."""
    headers = lower_headers(event)
    api = _api_url(event)
    origin = headers.get("origin")
    if origin is not None and origin != "{0.scheme}://{0.netloc}".format(urlsplit(api)):
        raise Forbidden("origin_not_allowed", "this server answers no web page but its own: send no Origin header")
    if event.get("httpMethod") != "POST":
        raise InvalidRequest("method_not_allowed", "this server keeps no sessions and no streams: POST every message")
    who = _caller(api, headers.get("authorization"))
    read_object(event, headers)
    text = event["body"]
    body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
    fault = fault_of(body)
    if fault is not None:
        raise InvalidRequest("malformed_json", fault)
    many: Mapping[str, list[str]] = event.get("multiValueHeaders") or {name: [value] for name, value in headers.items()}
    return answer(who, [(name.lower(), value) for name, values in many.items() for value in values], body)


def _api_url(event: Mapping[str, Any]) -> str:
    """The REST API beside this endpoint: same host, same stage or base path."""
    return os.environ.get(URL_VARIABLE) or own_url(event, "", local=False)


def _caller(api: str, authorization: str | None) -> Caller:
    """Who calls, with the key as it was sent. Raises Unauthenticated for one that cannot be a key."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("missing_api_key", "send a management key as Authorization: Bearer mlx_mk_…")
    try:
        management_key(token)
    except ConfigurationError:
        message = "this is not a management key: send one as Authorization: Bearer mlx_mk_…"
        raise Unauthenticated("invalid_api_key", message) from None
    return caller(api, token)


def _reply(answered: HttpAnswer) -> dict[str, Any]:
    """The protocol's own answer in API Gateway's form."""
    kept = {name.title(): value for name, value in answered.headers.items() if name != "content-length"}
    return _in_form(answered.status, kept, answered.body)


def _in_form(status: int, headers: Mapping[str, str], body: str) -> dict[str, Any]:
    return {"statusCode": status, "headers": dict(headers), "isBase64Encoded": False, "body": body}
