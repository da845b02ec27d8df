"""Every error code: what it means to a caller, and an example. Statuses and types come from the API's own table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from openapi.samples import PROVIDER_ID, REQUEST_ID, SLUG
from providers.edge.errors import error_answer
from providers.model.errors import ProvidersError


@dataclass(frozen=True, slots=True)
class Code:
    """One code. `members` are those of the example's error: `param`, `resource`, `id` and what belongs to the code."""

    meaning: str
    message: str
    members: dict[str, Any] = field(default_factory=dict)


_PROVIDER: Final = {"resource": "provider", "id": PROVIDER_ID}
_CONFIG: Final = {"resource": "routing_config", "id": SLUG}
_VENDOR: Final = {"retryable": True, "vendor_request_id": None}

CODES: Final[dict[str, Code]] = {
    "malformed_json": Code("The body is not one JSON object in UTF-8.", "the body is not valid JSON"),
    "invalid_cursor": Code(
        "The cursor was not given out by this list with these filters.",
        "cursor is not one that this list gave out with these filters",
        {"param": "cursor"},
    ),
    "invalid_parameter": Code(
        "A query parameter is unknown, given twice, or has a value that it cannot have; or the request cannot be read.",
        "limit must be a whole number from 1 to 100",
        {"param": "limit"},
    ),
    "missing_api_key": Code(
        "There is no `Authorization: Bearer` header.", "send a management key as Authorization: Bearer mlx_mk_…"
    ),
    "invalid_api_key": Code(
        "The management key does not exist, was revoked or has expired; which of these is not told.",
        "this management key does not exist, was revoked or has expired",
    ),
    "insufficient_scope": Code(
        "The management key is good, but lacks the scope that the operation needs.",
        "this management key lacks the scope providers:write",
    ),
    "provider_not_found": Code(
        "Your organization has no provider of this id.", f"provider {PROVIDER_ID} not found", _PROVIDER
    ),
    "routing_config_not_found": Code(
        "Your organization has no routing config of this slug.", f"routing config {SLUG} not found", _CONFIG
    ),
    "route_not_found": Code(
        "There is no such path, or no such method on it.", "there is no such path, or no such method on it"
    ),
    "version_not_found": Code(
        "The key version never was, or its grace window is over.", "version 1 is not live any more", _PROVIDER
    ),
    "name_taken": Code(
        "Another provider of the organization has this name, without regard to case. If providers hold the new "
        "credential already, `references` lists them.",
        "another provider has this name; names are unique without regard to case",
        {"param": "name"},
    ),
    "provider_in_use": Code(
        "Routing configs still name the provider; `references` lists all of them.",
        f"routing configs still name this provider: {SLUG}; detach it from them first",
        _PROVIDER | {"references": [{"type": "routing_config", "id": SLUG}]},
    ),
    "version_conflict": Code(
        "It is being changed by others at this moment; read it and try again.",
        "it is being changed by others at this moment; read it and try again",
        {"id": PROVIDER_ID},
    ),
    "rotation_conflict": Code(
        "Another rotation of the provider finished first; read it and see whether yours is still wanted.",
        "another rotation of this provider finished first; read it and see whether yours is still wanted",
        _PROVIDER,
    ),
    "limit_exceeded": Code(
        "The organization has as many of these as it may have: `count` of them, and `limit` are allowed.",
        "this organization has 1000 providers; 1000 are allowed; nothing was changed",
        {"limit": 1000, "count": 1000},
    ),
    "version_active": Code(
        "The key version is the active one, which new requests use.",
        "this version is the active one: rotate to another credential first, or delete the provider",
        _PROVIDER,
    ),
    "etag_mismatch": Code(
        "The provider has changed since the revision that `If-Match` names.",
        "the provider has changed since the revision that If-Match names; read it again",
        _PROVIDER,
    ),
    "body_too_large": Code("The body is larger than 64 KiB.", "the body is larger than 64 KiB"),
    "unsupported_media_type": Code(
        "The body's `Content-Type` is not `application/json`.", "send the body as Content-Type: application/json"
    ),
    "validation_failed": Code(
        "Members of the body are missing, unknown or wrong; `errors` lists all, without repeating what was sent.",
        "name: must have 1 to 80 characters (and 1 more)",
        {
            "param": "name",
            "errors": [
                {"param": "name", "message": "must have 1 to 80 characters", "code": "name_length"},
                {"param": "api_key", "message": "is required", "code": "missing"},
            ],
        },
    ),
    "credential_format": Code(
        "`api_key` cannot be a credential of this vendor: it is malformed, another vendor's, or serves no model, as an "
        "admin key. The message says which. The vendor was not asked.",
        "api_key is a credential of groq, not of openai: send one of openai, or add a provider of vendor groq; nothing "
        "was sent",
        {"param": "api_key"},
    ),
    "credential_rejected": Code(
        "The vendor refused the credential itself. The reason is given only for temporary credentials, which "
        "show that they expire: then `reason` is `credential_expired`. Nothing was changed.",
        "openai refused the credential: it is mistyped, revoked, expired or suspended; nothing was changed",
        {
            "param": "api_key",
            "reason": "credential_rejected",
            "retryable": False,
            "vendor_request_id": "req_EXAMPLE",
        },
    ),
    "base_url_required": Code(
        "The vendor has no common host: a `base_url` is needed.",
        "azure has no common host: set base_url to your resource's endpoint",
        {"param": "base_url"},
    ),
    "base_url_not_allowed": Code(
        "The `base_url` is not one that a credential may be sent to, or is changed without sending `api_key` again.",
        "base_url must begin with https://",
        {"param": "base_url"},
    ),
    "idempotency_mismatch": Code(
        "The `Idempotency-Key` was used for another request in the last 24 hours.",
        "this Idempotency-Key was used for another request; send a new one",
        {"param": "Idempotency-Key"},
    ),
    "idempotency_in_progress": Code(
        "A request with this `Idempotency-Key` is still running; try again in a moment.",
        "a request with this Idempotency-Key is still running; try again in a moment",
        {"param": "Idempotency-Key"},
    ),
    "rate_limited": Code(
        "The management key has used up its requests for this minute, or all callers together are too fast;"
        " `Retry-After` says when to come back.",
        "this management key has used up its requests for this minute; try again in 42 s",
    ),
    "verification_rate_limited": Code(
        "The organization has had too many credentials verified; `Retry-After` says when to come back.",
        "too many credentials were verified; try again in 42 s",
    ),
    "internal_error": Code(
        "Something went wrong on our side; report the `request_id`.",
        "something went wrong on our side; quote request_id when you report it",
    ),
    "dependency_unavailable": Code(
        "A part that the API stands on did not do its work; try again after `Retry-After`.",
        "DynamoDB did not do its work; try again in a moment",
    ),
    "verification_unavailable": Code(
        "The vendor could not be asked, or gave no answer that proves anything; `reason` says what happened and"
        " `retryable` whether trying again may help. Nothing was changed.",
        "the credential could not be verified with openai: the vendor is overloaded; nothing was changed",
        _VENDOR | {"reason": "overloaded"},
    ),
    "verification_timeout": Code(
        "The vendor did not answer in time. Nothing was changed.",
        "the credential could not be verified with openai: the vendor did not answer in time; nothing was changed",
        _VENDOR | {"reason": "timeout"},
    ),
}

IDEMPOTENCY: Final = ("idempotency_in_progress", "idempotency_mismatch")
"""Of every mutation."""

ALWAYS: Final = (
    "invalid_parameter",
    "route_not_found",
    "body_too_large",
    "rate_limited",
    "internal_error",
    "dependency_unavailable",
)
"""Made by API Gateway, or before a use case is reached: of every operation, those without a key too."""

WITH_KEY: Final = ("missing_api_key", "invalid_api_key", "insufficient_scope")
WITH_BODY: Final = ("malformed_json", "unsupported_media_type", "validation_failed")
VERIFYING: Final = (
    "credential_format",
    "credential_rejected",
    "base_url_required",
    "base_url_not_allowed",
    "verification_rate_limited",
    "verification_unavailable",
    "verification_timeout",
)
"""Of every operation that has a credential verified."""


def example(code: str) -> dict[str, Any]:
    """The body of a failure with `code`."""
    found = CODES[code]
    return error_answer(ProvidersError(code, found.message, **found.members), REQUEST_ID)[2]
