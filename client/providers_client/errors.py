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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers_contract.responses import FieldError, Reference


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
