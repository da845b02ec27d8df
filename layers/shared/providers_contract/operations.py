"""Every operation of the REST API, one row each, read by functions, client, OpenAPI document and tests.

Models are referred to by name, not imported: most functions have no body and must not load pydantic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from providers_contract import examples
from providers_contract.errors import ERRORS
from providers_contract.frozen import dataclass
from providers_contract.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class Success:
    """A response that is not an error.

    `model` is the name of a model in `responses`. Without one, the response has no body (304), or, if there is an
    `example`, any JSON object.
    """

    text: str
    model: str | None = None
    example: Any = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Args:
        name: of the function's folder, the client's method and the OpenAPI operation.
        method, path: the HTTP route; parameters of the path are those in `parameters.PATH`.
        scope: the scope that the management key needs; None if any key is enough.
        tag: its group in the documentation (`document.TAGS`).
        summary: its title.
        text: its description, for the documentation.
        successes: by status.
        query: the query parameters (`parameters.QUERY`); any other is refused.
        headers: the request headers (`parameters.HEADERS`). Every change also accepts `Idempotency-Key`.
        body: the name of the model in `bodies` that checks the body; `body_optional` if it can be omitted.
        body_examples: by name; the documentation shows the first one.
        codes: the error codes that do not follow from the other arguments (`error_codes`).
        gives: path parameters of other operations that a response contains, as OpenAPI runtime expressions.
        anonymous: True if no management key is required.
    """

    name: str
    method: str
    path: str
    scope: Scope | None
    tag: str
    summary: str
    text: str
    successes: Mapping[int, Success]
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    body: str | None = None
    body_optional: bool = False
    body_examples: Mapping[str, Any] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    gives: Mapping[str, str] = field(default_factory=dict)
    anonymous: bool = False

    @property
    def path_parameters(self) -> list[str]:
        """The names of the parameters in the path."""
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def changes(self) -> bool:
        """Whether it changes data, and so accepts an Idempotency-Key."""
        return self.method != "GET"

    @property
    def error_codes(self) -> list[str]:
        """The error codes of its responses, in the order of `ERRORS`."""
        found = {*_ALWAYS, *self.codes}
        if not self.anonymous:
            found |= {*_WITH_KEY}
        if self.scope:
            found |= {"insufficient_scope"}
        if self.changes:
            found |= {*_IDEMPOTENCY}
        if self.body:
            found |= {*_WITH_BODY}
        implied = {
            "invalid_cursor": "cursor" in self.query,
            "provider_not_found": "provider_id" in self.path_parameters,
            "routing_config_not_found": "slug" in self.path_parameters,
            "etag_mismatch": "If-Match" in self.headers,
        }
        found |= {code for code, applies in implied.items() if applies}
        return [code for code in ERRORS if code in found]


_ALWAYS: Final = (
    "invalid_parameter",
    "route_not_found",
    "body_too_large",
    "rate_limited",
    "internal_error",
    "dependency_unavailable",
)
"""Codes from API Gateway, or from the function before the use case runs."""

_WITH_KEY: Final = ("missing_api_key", "invalid_api_key")
_WITH_BODY: Final = ("malformed_json", "unsupported_media_type", "validation_failed")
_IDEMPOTENCY: Final = ("idempotency_in_progress", "idempotency_mismatch")
_VERIFYING: Final = (
    "credential_format",
    "credential_rejected",
    "base_url_required",
    "base_url_not_allowed",
    "verification_rate_limited",
    "verification_unavailable",
    "verification_timeout",
)
BASE_PATH: Final = "/manage/v1"
"""Codes of every operation."""

_PROVIDERS: Final = f"{BASE_PATH}/providers"
_PROVIDER: Final = f"{_PROVIDERS}/{{provider_id}}"
_ROUTING_CONFIGS: Final = f"{BASE_PATH}/routing-configs"
_ROUTING_CONFIG: Final = f"{_ROUTING_CONFIGS}/{{slug}}"
_PROVIDER_ID: Final = {"provider_id": "$response.body#/data/id"}
_SLUG: Final = {"slug": "$response.body#/data/slug"}

LIST_PROVIDERS: Final = Operation(
    "list_providers",
    "GET",
    _PROVIDERS,
    Scope.PROVIDERS_READ,
    "providers",
    "List providers",
    "Returns a page of the organization's providers, newest first.",
    {200: Success("A page.", "ProviderPage", {"data": [examples.PROVIDER], "next_cursor": None})},
    query=("limit", "cursor", "vendor", "status", "health", "name", "tag", "include"),
    gives={"provider_id": "$response.body#/data/0/id"},
)
ADD_PROVIDER: Final = Operation(
    "add_provider",
    "POST",
    _PROVIDERS,
    Scope.PROVIDERS_WRITE,
    "providers",
    "Add a provider",
    "Verifies a credential with its vendor and stores it. A credential that the vendor refuses is not stored (422 "
    "`credential_rejected`).",
    {
        201: Success(
            "Verified and stored.",
            "ProviderChanged",
            {"data": examples.ADDED, "warnings": [examples.WARNING]},
            ("Location", "ETag"),
        ),
        202: Success(
            "Stored as `pending`: the vendor was unavailable and `on_unavailable` was `store_pending`.",
            "ProviderChanged",
            {"data": examples.PENDING},
            ("Location", "ETag"),
        ),
    },
    body="AddProviderBody",
    body_examples={
        "openai": examples.ADD_OPENAI,
        "azure": examples.ADD_AZURE,
        "bedrock": examples.ADD_BEDROCK,
        "pending": examples.ADD_PENDING,
    },
    codes=(*_VERIFYING, "name_taken", "limit_exceeded"),
    gives=_PROVIDER_ID,
)
GET_PROVIDER: Final = Operation(
    "get_provider",
    "GET",
    _PROVIDER,
    Scope.PROVIDERS_READ,
    "providers",
    "Get a provider",
    "Returns a provider, never its credential.",
    {
        200: Success("The provider.", "ProviderSingle", {"data": examples.PROVIDER}, ("ETag",)),
        304: Success("The provider has not changed since the revision in `If-None-Match`.", headers=("ETag",)),
    },
    headers=("If-None-Match",),
)
UPDATE_PROVIDER: Final = Operation(
    "update_provider",
    "PATCH",
    _PROVIDER,
    Scope.PROVIDERS_WRITE,
    "providers",
    "Update a provider (rotate its key)",
    "Renames, disables, enables or rotates a provider. A new credential is verified before it becomes the active one. "
    "If the vendor refuses it or is unavailable, nothing changes. Requests that started with the old credential can "
    "use it until its grace window ends.",
    {200: Success("The updated provider.", "ProviderChanged", {"data": examples.ROTATED}, ("ETag",))},
    body="UpdateProviderBody",
    body_examples={"rotate": examples.ROTATE, "rename": examples.RENAME},
    headers=("If-Match",),
    codes=(*_VERIFYING, "version_conflict", "name_taken", "limit_exceeded", "rotation_conflict"),
)
DELETE_PROVIDER: Final = Operation(
    "delete_provider",
    "DELETE",
    _PROVIDER,
    Scope.PROVIDERS_WRITE,
    "providers",
    "Delete a provider",
    "Deletes a provider and every version of its credential, unless a routing config uses it.",
    {
        200: Success(
            "The provider was deleted; with `dry_run`, it could be.",
            "DeletedSingle",
            {"data": {"id": examples.PROVIDER_ID, "deleted": True}},
        )
    },
    query=("dry_run",),
    headers=("If-Match",),
    codes=("version_conflict", "provider_in_use"),
)
GET_PROVIDER_HEALTH: Final = Operation(
    "get_provider_health",
    "GET",
    f"{_PROVIDER}/health",
    Scope.PROVIDERS_READ,
    "health",
    "Get a provider's health",
    "Returns a provider's state, success rate and latency over sliding windows, and a history for a sparkline. "
    "Everything refers to the active key version. Percentiles are exact (nearest-rank) over the successful checks; "
    "with one check a minute, the p99 of an hour is its slowest check.",
    {200: Success("The provider's health.", "HealthSingle", {"data": examples.HEALTH})},
    query=("history",),
)
LIST_VERSIONS: Final = Operation(
    "list_versions",
    "GET",
    f"{_PROVIDER}/versions",
    Scope.PROVIDERS_READ,
    "providers",
    "List a provider's key versions",
    "Returns the key versions that can still be read, newest first. A version is safe to revoke at the vendor if it "
    "was replaced, no request that read it can still be running, and neither a later version nor another provider "
    "holds the same credential.",
    {200: Success("The readable versions.", "VersionsSingle", {"data": examples.VERSIONS})},
)
ROLLBACK_PROVIDER: Final = Operation(
    "rollback_provider",
    "POST",
    f"{_PROVIDER}/rollback",
    Scope.PROVIDERS_WRITE,
    "providers",
    "Roll a provider back to an earlier key",
    "Restores a previous credential as a new version, after its vendor has confirmed that it still works. The previous "
    "version must still be readable; without `version`, the one before the active version is restored.",
    {200: Success("The updated provider.", "ProviderChanged", {"data": examples.ROLLED_BACK}, ("ETag",))},
    body="RollbackBody",
    body_optional=True,
    body_examples={"previous": {}, "named": {"version": 1}},
    headers=("If-Match",),
    codes=(*_VERIFYING, "version_conflict", "rotation_conflict", "limit_exceeded", "version_not_found"),
)
DESTROY_VERSION: Final = Operation(
    "destroy_version",
    "DELETE",
    f"{_PROVIDER}/versions/{{number}}",
    Scope.PROVIDERS_WRITE,
    "providers",
    "Destroy a key version early",
    "Destroys a replaced key version before its grace window ends, after a leak for example: requests that use it "
    "cannot read it again. To destroy the active version, rotate first.",
    {
        200: Success(
            "The version was destroyed: it can no longer be read or restored.",
            "DestroyedVersionSingle",
            {"data": {"provider_id": examples.PROVIDER_ID, "number": 1, "deleted": True}},
        )
    },
    headers=("If-Match",),
    codes=("version_conflict", "version_not_found", "version_active"),
)
LIST_AUDIT: Final = Operation(
    "list_audit",
    "GET",
    f"{BASE_PATH}/audit",
    Scope.PROVIDERS_READ,
    "audit",
    "List the audit trail",
    "Returns a page of the organization's changes, newest first. An entry is committed together with its change, and "
    "kept for 400 days.",
    {200: Success("A page.", "AuditEntryPage", {"data": [examples.AUDIT_ENTRY], "next_cursor": None})},
    query=("limit", "cursor", "resource_id", "action", "key_id"),
)
CREATE_UPLOAD: Final = Operation(
    "create_upload",
    "POST",
    f"{BASE_PATH}/uploads",
    Scope.PROVIDERS_WRITE,
    "uploads",
    "Create an upload link",
    "Creates a one-time link. A person opens it and enters the credential, which is verified before it is stored.",
    {201: Success("The link. It is shown only once.", "UploadSingle", {"data": examples.UPLOAD})},
    body="CreateUploadBody",
    body_examples={"add": examples.UPLOAD_TO_ADD, "rotate": examples.UPLOAD_TO_ROTATE},
    codes=("provider_not_found", "name_taken", "limit_exceeded", "base_url_required", "base_url_not_allowed"),
)
LIST_ROUTING_CONFIGS: Final = Operation(
    "list_routing_configs",
    "GET",
    _ROUTING_CONFIGS,
    Scope.ROUTING_READ,
    "routing",
    "List routing configs",
    "Returns a page of the organization's routing configs, ordered by slug.",
    {200: Success("A page.", "RoutingConfigPage", {"data": [examples.ROUTING_CONFIG], "next_cursor": None})},
    query=("limit", "cursor"),
    gives={"slug": "$response.body#/data/0/slug"},
)
GET_ROUTING_CONFIG: Final = Operation(
    "get_routing_config",
    "GET",
    _ROUTING_CONFIG,
    Scope.ROUTING_READ,
    "routing",
    "Get a routing config",
    "Returns a routing config.",
    {200: Success("The routing config.", "RoutingConfigSingle", {"data": examples.ROUTING_CONFIG})},
)
PUT_ROUTING_CONFIG: Final = Operation(
    "put_routing_config",
    "PUT",
    _ROUTING_CONFIG,
    Scope.ROUTING_WRITE,
    "routing",
    "Create or replace a routing config",
    "Creates or replaces a routing config. A provider that a routing config uses cannot be deleted.",
    {
        200: Success("Replaced.", "RoutingConfigSingle", {"data": examples.ROUTING_CONFIG}),
        201: Success("Created.", "RoutingConfigSingle", {"data": examples.ROUTING_CONFIG}),
    },
    body="PutRoutingConfigBody",
    body_examples={"fallback": examples.ROUTING},
    codes=("version_conflict", "limit_exceeded"),
    gives=_SLUG,
)
DELETE_ROUTING_CONFIG: Final = Operation(
    "delete_routing_config",
    "DELETE",
    _ROUTING_CONFIG,
    Scope.ROUTING_WRITE,
    "routing",
    "Delete a routing config",
    "Deletes a routing config. The providers that it uses are not affected.",
    {
        200: Success(
            "The routing config was deleted.",
            "DeletedRoutingConfigSingle",
            {"data": {"slug": examples.SLUG, "deleted": True}},
        )
    },
    codes=("version_conflict",),
)
GET_MANAGEMENT_KEY: Final = Operation(
    "get_management_key",
    "GET",
    f"{BASE_PATH}/key",
    None,
    "keys",
    "Get your own management key",
    "Returns the management key that the request was sent with, without its secret: its organization, scopes and "
    "expiry. Any key may call it.",
    {200: Success("The key.", "OwnKeySingle", {"data": examples.OWN_KEY})},
)
GET_OPENAPI: Final = Operation(
    "get_openapi",
    "GET",
    f"{BASE_PATH}/openapi.json",
    None,
    "description",
    "Get this description",
    "Returns the OpenAPI document of the deployed version. No management key is required.",
    {
        200: Success("An OpenAPI 3.1 document.", example={"openapi": "3.1.0"}, headers=("ETag",)),
        304: Success("The document has not changed since the revision in `If-None-Match`.", headers=("ETag",)),
    },
    headers=("If-None-Match",),
    anonymous=True,
)

OPERATIONS: Final[Mapping[str, Operation]] = {
    each.name: each
    for each in (
        LIST_PROVIDERS,
        ADD_PROVIDER,
        GET_PROVIDER,
        UPDATE_PROVIDER,
        DELETE_PROVIDER,
        GET_PROVIDER_HEALTH,
        LIST_VERSIONS,
        ROLLBACK_PROVIDER,
        DESTROY_VERSION,
        LIST_AUDIT,
        CREATE_UPLOAD,
        LIST_ROUTING_CONFIGS,
        GET_ROUTING_CONFIG,
        PUT_ROUTING_CONFIG,
        DELETE_ROUTING_CONFIG,
        GET_MANAGEMENT_KEY,
        GET_OPENAPI,
    )
}
"""The operations by name, in the order of the documentation."""


def allowed_methods(path: str) -> list[str]:
    """Return the methods of a path, as in `Allow`."""
    methods = [each.method for each in OPERATIONS.values() if each.path == path]
    return [*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"]
