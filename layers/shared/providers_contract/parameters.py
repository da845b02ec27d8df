"""Query, path and header parameters by name, shared by all operations."""

from __future__ import annotations

from typing import Any, Final

from providers_contract import examples, vendors
from providers_contract.ids import IDEMPOTENCY_KEY, PROVIDER_ID, SLUG, json_schema_pattern
from providers_contract.limits import DEFAULT_PAGE, MAX_NAME_CHARS, MAX_PAGE, MAX_TAG_CHARS
from providers_contract.vocabulary import DEFAULT_HISTORY_SPAN, Action, HealthState, HistorySpan, Include, Status

Schema = dict[str, Any]

PATH: Final[dict[str, Schema]] = {
    "provider_id": {
        "description": "The id of a provider of your organization.",
        "schema": {"type": "string", "pattern": json_schema_pattern(PROVIDER_ID)},
        "example": examples.PROVIDER_ID,
    },
    "number": {
        "description": "A key version's number.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 99_999_999},
        "example": 1,
    },
    "slug": {
        "description": "The routing config's name: lower-case letters, digits, `-` and `_`, optionally `@` first.",
        "schema": {"type": "string", "pattern": json_schema_pattern(SLUG)},
        "example": examples.SLUG,
    },
}

QUERY: Final[dict[str, Schema]] = {
    "limit": {
        "description": "Maximum number of entries.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE},
    },
    "cursor": {
        "description": "The `next_cursor` of the previous page, with the same filters.",
        "schema": {"type": "string"},
    },
    "vendor": {"description": "Filter by vendor.", "schema": {"type": "string", "enum": [*vendors.NAMES]}},
    "status": {"description": "Filter by status.", "schema": {"type": "string", "enum": [*map(str, Status)]}},
    "health": {
        "description": "Filter by state of health.",
        "schema": {"type": "string", "enum": [*map(str, HealthState)]},
    },
    "name": {
        "description": "Filter by a part of the name; case, width (NFKC) and repeated blanks are ignored.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS},
    },
    "tag": {
        "description": "Filter by a tag.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_TAG_CHARS},
    },
    "include": {
        "description": "`history`: return the last hour's history of each provider, too. `sparkline`: return it in "
        "short; without `limit`, a page then has up to 1,000 providers.",
        "schema": {"type": "string", "enum": [*map(str, Include)]},
    },
    "history": {
        "description": "The time that `history` covers.",
        "schema": {"type": "string", "enum": [*map(str, HistorySpan)], "default": str(DEFAULT_HISTORY_SPAN)},
    },
    "dry_run": {
        "description": "Check for blockers without deleting.",
        "schema": {"type": "boolean", "default": False},
    },
    "resource_id": {
        "description": "Filter by the id or slug of the resource.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
    "action": {"description": "Filter by action.", "schema": {"type": "string", "enum": [*map(str, Action)]}},
    "key_id": {
        "description": "Filter by management key.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
}

HEADERS: Final[dict[str, Schema]] = {
    "If-Match": {
        "description": "Make the change only if the provider's `ETag` is one of these; otherwise 412 `etag_mismatch`.",
        "schema": {"type": "string"},
        "example": '"1"',
    },
    "If-None-Match": {
        "description": "Respond 304 without a body if the `ETag` is one of these.",
        "schema": {"type": "string"},
        "example": '"1-0123abcd"',
    },
    "Idempotency-Key": {
        "description": "Send the same key again with the same request, and the API repeats the first response instead "
        "of the change. Kept for 24 hours, per organization.",
        "schema": {"type": "string", "pattern": json_schema_pattern(IDEMPOTENCY_KEY)},
        "example": "5b2f4e0c-rotate-openai",
    },
}

_WHOLE: Final = {"type": "integer", "minimum": 0}

RESPONSE_HEADERS: Final[dict[str, Schema]] = {
    "RateLimit-Limit": {"description": "Requests a minute that the management key may send.", "schema": _WHOLE},
    "RateLimit-Remaining": {"description": "Requests that are left in this minute.", "schema": _WHOLE},
    "RateLimit-Reset": {"description": "Seconds until the count is reset.", "schema": _WHOLE},
    "X-Request-Id": {
        "description": "The request's id, also in the body of an error.",
        "schema": {"type": "string"},
    },
    "ETag": {"description": "The revision that `If-Match` and `If-None-Match` refer to.", "schema": {"type": "string"}},
    "Location": {"description": "The path of the new resource.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds after which to try again.", "schema": _WHOLE},
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string", "const": "Bearer"}},
    "Idempotency-Replayed": {
        "description": "This response repeats the one to an earlier request with the same `Idempotency-Key`.",
        "schema": {"type": "string", "const": "true"},
    },
}
