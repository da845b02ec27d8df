"""The error tree. The root is never raised; the edge maps each code to a status in one table.

ProvidersError
├── InvalidRequest       malformed_json, invalid_cursor, invalid_parameter, body_too_large, unsupported_media_type
│   └── Unprocessable    validation_failed, credential_format, credential_rejected, base_url_required,
│                        base_url_not_allowed, idempotency_mismatch
├── Unauthenticated      missing_api_key, invalid_api_key
├── Forbidden            insufficient_scope
├── NotFound             provider_not_found, routing_config_not_found, route_not_found, version_not_found,
│                        upload_not_found, management_key_not_found, data_key_not_found
├── Conflict             name_taken, provider_in_use, provider_disabled, version_conflict, rotation_conflict,
│                        version_active, limit_exceeded, idempotency_in_progress, data_key_in_use
├── PreconditionFailed   etag_mismatch
├── RateLimited          rate_limited, verification_rate_limited
├── Unavailable          dependency_unavailable
│   └── Unresponsive     dependency_unavailable
└── VerificationFailed   verification_unavailable, verification_timeout
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ProvidersError(Exception):
    """Root of the tree.

    Args:
        code: the machine-readable code (api.md, Errors).
        message: one sentence that a person can act on; contains no part of a credential.
        param: the invalid request field or parameter.
        resource, id: the resource that was not found or caused a conflict.
        retry_after_s: seconds after which a retry makes sense; becomes the Retry-After header.
        details: further fields of the response's `error` object.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        param: str | None = None,
        resource: str | None = None,
        id: str | None = None,  # noqa: A002 - the contract's name
        retry_after_s: int | None = None,
        **details: Any,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.param = param
        self.resource = resource
        self.id = id
        self.retry_after_s = retry_after_s
        self.details = details


class InvalidRequest(ProvidersError):
    """The request is malformed."""


class Unprocessable(InvalidRequest):
    """The request is well formed, but invalid."""


class Unauthenticated(ProvidersError):
    """No valid management key."""


class Forbidden(ProvidersError):
    """The management key lacks a scope."""


class NotFound(ProvidersError):
    """The caller's organization has no such resource."""


class Conflict(ProvidersError):
    """The request conflicts with the current state."""


class PreconditionFailed(ProvidersError):
    """`If-Match` names another revision than the current one."""


class RateLimited(ProvidersError):
    """Too many requests with one management key, or too many verifications, in one minute."""


class Unavailable(ProvidersError):
    """DynamoDB, KMS or another AWS service is temporarily unavailable.

    Nothing was changed, unless the message says that the change may have been applied.
    """


class Unresponsive(Unavailable):
    """The database did not respond within its time limit; another call would take as long again."""


class VerificationFailed(ProvidersError):
    """The vendor could not verify the credential; nothing was changed."""


def validation_failed(errors: Sequence[Mapping[str, str | None]]) -> Unprocessable:
    """Return 422 `validation_failed` for `errors`, each `{"param", "message", "code"}`; the first gives the message."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    message = f"{first['param']}: {first['message']}{more}" if first["param"] else f"{first['message']}{more}"
    return Unprocessable("validation_failed", message, param=first["param"], errors=list(errors))


def invalid_field(param: str, message: str, code: str = "invalid_value") -> Unprocessable:
    """Return 422 `validation_failed` for a single field."""
    return validation_failed([{"param": param, "message": message, "code": code}])


def provider_not_found(provider_id: str) -> NotFound:
    """Return the 404 for a provider, also for one of another organization."""
    return NotFound("provider_not_found", f"provider {provider_id} not found", resource="provider", id=provider_id)


def provider_disabled(provider_id: str) -> Conflict:
    """Return the 409 for a provider that its owner has disabled. Raised by `resolve`, which is not an endpoint."""
    message = "this provider is disabled: set its status to active before using it"
    return Conflict("provider_disabled", message, resource="provider", id=provider_id)


def version_not_found(version: int | None) -> NotFound:
    """Return the 404 for a key version that does not exist, or is no longer readable."""
    number = None if version is None else str(version)
    named = "this version" if number is None else f"version {number}"
    message = f"{named} does not exist or is no longer readable"
    return NotFound("version_not_found", message, resource="version", id=number)


def routing_config_not_found(slug: str) -> NotFound:
    """Return the 404 for a routing config."""
    return NotFound("routing_config_not_found", f"routing config {slug} not found", resource="routing_config", id=slug)


def upload_not_found() -> NotFound:
    """Return the 404 for an upload link, the same for every cause, so that guessing links reveals nothing."""
    return NotFound(
        "upload_not_found",
        "this link is not valid: it was used, has expired, was revoked or never existed; request a new one",
        resource="upload",
    )
