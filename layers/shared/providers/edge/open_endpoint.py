"""The `@open_endpoint` decorator: pages that a person opens in a browser, with a link instead of a management key.

The link's token is enough to use it: no log line contains the token or the path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any, Generic, TypeVar

from providers.edge import pages
from providers.edge.http import Reply, error_response, read_form, render
from providers.edge.metrics import metrics_written
from providers.edge.shell import Invocation, LambdaHandler, shell
from providers.model.errors import ProvidersError
from providers.model.idempotency import StoredResponse
from providers.ports import Ports
from providers_contract.frozen import dataclass

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class PageRequest(Generic[F]):
    """One request at a link; `form` is the result of the endpoint's `form`."""

    id: str
    token: str = field(repr=False)
    form: F = field(repr=False)


@dataclass(frozen=True, slots=True)
class PageResponse:
    """The response: `page` is HTML for a person; `reply` is for a program that accepts only JSON."""

    reply: Reply
    page: str


Handler = Callable[[PageRequest[F], Ports], PageResponse]


def open_endpoint(
    ports: Callable[[], Ports], *, form: Callable[[dict[str, Any]], F] | None = None
) -> Callable[[Handler[F]], LambdaHandler]:
    """Make a Lambda handler of a function from `PageRequest` and `Ports` to `PageResponse`.

    Args:
        ports: returns the ports, built on first use.
        form: parses the form's fields into `PageRequest.form`, or raises. None if no form is sent.
    """

    def decorate(handle: Handler[F]) -> LambdaHandler:
        def respond(invocation: Invocation) -> StoredResponse:
            token = (invocation.event.get("pathParameters") or {}).get("token", "")
            fields: Any = form(read_form(invocation.event, invocation.headers)) if form else None
            with metrics_written(ports):
                found = handle(PageRequest(invocation.request_id, token, fields), ports())
            return _as_accepted(render(found.reply), found.page, invocation)

        def on_error(error: ProvidersError, invocation: Invocation) -> StoredResponse:
            page = pages.failure_page(error, invocation.request_id)
            return _as_accepted(error_response(error, invocation.request_id), page, invocation)

        return shell(respond, on_error)

    return decorate


def _as_accepted(response: StoredResponse, page: str, invocation: Invocation) -> StoredResponse:
    """Return `response` as JSON or as `page`, depending on the request's `Accept`."""
    if _accepts_only_json(invocation.headers):
        return replace(response, headers={**response.headers, **pages.HEADERS})
    html = {"Content-Type": "text/html; charset=utf-8"}
    return replace(response, headers={**response.headers, **html, **pages.HEADERS}, body=page)


def _accepts_only_json(headers: Mapping[str, str]) -> bool:
    """Return whether `Accept` allows JSON and not HTML, which every browser accepts."""
    accepted = headers.get("accept", "").lower()
    return "application/json" in accepted and "text/html" not in accepted
