"""The responses of the API as models: the types of the client, the MCP tools and the OpenAPI document.

No function imports this module: functions build their responses in `edge/views.py`, and a test compares the two.
A client must accept unknown fields and unknown values of the vocabularies: the API may add some.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from typing_extensions import TypeAliasType

from providers_contract import vendors, vocabulary
from providers_contract.ids import PROVIDER_ID, UPLOAD_ID, json_schema_pattern
from providers_contract.vocabulary import (
    Action,
    ActorType,
    HealthState,
    Outcome,
    ResourceType,
    Scope,
    Status,
    Strategy,
    WarningCode,
)

Time = Annotated[datetime, Field(description="RFC 3339 in UTC, to the second.")]


T = TypeVar("T")


def _open(enumeration: type[StrEnum], description: str | None = None) -> Any:
    """Return the type of a string: the API document lists the known values, and a client accepts any."""
    listed = {"type": "string", "enum": [each.value for each in enumeration]}
    return WithJsonSchema(listed | ({"description": description} if description else {}))


VendorName = Annotated[str, WithJsonSchema({"type": "string", "enum": [*vendors.NAMES]})]
State = Annotated[str, _open(HealthState)]
Reason = TypeAliasType(
    "Reason",
    Annotated[str, _open(vocabulary.Reason, "Why a verification or a health check did not end with `valid`.")],
)


class Response(BaseModel):
    """Base of all response models."""

    model_config = ConfigDict(frozen=True, defer_build=True)  # building all of them takes 60 ms; a program needs a few

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Return `ProviderPage` for `Page[Provider]`, `VersionsSingle` for `Single[list[Version]]`."""
        (param,) = params
        inner = get_args(param)[0].__name__ + "s" if get_origin(param) is list else param.__name__
        return f"{inner}{cls.__name__}"


def _since_earlier(**defaults: Any) -> Any:
    """Return a validator that adds fields which a response lacks that is an earlier version's or was stored by one."""

    def filled(given: Any) -> Any:
        return defaults | given if isinstance(given, dict) else given

    return model_validator(mode="before")(filled)


class HistoryPoint(Response):
    """One point of a sparkline; `at` is the start of its interval."""

    at: Time
    checks: int
    success_rate: float | None
    p50_ms: int | None
    p95_ms: int | None


class Sparkline(Response):
    """The last hour, minute by minute."""

    since: Annotated[Time, Field(description="The first of the 60 minutes.")]
    latency_ms: Annotated[
        list[int | None], Field(description="For each minute, the check's latency; null without a successful check.")
    ]
    failed: Annotated[list[int], Field(description="The minutes with a failed check, counted from 0.")]


class HealthSummary(Response):
    """The health fields in lists and single providers."""

    _filled = _since_earlier(reason=None)

    state: State
    reason: Annotated[Reason | None, Field(description="Why it is not healthy; while unknown, of the newest check.")]
    p50_latency_ms: Annotated[int | None, Field(description="Median latency of the last hour's successful checks.")]
    last_check_at: Time | None
    history: Annotated[
        list[HistoryPoint] | None,
        Field(
            description="Each minute of the last hour, oldest first, with `?include=history`.",
            exclude_if=lambda value: value is None,
        ),
    ] = None
    sparkline: Annotated[
        Sparkline | None,
        Field(description="The last hour, with `?include=sparkline`.", exclude_if=lambda value: value is None),
    ] = None


class Verification(Response):
    """The last verification of the credential; of a pending provider, its latest health check."""

    outcome: Annotated[str, _open(Outcome)]
    reason: Annotated[Reason | None, Field(description="Why the outcome is not `valid`.")]
    checked_at: Time


class Provider(Response):
    """A provider: one credential of the organization with one vendor, without the credential."""

    _filled = _since_earlier(tags=[])

    id: Annotated[str, Field(pattern=json_schema_pattern(PROVIDER_ID))]
    vendor: VendorName
    name: str
    tags: Annotated[list[str], Field(description="Labels for filtering, as they were sent.")]
    base_url: Annotated[str | None, Field(description="Null for the vendor's own.")]
    status: Annotated[
        str,
        _open(Status),
        Field(
            description="`pending`: stored while the vendor was unavailable, not yet verified; after 24 hours it "
            "becomes `disabled`."
        ),
    ]
    health: HealthSummary
    created_at: Time
    updated_at: Time
    key_hint: Annotated[str, Field(description="The credential's prefix and last characters.")]
    key_version: int
    key_rotated_at: Time
    key_expires_at: Annotated[Time | None, Field(description="When the vendor will stop accepting it, if known.")]
    verification: Verification


class Warning(Response):  # noqa: A001 - the contract's word
    """A warning about a change that was made. Some codes have fields of their own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    code: Annotated[str, _open(WarningCode)]
    message: str


class Percentiles(Response):
    """Latencies of the successful checks in ms, nearest-rank; null if there are none."""

    p50: int | None
    p90: int | None
    p95: int | None
    p99: int | None


class WindowView(Response):
    """Checks in a window that ends now."""

    checks: int
    success_rate: Annotated[float | None, Field(ge=0, le=1, description="Null if there are no checks.")]
    latency_ms: Percentiles
    errors: Annotated[dict[str, int], Field(description="Failed checks by reason.")]


class Windows(Response):
    """Sliding windows."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    five_minutes: Annotated[WindowView, Field(alias="5m")]
    hour: Annotated[WindowView, Field(alias="1h")]
    day: Annotated[WindowView, Field(alias="24h")]
    week: Annotated[WindowView, Field(alias="7d")]


class HealthChange(Response):
    """A change of state."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    at: Annotated[Time, Field(description="The minute of the check that decided it.")]
    before: Annotated[State, Field(alias="from")]
    after: Annotated[State, Field(alias="to")]
    reason: Annotated[Reason | None, Field(description="Why it was not healthy from then on.")]
    key_version: int


class Health(Response):
    """The health of a provider's active key version."""

    _filled = _since_earlier(reason=None, changes=[])

    provider_id: str
    state: State
    reason: Annotated[Reason | None, Field(description="Why it is not healthy; while unknown, from the newest check.")]
    since: Time | None
    last_check_at: Time | None
    key_version: int
    windows: Windows
    history: Annotated[list[HistoryPoint], Field(description="Over the span in `?history=`, oldest first.")]
    changes: Annotated[
        list[HealthChange],
        Field(description="The latest 20 changes of state, newest first, of every key version."),
    ]


class Version(Response):
    """A key version that can still be read."""

    number: int
    hint: str
    created_at: Time
    active: bool
    retires_at: Annotated[Time | None, Field(description="When it is destroyed; null while it is active.")]
    last_used_at: Annotated[Time | None, Field(description="To the minute.")]
    safe_to_revoke: Annotated[
        bool,
        Field(description="Whether it is safe to revoke at the vendor: replaced, unused, and not stored elsewhere."),
    ]


class DestroyedVersion(Response):
    """A key version that was destroyed."""

    provider_id: str
    number: int
    deleted: bool


class Deleted(Response):
    """The provider that was deleted; with `dry_run`, that could be deleted (`deleted` is false)."""

    id: str
    deleted: bool
    dry_run: bool = False


class AttemptView(Response):
    """One step of a routing config."""

    provider_id: str
    model: str


class RoutingConfig(Response):
    """A routing config: its name, strategy and attempts."""

    slug: str
    strategy: Annotated[str, _open(Strategy)]
    attempts: list[AttemptView]
    created_at: Time
    updated_at: Time


class DeletedRoutingConfig(Response):
    """A routing config that was deleted."""

    slug: str
    deleted: bool


class Actor(Response):
    """The author of a change."""

    type: Annotated[
        str,
        _open(ActorType),
        Field(description="`upload`: a person with a one-time link; `system`: the health sweep."),
    ]
    key_id: Annotated[str | None, Field(description="The management key's id; of an upload link, its creator's.")]


class Resource(Response):
    """The resource that was changed."""

    type: Annotated[str, _open(ResourceType)]
    id: str


class AuditEntry(Response):
    """One change; `before` and `after` contain the fields that differ, and only hints of credentials."""

    id: str
    at: Time
    actor: Actor
    action: Annotated[
        str,
        _open(Action),
        Field(
            description="`provider.verified`: the sweep verified a pending provider. `provider.pending_expired`: it "
            "disabled a provider that was pending for 24 hours."
        ),
    ]
    resource: Resource
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: Annotated[str | None, Field(description="The id of the request; null for the sweep.")]


class Upload(Response):
    """A one-time link at which a person enters a credential."""

    id: Annotated[str, Field(pattern=json_schema_pattern(UPLOAD_ID))]
    url: Annotated[str, Field(description="Shown only once. Works for one credential, until `expires_at`.")]
    provider_id: Annotated[str | None, Field(description="The provider to rotate; null if one is added.")]
    vendor: VendorName
    name: str
    expires_at: Time


class OwnKey(Response):
    """The management key of the request, without its secret."""

    id: str
    org: Annotated[str, Field(description="The organization that it belongs to.")]
    name: str
    scopes: list[Annotated[str, _open(Scope)]]
    expires_at: Annotated[Time | None, Field(description="When it stops working; null if never.")]


class Page(Response, Generic[T]):
    """One page of a list."""

    data: list[T]
    next_cursor: Annotated[str | None, Field(description="For `?cursor=`; null on the last page.")]


class Single(Response, Generic[T]):
    """One thing."""

    data: T


class Changed(Response, Generic[T]):
    """The changed resource, and warnings."""

    data: T
    warnings: list[Warning] = []


class FieldError(Response):
    """One invalid field of a request."""

    param: str | None
    message: str
    code: str


class Reference(Response):
    """A resource that prevents a deletion, or a provider that already has the credential."""

    type: Annotated[str, _open(ResourceType)]
    id: str


class ErrorBody(Response):
    """The error."""

    type: str
    code: str
    message: Annotated[str, Field(description="One sentence that a person can act on.")]
    resource: Annotated[str | None, Field(description="The kind of resource that was not found or caused a conflict.")]
    id: Annotated[str | None, Field(description="Its id.")]
    param: Annotated[str | None, Field(description="The invalid field, parameter or header.")]
    request_id: Annotated[str, Field(description="Quote it when you report a problem.")]
    errors: Annotated[list[FieldError] | None, Field(description="All field errors, with `validation_failed`.")] = None
    references: Annotated[
        list[Reference] | None,
        Field(
            description="With `provider_in_use`, the routing configs that use it; with `name_taken`, the providers "
            "that already have the new credential."
        ),
    ] = None
    limit: Annotated[int | None, Field(description="The maximum number, with `limit_exceeded`.")] = None
    count: Annotated[int | None, Field(description="The current number, with `limit_exceeded`.")] = None
    reason: Annotated[Reason | None, Field(description="Why a verification failed.")] = None
    retryable: Annotated[bool | None, Field(description="Whether a retry may succeed.")] = None
    vendor_request_id: Annotated[str | None, Field(description="The vendor's id of the API's request to it.")] = None


class ErrorResponse(Response):
    """The body of every error response."""

    error: ErrorBody
