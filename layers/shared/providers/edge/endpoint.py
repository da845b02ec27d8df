"""The `@endpoint` decorator: the common part of every operation, so that a handler contains only its use case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from providers.edge.caller import Authorized, from_event
from providers.edge.http import (
    Reply,
    Request,
    invalid_parameter,
    read_object,
    read_query,
    render,
    with_fields,
)
from providers.edge.metrics import metrics_written
from providers.edge.rate_limit import limit_headers, refuse_over_limit
from providers.edge.shell import Invocation, LambdaHandler, shell
from providers.model.errors import Forbidden, InvalidRequest, Unresponsive
from providers.model.idempotency import StoredResponse
from providers.model.metrics import LOST_LEASES
from providers.ports import LeaseLost, Ports
from providers.usecases.idempotency import begin, in_progress, release
from providers_contract.errors import ERRORS
from providers_contract.ids import IDEMPOTENCY_KEY
from providers_contract.operations import Operation, allowed_methods
from providers_contract.vocabulary import Scope

B = TypeVar("B")
R = TypeVar("R")
Handler = Callable[[Request[B], Ports], R]
Unstored = Callable[[Mapping[str, Any], Ports, Mapping[str, Any]], Mapping[str, Any]]


def endpoint(
    ports: Callable[[], Ports],
    operation: Operation,
    *,
    reply: Callable[[R], Reply],
    body: Callable[[dict[str, Any]], B] | None = None,
    unstored: Unstored | None = None,
) -> Callable[[Handler[B, R]], LambdaHandler]:
    """Make a Lambda handler of a function from `Request` and `Ports` to a use case's result.

    Args:
        ports: returns the ports, built on first use.
        operation: the row of the contract.
        body: makes the use case's command of the JSON object in the body; raises InvalidRequest.
        reply: renders the result, both to send it and to store it for replay (`as_is` for a Reply).
        unstored: response fields excluded from the idempotency record. It returns them for the event and the response's
            `data`; they are added to the first response and to each replay.
    """
    query = frozenset(operation.query)
    methods = (operation.method,) if operation.changes else (operation.method, "HEAD")
    allowed = {"Allow": ", ".join(allowed_methods(operation.path))}
    assert not operation.anonymous  # noqa: S101 - an operation without a key has no use for this decorator

    def decorate(handle: Handler[B, R]) -> LambdaHandler:
        def respond(invocation: Invocation) -> StoredResponse:
            caller = from_event(invocation.event)
            invocation.response_headers.update(limit_headers(caller))
            invocation.log_keys.update(org=caller.org, key_id=caller.key_id)
            refuse_over_limit(caller)
            method = invocation.event["httpMethod"]
            if method not in methods:
                invocation.response_headers.update(allowed)
                if method == "OPTIONS":
                    return StoredResponse(204, {}, "")
                raise InvalidRequest("method_not_allowed", ERRORS["method_not_allowed"].message)
            _require(operation.scope, caller)
            given = _object(invocation, operation) if body else {}
            request = _request(invocation, caller, query, body(given) if body else None, reply)
            with metrics_written(ports):
                if operation.changes:
                    response = _once(handle, request, _content(invocation.event, request, given), ports())
                else:
                    response = render(reply(handle(request, ports())))
                if unstored is not None:
                    response = with_fields(response, lambda data: unstored(invocation.event, ports(), data))
            return response

        handler = shell(respond)
        handler.operation = operation  # type: ignore[attr-defined]  # for the test that compares it with the template
        return handler

    return decorate


def _require(scope: Scope | None, caller: Authorized) -> None:
    if scope is not None and scope not in caller.scopes:
        raise Forbidden("insufficient_scope", f"this management key lacks the scope {scope.value}")


def _object(invocation: Invocation, operation: Operation) -> dict[str, Any]:
    if operation.body_optional and not invocation.event.get("body"):
        return {}
    return read_object(invocation.event, invocation.headers)


def _content(event: Mapping[str, Any], request: Request[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content that must be equal in two requests with the same Idempotency-Key: route, path, query, body."""
    route = [event.get("httpMethod"), event.get("resource")]
    return {"route": route, "path": dict(request.path), "query": dict(request.query), "body": given}


def _once(handle: Handler[Any, Any], request: Request[Any], content: dict[str, Any], ports: Ports) -> StoredResponse:
    """Make a change, once for each Idempotency-Key, and return its response."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return render(request.reply(handle(request, ports)))
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise invalid_parameter("Idempotency-Key", "Idempotency-Key must have 1 to 255 visible ASCII characters")
    lease = begin(ports, request.org, key, content)
    if isinstance(lease, StoredResponse):
        return replace(lease, headers={**lease.headers, "Idempotency-Replayed": "true"})
    try:
        return render(request.reply(handle(replace(request, lease=lease), ports)))
    except LeaseLost:
        ports.metrics.count(LOST_LEASES)
        raise in_progress() from None
    except Unresponsive:
        raise  # the lease expires by itself; an unresponsive database would only delay the response
    except Exception:
        release(ports, lease)
        raise


def _request(
    invocation: Invocation,
    caller: Authorized,
    query: frozenset[str],
    body: Any,
    reply: Callable[[Any], Reply],
) -> Request[Any]:
    return Request(
        id=invocation.request_id,
        caller=caller,
        path=invocation.event.get("pathParameters") or {},
        query=read_query(invocation.event, query),
        headers=invocation.headers,
        body=body,
        reply=reply,
    )
