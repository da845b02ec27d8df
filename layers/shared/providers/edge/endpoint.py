"""The `@endpoint` decorator: everything that every endpoint does, so that a handler is its use case and no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aws_lambda_powertools import Logger

from providers.edge.caller import Authorized, from_event
from providers.edge.errors import error_answer
from providers.edge.http import Reply, Request, lower_headers, read_object, read_query, respond
from providers.edge.logs import where
from providers.model.errors import Forbidden, ProvidersError, RateLimited
from providers.model.provider import Scope
from providers.ports import Ports

B = TypeVar("B")
Handler = Callable[[Request[B], Ports], Reply]
LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]

logger = Logger()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a handler is an endpoint of; stands on it as `endpoint`, for the API's description to be made from."""

    scope: Scope
    query: tuple[str, ...]
    has_body: bool
    text: str


def endpoint(
    ports: Callable[[], Ports],
    scope: Scope,
    *,
    body: Callable[[dict[str, Any]], B] | None = None,
    query: tuple[str, ...] = (),
) -> Callable[[Handler[B]], LambdaHandler]:
    """Make a Lambda handler of a function from `Request` and `Ports` to `Reply`.

    Args:
        ports: gives what the use case needs, built on first use.
        scope: what the caller's management key must allow.
        body: turns the body's JSON object into what `Request.body` holds, or raises; None where there is no body.
        query: the query parameters that the endpoint takes; any other is refused.
    """
    allowed = frozenset(query)

    def decorate(handle: Handler[B]) -> LambdaHandler:
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            began = time.perf_counter()
            request_id = str((event.get("requestContext") or {}).get("requestId", ""))
            caller: Authorized | None = None
            code: str | None = None
            try:
                caller = from_event(event)
                reply = handle(_request(event, caller, scope, allowed, body), ports())
                headers, status = dict(reply.headers), reply.status
                answer = None if reply.status == 304 else {"data": reply.data, **reply.members}
            except ProvidersError as error:
                code = error.code
                status, headers, answer = error_answer(error, request_id)
                if status >= 500:
                    logger.warning("not done", code=code, causes=getattr(error, "__notes__", []))
            except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets our shape
                code = "internal_error"
                logger.error("unexpected error", **where(error))  # noqa: TRY400 - a traceback's text could hold anything
                failure = ProvidersError(code, "something went wrong on our side; quote request_id when you report it")
                status, headers, answer = error_answer(failure, request_id)
            headers |= {"X-Request-Id": request_id, "Cache-Control": "no-store"}
            headers |= caller.limit_headers if caller else {}
            logger.info(
                "answered",
                request_id=request_id,
                lambda_request_id=getattr(context, "aws_request_id", None),
                route=f"{event.get('httpMethod')} {event.get('resource')}",
                status=status,
                code=code,
                org=caller.org if caller else None,
                key_id=caller.key_id if caller else None,
                duration_ms=round((time.perf_counter() - began) * 1000),
            )
            return respond(status, headers, answer)

        handler.endpoint = Endpoint(scope, query, body is not None, handle.__doc__ or "")  # type: ignore[attr-defined]
        return handler

    return decorate


def _request(
    event: Mapping[str, Any],
    caller: Authorized,
    scope: Scope,
    allowed: frozenset[str],
    body: Callable[[dict[str, Any]], B] | None,
) -> Request[B]:
    if caller.limited:
        raise RateLimited(
            "rate_limited",
            f"this management key has used up its requests for this minute; try again in {caller.reset_s} s",
            retry_after_s=caller.reset_s,
        )
    if scope not in caller.scopes:
        raise Forbidden("insufficient_scope", f"this management key lacks the scope {scope.value}")
    headers = lower_headers(event)
    return Request(
        org=caller.org,
        key_id=caller.key_id,
        scopes=caller.scopes,
        path=event.get("pathParameters") or {},
        query=read_query(event, allowed),
        headers=headers,
        body=body(read_object(event, headers)) if body else None,  # type: ignore[arg-type]
    )
