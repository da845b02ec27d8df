"""The client's exceptions.

ConfigurationError (a ValueError)   nothing was sent: the base URL, the key or an argument is invalid

ProvidersAPIError                   the root, never raised itself
├── ConnectionFailed                no response: connection_failed, timeout
├── UnexpectedResponse              a response that is not the API's: unexpected_response
├── InvalidRequest                  400, 413, 415: malformed_json, invalid_parameter, body_too_large, …
│   └── Unprocessable               422: validation_failed, credential_rejected, base_url_required, …
├── AuthenticationFailed            401: missing_api_key, invalid_api_key
├── PermissionDenied                403: insufficient_scope
├── NotFound                        404: provider_not_found, routing_config_not_found, version_not_found, …
├── Conflict                        409: name_taken, provider_in_use, rotation_conflict, …
├── PreconditionFailed              412: etag_mismatch
├── RateLimited                     429: rate_limited, verification_rate_limited
├── ServerFailed                    500, 503: internal_error, dependency_unavailable
└── UpstreamFailed                  502, 504: verification_unavailable, verification_timeout

No exception contains a key, and neither does any exception that it is chained to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
from pydantic import ValidationError

from providers_contract.errors import ERRORS, TRANSIENT, retryable
from providers_contract.headers import http_date
from providers_contract.responses import ErrorResponse, FieldError, Reference


class ConfigurationError(ValueError):
    """Nothing was sent: the base URL, the management key or an argument is invalid."""


class ProvidersAPIError(Exception):
    """Root of the tree.

    Attributes:
        status: the HTTP status; None if there was no response.
        code, type, message: the API's own (docs: Errors); `message` is one sentence that a person can act on.
        param: the invalid field or parameter.
        resource, id: the resource that was not found or caused a conflict.
        errors: all field errors, with `validation_failed`.
        references: with `provider_in_use`, the routing configs that use the provider; with `name_taken`, the providers
            that already have the new credential.
        reason: why a verification failed.
        retryable: whether the same call may succeed later.
        retry_after: seconds to wait, from the response's Retry-After, or None.
        request_id: to include in a bug report.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        type: str = "client_error",  # noqa: A002 - the contract's name
        status: int | None = None,
        param: str | None = None,
        resource: str | None = None,
        id: str | None = None,  # noqa: A002 - the contract's name
        request_id: str | None = None,
        errors: Sequence[FieldError] = (),
        references: Sequence[Reference] = (),
        reason: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.message = message
        self.code = code
        self.type = type
        self.status = status
        self.param = param
        self.resource = resource
        self.id = id
        self.request_id = request_id
        self.errors = list(errors)
        self.references = list(references)
        self.reason = reason
        self.retryable = retryable
        self.retry_after = retry_after


class ConnectionFailed(ProvidersAPIError):
    """There was no response; a change may have been applied."""


class UnexpectedResponse(ProvidersAPIError):
    """The response is not the API's, or not one that this client understands."""


class InvalidRequest(ProvidersAPIError):
    """The request is malformed."""


class Unprocessable(InvalidRequest):
    """The request is well formed, but invalid."""


class AuthenticationFailed(ProvidersAPIError):
    """The management key is unknown, revoked or expired."""


class PermissionDenied(ProvidersAPIError):
    """The management key lacks a scope."""


class NotFound(ProvidersAPIError):
    """The organization has no resource with this id."""


class Conflict(ProvidersAPIError):
    """The request is valid, but conflicts with the current state."""


class PreconditionFailed(ProvidersAPIError):
    """`if_match` does not match the current revision."""


class RateLimited(ProvidersAPIError):
    """Too many requests, or too many verifications."""


class ServerFailed(ProvidersAPIError):
    """The API failed; nothing was changed."""


class UpstreamFailed(ProvidersAPIError):
    """The vendor was unavailable; nothing was changed."""


_FAMILIES: Final[dict[int, type[ProvidersAPIError]]] = {
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    422: Unprocessable,
    429: RateLimited,
    502: UpstreamFailed,
    504: UpstreamFailed,
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
    family = _FAMILIES.get(status, ServerFailed if status >= 500 else InvalidRequest)
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
