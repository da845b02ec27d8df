"""The `@endpoint` decorator: everything that every endpoint does, so that a handler is its use case and no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from aws_lambda_powertools import Logger

from providers.edge.caller import Authorized, from_event
from providers.edge.http import (
    Reply,
    Request,
    failed,
    invalid_parameter,
    lower_headers,
    read_object,
    read_query,
    recorded,
    with_members,
)
from providers.edge.logs import told
from providers.model.errors import Forbidden, RateLimited, Unanswered
from providers.model.idempotency import StoredResponse
from providers.ports import LeaseLost, Ports
from providers.usecases.idempotency import begin, in_progress, release
from providers_contract.ids import IDEMPOTENCY_KEY
from providers_contract.vocabulary import Scope

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
    body_optional: bool = False,
    query: tuple[str, ...] = (),
    unrecorded: Callable[[Mapping[str, Any], Ports, Mapping[str, Any]], Mapping[str, Any]] | None = None,
) -> Callable[[Handler[B]], LambdaHandler]:
    """Make a Lambda handler of a function from `Request` and `Ports` to `Reply`.

    Args:
        ports: gives what the use case needs, built on first use.
        scope: what the caller's management key must allow.
        body: turns the body's JSON object into what `Request.body` holds, or raises; None where there is no body.
        body_optional: an empty body stands for an empty object.
        query: the query parameters that the endpoint takes; any other is refused.
        unrecorded: gives, from the event and the answer's `data`, the members of `data` that must not be kept for
            whoever sends the request again; they are put into the first answer and into each repeated one.
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
                _refuse(caller, scope)
                given = {} if body is None else _object(event, body_optional)
                parsed: Any = body(given) if body else None
                request = _request(event, caller, allowed, parsed)
                if scope.writes:
                    answer = _once(handle, request, _content(event, request, given), ports())
                else:
                    answer = _plain(handle(request, ports()))
                if unrecorded is not None:
                    answer = with_members(answer, lambda data: unrecorded(event, ports(), data))
            except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets our shape
                failure = told(error, logger)
                code = failure.code
                answer = failed(failure, request_id)
            headers = dict(answer.headers) | {"X-Request-Id": request_id, "Cache-Control": "no-store"}
            headers |= caller.limit_headers if caller else {}
            logger.info(
                "answered",
                request_id=request_id,
                lambda_request_id=getattr(context, "aws_request_id", None),
                route=f"{event.get('httpMethod')} {event.get('resource')}",
                status=answer.status,
                code=code,
                org=caller.org if caller else None,
                key_id=caller.key_id if caller else None,
                duration_ms=round((time.perf_counter() - began) * 1000),
            )
            return {
                "statusCode": answer.status,
                "headers": headers,
                "isBase64Encoded": False,
                "body": answer.body,
            }

        handler.endpoint = Endpoint(scope, query, body is not None, handle.__doc__ or "")  # type: ignore[attr-defined]
        return handler

    return decorate


def _plain(reply: Reply) -> StoredResponse:
    return StoredResponse(304, reply.headers, "") if reply.status == 304 else recorded(reply)


def _content(event: Mapping[str, Any], request: Request[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a request another one for its Idempotency-Key: route, path, query, and the body as it was given."""
    route = [event.get("httpMethod"), event.get("resource")]
    return {"route": route, "path": dict(request.path), "query": dict(request.query), "body": given}


def _once(handle: Handler[B], request: Request[B], content: dict[str, Any], ports: Ports) -> StoredResponse:
    """The answer of a request that changes something: once for each Idempotency-Key, however often it is sent."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return _plain(handle(request, ports))
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise invalid_parameter("Idempotency-Key", "Idempotency-Key must have 1 to 255 visible ASCII characters")
    lease = begin(ports, request.org, key, content)
    if isinstance(lease, StoredResponse):
        return replace(lease, headers={**lease.headers, "Idempotency-Replayed": "true"})
    try:
        return _plain(handle(replace(request, lease=lease), ports))
    except LeaseLost:
        raise in_progress() from None
    except Unanswered:
        raise  # the lease ends by itself; a database that does not answer would only keep the caller waiting
    except Exception:
        release(ports, lease)
        raise


def _refuse(caller: Authorized, scope: Scope) -> None:
    if caller.limited:
        raise RateLimited(
            "rate_limited",
            f"this management key has used up its requests for this minute; try again in {caller.reset_s} s",
            retry_after_s=caller.reset_s,
        )
    if scope not in caller.scopes:
        raise Forbidden("insufficient_scope", f"this management key lacks the scope {scope.value}")


def _object(event: Mapping[str, Any], optional: bool) -> dict[str, Any]:
    return {} if optional and not event.get("body") else read_object(event, lower_headers(event))


def _request(event: Mapping[str, Any], caller: Authorized, allowed: frozenset[str], body: B) -> Request[B]:
    return Request(
        id=str(event["requestContext"].get("requestId", "")),
        org=caller.org,
        key_id=caller.key_id,
        scopes=caller.scopes,
        path=event.get("pathParameters") or {},
        query=read_query(event, allowed),
        headers=lower_headers(event),
        body=body,
    )
