"""Query, path and header parameters by name, shared by all operations."""

from __future__ import annotations

from typing import Any, Final

from providers_contract import examples, vendors
from providers_contract.ids import IDEMPOTENCY_KEY, PROVIDER_ID, SLUG, json_schema_pattern
from providers_contract.limits import DEFAULT_PAGE, MAX_PAGE
from providers_contract.vocabulary import DEFAULT_HISTORY_SPAN, Action, HealthState, HistorySpan, Status

Schema = dict[str, Any]

PATH: Final[dict[str, Schema]] = {
    "provider_id": {
        "description": "A provider of your organization; another's is not found.",
        "schema": {"type": "string", "pattern": json_schema_pattern(PROVIDER_ID)},
        "example": examples.PROVIDER_ID,
    },
    "number": {
        "description": "A key version's number.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 99_999_999},
        "example": 1,
    },
    "slug": {
        "description": "The routing config's name: lower-case letters, digits, `-` and `_`, perhaps `@` in front.",
        "schema": {"type": "string", "pattern": json_schema_pattern(SLUG)},
        "example": examples.SLUG,
    },
}

QUERY: Final[dict[str, Schema]] = {
    "limit": {
        "description": "How many at most.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE},
    },
    "cursor": {
        "description": "Where to go on: the `next_cursor` of the page before, with the same filters.",
        "schema": {"type": "string"},
    },
    "vendor": {"description": "Only those of this vendor.", "schema": {"type": "string", "enum": [*vendors.NAMES]}},
    "status": {"description": "Only those of this status.", "schema": {"type": "string", "enum": [*map(str, Status)]}},
    "health": {
        "description": "Only those in this state of health.",
        "schema": {"type": "string", "enum": [*map(str, HealthState)]},
    },
    "history": {
        "description": "The span of `history`.",
        "schema": {"type": "string", "enum": [*map(str, HistorySpan)], "default": str(DEFAULT_HISTORY_SPAN)},
    },
    "dry_run": {
        "description": "Only tell whether it would be deleted.",
        "schema": {"type": "boolean", "default": False},
    },
    "resource_id": {
        "description": "Only changes of the thing with this id or slug.",
        "schema": {"type": "string", "maxLength": 128},
    },
    "action": {"description": "Only these changes.", "schema": {"type": "string", "enum": [*map(str, Action)]}},
    "key_id": {
        "description": "Only changes made with this management key.",
        "schema": {"type": "string", "maxLength": 128},
    },
}

HEADERS: Final[dict[str, Schema]] = {
    "If-Match": {
        "description": "Make the change only if the provider's `ETag` is one of these; else 412 `etag_mismatch`.",
        "schema": {"type": "string"},
        "example": '"1"',
    },
    "If-None-Match": {
        "description": "Answer 304 without a body if the `ETag` is one of these.",
        "schema": {"type": "string"},
        "example": '"1-0123abcd"',
    },
    "Idempotency-Key": {
        "description": "Send the same key again with the same request, and the first answer is repeated instead of the"
        " change. Kept for 24 hours, for each organization.",
        "schema": {"type": "string", "pattern": json_schema_pattern(IDEMPOTENCY_KEY)},
        "example": "5b2f4e0c-rotate-openai",
    },
}

_WHOLE: Final = {"type": "integer", "minimum": 0}

ANSWER_HEADERS: Final[dict[str, Schema]] = {
    "RateLimit-Limit": {"description": "Requests a minute that the management key may make.", "schema": _WHOLE},
    "RateLimit-Remaining": {"description": "How many of them are left in this minute.", "schema": _WHOLE},
    "RateLimit-Reset": {"description": "Seconds until the count begins anew.", "schema": _WHOLE},
    "X-Request-Id": {
        "description": "The request's id; in a failure's body too.",
        "schema": {"type": "string"},
    },
    "ETag": {"description": "What `If-Match` and `If-None-Match` are compared with.", "schema": {"type": "string"}},
    "Location": {"description": "The path of what was made.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds after which trying again makes sense.", "schema": _WHOLE},
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string", "const": "Bearer"}},
    "Idempotency-Replayed": {
        "description": "This answer was given before, to a request with the same `Idempotency-Key`.",
        "schema": {"type": "string", "const": "true"},
    },
}
