"""The common part of every function behind API Gateway: map errors, log one line, respond."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from providers.edge.http import error_response, lower_headers
from providers.edge.logs import log_context, logger, to_client_error
from providers_contract.frozen import dataclass

if TYPE_CHECKING:
    from providers.model.errors import ProvidersError
    from providers.model.idempotency import StoredResponse

LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Invocation:
    """One request, as API Gateway passes it to the function.

    Args:
        event: the proxy event.
        request_id: API Gateway's request id.
        headers: of the request, with lower-case names.
        response_headers: sent with the response, errors included; the function adds to them.
        log_keys: added to the line that is logged for the request; the function adds to them.
    """

    event: Mapping[str, Any]
    request_id: str
    headers: Mapping[str, str] = field(repr=False)
    response_headers: dict[str, str] = field(default_factory=dict)
    log_keys: dict[str, Any] = field(default_factory=dict)


def shell(
    respond: Callable[[Invocation], StoredResponse],
    on_error: Callable[[ProvidersError, Invocation], StoredResponse] | None = None,
) -> LambdaHandler:
    """Return the Lambda handler for `respond`.

    Args:
        respond: does the work. It may raise any exception: a ProvidersError becomes its response, any other exception a
            500 that contains no part of it.
        on_error: renders an error; by default as the API's JSON.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        began = time.perf_counter()
        request_id = str((event.get("requestContext") or {}).get("requestId", ""))
        invocation = Invocation(event, request_id, lower_headers(event))
        with log_context(context, correlation_id=request_id):
            code: str | None = None
            try:
                response = respond(invocation)
            except Exception as error:  # noqa: BLE001 - every error becomes a response in the API's format
                failure = to_client_error(error)
                code = failure.code
                response = on_error(failure, invocation) if on_error else error_response(failure, request_id)
            logger.info(
                "responded",
                route=f"{event.get('httpMethod')} {event.get('resource')}",
                status=response.status,
                code=code,
                duration_ms=round((time.perf_counter() - began) * 1000),
                **invocation.log_keys,
            )
        headers = {"Cache-Control": "no-store", **response.headers, **invocation.response_headers}
        return {
            "statusCode": response.status,
            "headers": headers | {"X-Request-Id": request_id},
            "isBase64Encoded": False,
            "body": "" if event.get("httpMethod") == "HEAD" else response.body,
        }

    return handler
