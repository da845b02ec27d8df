"""Every error code of the API, one row each, read by the server, the client, the CLI and the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from providers_contract.examples import PROVIDER_ID, SLUG
from providers_contract.frozen import dataclass

EXIT_CODES: Final[Mapping[str, int]] = {
    "invalid_request_error": 1,
    "authentication_error": 7,
    "permission_error": 7,
    "not_found": 3,
    "conflict": 4,
    "precondition_failed": 4,
    "rate_limit_error": 6,
    "api_error": 1,
    "upstream_error": 6,
}
"""Every error type, and the CLI's exit code for it."""

TRANSIENT: Final = (429, 502, 503, 504)
"""Statuses after which the same request may succeed later."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One error code.

    Args:
        status: HTTP status.
        type: its group of codes, one of `EXIT_CODES`.
        meaning: its description, for the documentation.
        message: an example of the message; the server writes each message for the request.
        fields: the other fields of the example's error: `param`, `resource`, `id` and those of this code only.
        retryable: whether the same request may succeed later; by default, if the status is transient.
        exit_code: of the CLI; by default, that of the type.
        elsewhere: the interface that responds with it, if it is not an operation of the REST API.
    """

    status: int
    type: str
    meaning: str
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    retryable: bool | None = None
    exit_code: int | None = None
    elsewhere: str | None = None


_PROVIDER: Final[Mapping[str, Any]] = {"resource": "provider", "id": PROVIDER_ID}
_CONFIG: Final[Mapping[str, Any]] = {"resource": "routing_config", "id": SLUG}
_VENDOR: Final[Mapping[str, Any]] = {"retryable": True, "vendor_request_id": None}

ERRORS: Final[Mapping[str, ErrorCode]] = {
    "malformed_json": ErrorCode(
        400, "invalid_request_error", "The body is not a JSON object in UTF-8.", "the body is not valid JSON"
    ),
    "invalid_cursor": ErrorCode(
        400,
        "invalid_request_error",
        "The cursor is not valid for this list and these filters.",
        "cursor is not valid for this list and these filters",
        {"param": "cursor"},
    ),
    "invalid_parameter": ErrorCode(
        400,
        "invalid_request_error",
        "A query parameter is unknown, repeated or has an invalid value, or the request is malformed.",
        "limit must be a whole number from 1 to 100",
        {"param": "limit"},
    ),
    "missing_api_key": ErrorCode(
        401,
        "authentication_error",
        "The request has no `Authorization: Bearer` header.",
        "send a management key as Authorization: Bearer mlx_mk_…",
    ),
    "invalid_api_key": ErrorCode(
        401,
        "authentication_error",
        "The management key does not exist, was revoked or has expired. The response does not say which.",
        "this management key does not exist, was revoked or has expired",
    ),
    "insufficient_scope": ErrorCode(
        403,
        "permission_error",
        "The management key is valid but lacks the scope that the operation requires.",
        "this management key lacks the scope providers:write",
    ),
    "origin_not_allowed": ErrorCode(
        403,
        "permission_error",
        "The request comes from a web page of another origin.",
        "browser origins are not allowed",
        elsewhere="POST /mcp",
    ),
    "provider_not_found": ErrorCode(
        404,
        "not_found",
        "Your organization has no provider with this id.",
        f"provider {PROVIDER_ID} not found",
        _PROVIDER,
    ),
    "routing_config_not_found": ErrorCode(
        404,
        "not_found",
        "Your organization has no routing config with this slug.",
        f"routing config {SLUG} not found",
        _CONFIG,
    ),
    "route_not_found": ErrorCode(404, "not_found", "No such endpoint.", "no such endpoint"),
    "version_not_found": ErrorCode(
        404,
        "not_found",
        "The key version does not exist, or its grace window has ended.",
        "version 1 does not exist or is no longer readable",
        {"resource": "version", "id": "1"},
    ),
    "management_key_not_found": ErrorCode(
        404,
        "not_found",
        "No management key has this id.",
        "no management key has this id; `providers keys list` shows them",
        {"resource": "management_key"},
        elsewhere="an operator's command",
    ),
    "data_key_not_found": ErrorCode(
        404,
        "not_found",
        "The organization has no data key, or none with this id.",
        "this organization has no data key with this id",
        {"resource": "data_key"},
        elsewhere="an operator's command",
    ),
    "upload_not_found": ErrorCode(
        404,
        "not_found",
        "The upload link was used, has expired, was withdrawn or never existed.",
        "this link is not valid: it was used, has expired, was revoked or never existed; request a new one",
        {"resource": "upload"},
        elsewhere="the page at an upload link",
    ),
    "method_not_allowed": ErrorCode(
        405,
        "invalid_request_error",
        "The path has no such method; the header `Allow` lists its methods.",
        "no such method on this path; the header Allow lists its methods",
        elsewhere="a method that the path lacks, and /mcp",
    ),
    "name_taken": ErrorCode(
        409,
        "conflict",
        "Another provider of the organization has this name; case is ignored. If providers already have the new "
        "credential, `references` lists them.",
        "another provider has this name; names are unique, ignoring case",
        {"param": "name"},
    ),
    "provider_in_use": ErrorCode(
        409,
        "conflict",
        "Routing configs use the provider; `references` lists all of them.",
        f"routing configs still use this provider: {SLUG}; remove it from them first",
        {**_PROVIDER, "references": [{"type": "routing_config", "id": SLUG}]},
    ),
    "data_key_in_use": ErrorCode(
        409,
        "conflict",
        "The data key still seals credentials, or a function may still seal under it.",
        "stored credentials are sealed under this data key: reseal them first",
        {"resource": "data_key"},
        elsewhere="an operator's command",
    ),
    "provider_disabled": ErrorCode(
        409,
        "conflict",
        "The provider is disabled.",
        "this provider is disabled: set its status to active before using it",
        _PROVIDER,
        elsewhere="resolve",
    ),
    "version_conflict": ErrorCode(
        409,
        "conflict",
        "Another request is changing the resource. Read it and try again.",
        "another request is changing it; read it and try again",
        {"id": PROVIDER_ID},
    ),
    "rotation_conflict": ErrorCode(
        409,
        "conflict",
        "Another rotation of the provider finished first. Read the provider and check whether you still want yours.",
        "another rotation of this provider finished first; read it and check whether you still want yours",
        _PROVIDER,
    ),
    "version_active": ErrorCode(
        409,
        "conflict",
        "The key version is the active one, which new requests use.",
        "this version is active: rotate to another credential first, or delete the provider",
        _PROVIDER,
    ),
    "limit_exceeded": ErrorCode(
        409,
        "conflict",
        "The organization already has `count` of these; `limit` are allowed.",
        "this organization has 1000 providers; 1000 are allowed; nothing was changed",
        {"limit": 1000, "count": 1000},
    ),
    "idempotency_in_progress": ErrorCode(
        409,
        "conflict",
        "A request with this `Idempotency-Key` is still running. Try again in a moment.",
        "a request with this Idempotency-Key is still running; try again in a moment",
        {"param": "Idempotency-Key"},
        retryable=True,
    ),
    "etag_mismatch": ErrorCode(
        412,
        "precondition_failed",
        "The provider has changed since the revision in `If-Match`.",
        "the provider has changed since the revision in If-Match; read it again",
        _PROVIDER,
    ),
    "body_too_large": ErrorCode(
        413, "invalid_request_error", "The body is larger than 64 KiB.", "the body is larger than 64 KiB"
    ),
    "unsupported_media_type": ErrorCode(
        415,
        "invalid_request_error",
        "The `Content-Type` of the body is not `application/json`.",
        "send the body as Content-Type: application/json",
    ),
    "validation_failed": ErrorCode(
        422,
        "invalid_request_error",
        "Fields of the body are missing, unknown or invalid. `errors` lists all of them and never echoes input.",
        "name: must have 1 to 80 characters (and 1 more)",
        {
            "param": "name",
            "errors": [
                {"param": "name", "message": "must have 1 to 80 characters", "code": "name_length"},
                {"param": "api_key", "message": "is required", "code": "missing"},
            ],
        },
    ),
    "credential_format": ErrorCode(
        422,
        "invalid_request_error",
        "`api_key` cannot be a credential of this vendor: it is malformed, belongs to another vendor, or cannot call "
        "models (an admin key, for example). The message says which. Nothing was sent to the vendor.",
        "api_key is a credential of groq, not of openai: send one of openai, or add a provider of vendor groq; nothing "
        "was sent",
        {"param": "api_key"},
        exit_code=5,
    ),
    "credential_rejected": ErrorCode(
        422,
        "invalid_request_error",
        "The vendor refused the credential; nothing was changed. `reason` is `credential_expired` only for temporary "
        "credentials that contain their expiry; otherwise the response does not say why.",
        "openai refused the credential: it is mistyped, revoked, expired or suspended; nothing was changed",
        {
            "param": "api_key",
            "reason": "credential_rejected",
            "retryable": False,
            "vendor_request_id": "req_EXAMPLE",
        },
        exit_code=5,
    ),
    "base_url_required": ErrorCode(
        422,
        "invalid_request_error",
        "The vendor has no common host, so `base_url` is required.",
        "azure has no shared host: set base_url to your resource's endpoint",
        {"param": "base_url"},
    ),
    "base_url_not_allowed": ErrorCode(
        422,
        "invalid_request_error",
        "Credentials must not be sent to this `base_url`, or it was changed without sending `api_key` again.",
        "base_url must begin with https://",
        {"param": "base_url"},
    ),
    "idempotency_mismatch": ErrorCode(
        422,
        "invalid_request_error",
        "The `Idempotency-Key` was used for another request in the last 24 hours.",
        "this Idempotency-Key was used for another request; send a new one",
        {"param": "Idempotency-Key"},
    ),
    "rate_limited": ErrorCode(
        429,
        "rate_limit_error",
        "The management key is over its rate limit, or the API as a whole is. Try again after `Retry-After`.",
        "this management key has used up its requests for this minute; try again in 42 s",
    ),
    "verification_rate_limited": ErrorCode(
        429,
        "rate_limit_error",
        "The organization is over its rate limit for verifications. Try again after `Retry-After`.",
        "too many credentials were verified; try again in 42 s",
    ),
    "internal_error": ErrorCode(
        500,
        "api_error",
        "An unexpected error in the API. Quote `request_id` when you report it.",
        "unexpected error; quote request_id when you report it",
    ),
    "dependency_unavailable": ErrorCode(
        503,
        "api_error",
        "An AWS service that the API needs is temporarily unavailable. Try again after `Retry-After`.",
        "DynamoDB is temporarily unavailable; try again in a moment",
        exit_code=6,
    ),
    "verification_unavailable": ErrorCode(
        502,
        "upstream_error",
        "The credential could not be verified: the vendor was unavailable, or its response was inconclusive. `reason` "
        "says why, `retryable` whether another attempt may succeed. Nothing was changed.",
        "the credential could not be verified with openai: the vendor is overloaded; nothing was changed",
        {**_VENDOR, "reason": "overloaded"},
    ),
    "verification_timeout": ErrorCode(
        504,
        "upstream_error",
        "The vendor did not respond in time. Nothing was changed.",
        "the credential could not be verified with openai: the vendor did not respond in time; nothing was changed",
        {**_VENDOR, "reason": "timeout"},
    ),
}
"""The codes, in the order of the documentation."""


def retryable(code: str, status: int) -> bool:
    """Return whether the same request may succeed later. Unknown codes are decided by their status."""
    known = ERRORS.get(code)
    return status in TRANSIENT if known is None or known.retryable is None else known.retryable


def exit_code(code: str, kind: str) -> int:
    """Return the CLI's exit code for an error. Unknown codes are decided by their type."""
    known = ERRORS.get(code)
    if known is not None and known.exit_code is not None:
        return known.exit_code
    return EXIT_CODES.get(known.type if known else kind, 1)


def error_body(code: str, message: str, request_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of an error response."""
    common = {
        "type": ERRORS[code].type,
        "code": code,
        "message": message,
        "resource": None,
        "id": None,
        "param": None,
        "request_id": request_id,
    }
    return {"error": {**common, **fields}}
