"""One row for each endpoint: what its code does not say. Scope, query, body and most errors come from the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from providers.edge import schemas
from providers_contract import examples, responses


@dataclass(frozen=True, slots=True)
class Success:
    """A status that is no failure.

    `model` None: an answer without a body (304), or, where there is an `example`, one that is any JSON object.
    """

    text: str
    model: type[BaseModel] | None = None
    example: Any = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """What is said of an endpoint by hand.

    Args:
        tag: the group that it belongs to (`document.TAGS`).
        summary: its name, for people.
        successes: by status.
        text: follows the handler's own docstring.
        body: the model that the handler's body is checked with; `body_optional` where it can be left out.
        bodies: example bodies by name; the first is the one that the page shows.
        headers: request headers that it heeds (`parameters.HEADERS`); `Idempotency-Key` goes without saying.
        codes: errors that follow from nothing else (`document.codes_of`).
        gives: path parameters of other operations that a success's body tells, as runtime expressions.
    """

    tag: str
    summary: str
    successes: Mapping[int, Success]
    text: str = ""
    body: type[BaseModel] | None = None
    body_optional: bool = False
    bodies: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    gives: Mapping[str, str] = field(default_factory=dict)


IDEMPOTENCY: Final = ("idempotency_in_progress", "idempotency_mismatch")
"""Codes of every operation that changes something."""

ALWAYS: Final = (
    "invalid_parameter",
    "route_not_found",
    "body_too_large",
    "rate_limited",
    "internal_error",
    "dependency_unavailable",
)
"""Codes of every operation: made by API Gateway, or before the use case runs."""

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
"""Codes of every operation that verifies a credential."""

_PROVIDER: Final = responses.Single[responses.Provider]
_CHANGED: Final = responses.Changed[responses.Provider]
_CONFIG: Final = responses.Single[responses.RoutingConfig]
_CHANGING: Final = ("version_conflict",)
_ID: Final = {"provider_id": "$response.body#/data/id"}
_SLUG: Final = {"slug": "$response.body#/data/slug"}

LEFT_OUT: Final[dict[str, str]] = {
    "mcp": "JSON-RPC, which describes itself",
    "show_upload": "a page for people",
    "use_upload": "a page for people",
}
"""Functions with a route that is not part of the REST API, and why."""

ROWS: Final[dict[str, Row]] = {
    "list_providers": Row(
        "providers",
        "List providers",
        {
            200: Success(
                "A page.", responses.Page[responses.Provider], {"data": [examples.PROVIDER], "next_cursor": None}
            )
        },
        gives={"provider_id": "$response.body#/data/0/id"},
    ),
    "add_provider": Row(
        "providers",
        "Add a provider",
        {
            201: Success(
                "Verified and stored.",
                _CHANGED,
                {"data": examples.ADDED, "warnings": [examples.WARNING]},
                ("Location", "ETag"),
            ),
            202: Success(
                "Stored as `pending`: the vendor could not be asked, and `on_unavailable` was `store_pending`.",
                _CHANGED,
                {"data": examples.PENDING},
                ("Location", "ETag"),
            ),
        },
        "A credential that the vendor refuses is stored nowhere (422 `credential_rejected`).",
        body=schemas.AddProviderBody,
        bodies={
            "openai": examples.ADD_OPENAI,
            "azure": examples.ADD_AZURE,
            "bedrock": examples.ADD_BEDROCK,
            "pending": examples.ADD_PENDING,
        },
        codes=(*VERIFYING, "name_taken", "limit_exceeded"),
        gives=_ID,
    ),
    "get_provider": Row(
        "providers",
        "Get a provider",
        {
            200: Success("The provider.", _PROVIDER, {"data": examples.PROVIDER}, ("ETag",)),
            304: Success("It is still as `If-None-Match` says.", headers=("ETag",)),
        },
        headers=("If-None-Match",),
    ),
    "update_provider": Row(
        "providers",
        "Update a provider (rotate its key)",
        {200: Success("The provider as it is now.", _CHANGED, {"data": examples.ROTATED}, ("ETag",))},
        "Requests that began with the old credential can use it until its grace window ends. If the new one is refused,"
        " or its vendor cannot be asked, nothing changes.",
        body=schemas.UpdateProviderBody,
        bodies={"rotate": examples.ROTATE, "rename": examples.RENAME},
        headers=("If-Match",),
        codes=(*VERIFYING, *_CHANGING, "name_taken", "limit_exceeded", "rotation_conflict"),
    ),
    "delete_provider": Row(
        "providers",
        "Delete a provider",
        {
            200: Success(
                "It is deleted, with every version of its credential; or it would be, with `dry_run`.",
                responses.Single[responses.Deleted],
                {"data": {"id": examples.PROVIDER_ID, "deleted": True}},
            )
        },
        headers=("If-Match",),
        codes=(*_CHANGING, "provider_in_use"),
    ),
    "get_provider_health": Row(
        "health",
        "Get a provider's health",
        {200: Success("Its health.", responses.Single[responses.Health], {"data": examples.HEALTH})},
        "All of it is of the active key version. Percentiles are exact (nearest-rank) over the successful checks; with"
        " one check a minute, an hour's p99 is its slowest one.",
    ),
    "list_versions": Row(
        "providers",
        "List a provider's key versions",
        {
            200: Success(
                "Every version that can still be read.",
                responses.Single[list[responses.Version]],
                {"data": examples.VERSIONS},
            )
        },
        "A version is safe to revoke at the vendor when it was replaced, no request that read it can be under way,"
        " and neither a later version nor another provider holds the same credential.",
    ),
    "rollback_provider": Row(
        "providers",
        "Roll a provider back to an earlier key",
        {200: Success("The provider as it is now.", _CHANGED, {"data": examples.ROLLED_BACK}, ("ETag",))},
        "The earlier version must still be live; without `version` it is the one before the active.",
        body=schemas.RollbackBody,
        body_optional=True,
        bodies={"previous": {}, "named": {"version": 1}},
        headers=("If-Match",),
        codes=(*VERIFYING, *_CHANGING, "rotation_conflict", "limit_exceeded", "version_not_found"),
    ),
    "destroy_version": Row(
        "providers",
        "Destroy a key version before its time",
        {
            200: Success(
                "It is destroyed: nobody can read or restore it any more.",
                responses.Single[responses.DestroyedVersion],
                {"data": {"provider_id": examples.PROVIDER_ID, "number": 1, "deleted": True}},
            )
        },
        "After a leak: requests that use this version cannot read it again. Rotate first to destroy the active one.",
        headers=("If-Match",),
        codes=(*_CHANGING, "version_not_found", "version_active"),
    ),
    "list_audit": Row(
        "audit",
        "List who changed what",
        {
            200: Success(
                "A page.", responses.Page[responses.AuditEntry], {"data": [examples.AUDIT_ENTRY], "next_cursor": None}
            )
        },
        "An entry is committed with the change it tells of, and kept for 400 days.",
    ),
    "create_upload": Row(
        "uploads",
        "Make a link for entering a credential",
        {
            201: Success(
                "The link; it is shown this once.", responses.Single[responses.Upload], {"data": examples.UPLOAD}
            )
        },
        "A person opens it and enters the credential, which is verified as in every other change.",
        body=schemas.CreateUploadBody,
        bodies={"add": examples.UPLOAD_TO_ADD, "rotate": examples.UPLOAD_TO_ROTATE},
        codes=("provider_not_found", "name_taken", "limit_exceeded", "base_url_required", "base_url_not_allowed"),
    ),
    "list_routing_configs": Row(
        "routing",
        "List routing configs",
        {
            200: Success(
                "A page.",
                responses.Page[responses.RoutingConfig],
                {"data": [examples.ROUTING_CONFIG], "next_cursor": None},
            )
        },
        gives={"slug": "$response.body#/data/0/slug"},
    ),
    "get_routing_config": Row(
        "routing",
        "Get a routing config",
        {200: Success("The config.", _CONFIG, {"data": examples.ROUTING_CONFIG})},
    ),
    "put_routing_config": Row(
        "routing",
        "Create or replace a routing config",
        {
            200: Success("Replaced.", _CONFIG, {"data": examples.ROUTING_CONFIG}),
            201: Success("Created.", _CONFIG, {"data": examples.ROUTING_CONFIG}),
        },
        body=schemas.PutRoutingConfigBody,
        bodies={"fallback": examples.ROUTING},
        codes=(*_CHANGING, "limit_exceeded"),
        gives=_SLUG,
    ),
    "delete_routing_config": Row(
        "routing",
        "Delete a routing config",
        {
            200: Success(
                "It is deleted.",
                responses.Single[responses.DeletedRoutingConfig],
                {"data": {"slug": examples.SLUG, "deleted": True}},
            )
        },
        codes=_CHANGING,
    ),
    "get_openapi": Row(
        "description",
        "Get this description",
        {
            200: Success("An OpenAPI 3.1 document.", example={"openapi": "3.1.0"}, headers=("ETag",)),
            304: Success("It is still as `If-None-Match` says.", headers=("ETag",)),
        },
        headers=("If-None-Match",),
    ),
}
