"""Makes the client's exceptions of responses, and of what the HTTP library raises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import httpx2
from pydantic import ValidationError

from providers_client import errors
from providers_client.errors import ConnectionFailed, ProvidersAPIError, UnexpectedResponse
from providers_contract.errors import ERRORS, TRANSIENT, retryable
from providers_contract.headers import http_date
from providers_contract.responses import ErrorResponse

_FAMILIES: Final[dict[int, type[ProvidersAPIError]]] = {
    401: errors.AuthenticationFailed,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    409: errors.Conflict,
    412: errors.PreconditionFailed,
    422: errors.Unprocessable,
    429: errors.RateLimited,
    502: errors.UpstreamFailed,
    504: errors.UpstreamFailed,
}
_RETRYABLE: Final = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError, httpx2.ProxyError)


def from_response(response: httpx2.Response) -> ProvidersAPIError:
    """Return the error in a response that is not a success."""
    try:
        body: Any = ErrorResponse.model_validate_json(response.content)
    except ValidationError:
        return unexpected(response)
    return _from_error(body, response.status_code, _retry_after(response))


def from_body(body: Any) -> ProvidersAPIError | None:
    """Return the error in an operator function's result, with the status of its code; None if it is not an error."""
    try:
        error = ErrorResponse.model_validate(body)
    except ValidationError:
        return None
    known = ERRORS.get(error.error.code)
    return _from_error(error, known.status if known else 500, None)


def _from_error(found: ErrorResponse, status: int, retry_after: float | None) -> ProvidersAPIError:
    body = found.error
    family = _FAMILIES.get(status, errors.ServerFailed if status >= 500 else errors.InvalidRequest)
    return family(
        body.message,
        code=body.code,
        type=body.type,
        status=status,
        param=body.param,
        resource=body.resource,
        id=body.id,
        request_id=body.request_id,
        errors=body.errors or (),
        references=body.references or (),
        reason=body.reason,
        retryable=retryable(body.code, status) if body.retryable is None else body.retryable,
        retry_after=retry_after,
    )


def unexpected(response: httpx2.Response) -> UnexpectedResponse:
    """Return the error for a response that is not in the API's form; of the response it repeats only the media type."""
    status = response.status_code
    kind = response.headers.get("content-type", "").partition(";")[0].strip() or "no content type"
    if response.has_redirect_location:
        what = f"responded {status}, a redirect, which is not followed"
    elif kind == "application/json":
        what = f"responded {status} with JSON that this version of the client does not understand"
    else:
        what = f"responded {status} with {kind[:80]} instead of the API's JSON"
    return UnexpectedResponse(
        f"{origin(response.url)} {what}; check the base URL",
        code="unexpected_response",
        status=status,
        request_id=response.headers.get("x-request-id") or response.headers.get("x-amzn-requestid"),
        retryable=status in TRANSIENT,
        retry_after=_retry_after(response),
    )


def from_failure(error: httpx2.HTTPError | httpx2.InvalidURL, base_url: httpx2.URL) -> ConnectionFailed:
    """Return the error for a request without a response.

    Only a failure to connect is quoted: the HTTP library's other messages can contain a header's value.
    """
    at = origin(base_url)
    retryable = isinstance(error, _RETRYABLE)
    if isinstance(error, httpx2.TimeoutException):
        return ConnectionFailed(f"{at} did not respond in time", code="timeout", retryable=retryable)
    why = f": {error}" if isinstance(error, httpx2.ConnectError) else f" ({type(error).__name__})"
    return ConnectionFailed(f"{at} could not be reached{why}", code="connection_failed", retryable=retryable)


def origin(url: httpx2.URL) -> str:
    """Return scheme, host and port."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _retry_after(response: httpx2.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    if value.isascii() and value.isdecimal() and len(value) < 10:
        return float(value)
    date = http_date(value)
    return max(0.0, (date - datetime.now(UTC)).total_seconds()) if date else None
