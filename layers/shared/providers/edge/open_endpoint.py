"""The edge of what a person opens in a browser, with a link in place of a management key.

The link's token is all that is needed to use it: no log line holds the token or the path that it stands in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aws_lambda_powertools import Logger

from providers.edge import pages
from providers.edge.http import Reply, failed, lower_headers, read_form, recorded
from providers.edge.logs import told
from providers.ports import Ports

F = TypeVar("F")

logger = Logger()


@dataclass(frozen=True, slots=True)
class Visit(Generic[F]):
    """One request at a link; `form` is what the endpoint's schema made of the form that was sent."""

    id: str
    token: str = field(repr=False)
    form: F = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is answered: `page` to a person, `reply` to a program that asks for JSON."""

    reply: Reply
    page: str


Handler = Callable[[Visit[F], Ports], Shown]
LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]


def open_endpoint(
    ports: Callable[[], Ports], *, form: Callable[[dict[str, Any]], F] | None = None
) -> Callable[[Handler[F]], LambdaHandler]:
    """Make a Lambda handler of a function from `Visit` and `Ports` to `Shown`.

    Args:
        ports: gives what the use case needs, built on first use.
        form: turns the fields of the form into what `Visit.form` holds, or raises; None where no form is sent.
    """

    def decorate(handle: Handler[F]) -> LambdaHandler:
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            began = time.perf_counter()
            request_id = str((event.get("requestContext") or {}).get("requestId", ""))
            headers = lower_headers(event)
            code: str | None = None
            try:
                token = (event.get("pathParameters") or {}).get("token", "")
                fields = form(read_form(event, headers)) if form else None
                shown = handle(Visit(request_id, token, fields), ports())  # type: ignore[arg-type]
                answer, page = recorded(shown.reply), shown.page
            except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets our shape
                failure = told(error, logger)
                code = failure.code
                answer, page = failed(failure, request_id), pages.failure_page(failure, request_id)
            logger.info(
                "answered",
                request_id=request_id,
                lambda_request_id=getattr(context, "aws_request_id", None),
                route=f"{event.get('httpMethod')} {event.get('resource')}",
                status=answer.status,
                code=code,
                duration_ms=round((time.perf_counter() - began) * 1000),
            )
            as_json = _wants_json(headers)
            media_type = {} if as_json else {"Content-Type": "text/html; charset=utf-8"}
            return {
                "statusCode": answer.status,
                "headers": {**answer.headers, **media_type, **pages.HEADERS, "X-Request-Id": request_id},
                "isBase64Encoded": False,
                "body": answer.body if as_json else page,
            }

        return handler

    return decorate


def _wants_json(headers: Mapping[str, str]) -> bool:
    """Whether `Accept` asks for JSON and does not take pages too, as every browser's does."""
    accepted = headers.get("accept", "").lower()
    return "application/json" in accepted and "text/html" not in accepted
