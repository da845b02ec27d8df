"""Models of the tools' arguments: the API's request bodies, and the tools' own arguments.

Their JSON schemas are all that a model sees of a tool. Errors never echo input, which can be a key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema

from providers_client.errors import Unprocessable
from providers_contract import vendors
from providers_contract.bodies import AddProviderBody, Body, RollbackBody, Time, UpdateProviderBody
from providers_contract.bodies import Name as _Name
from providers_contract.bodies import ProviderId as _ProviderId
from providers_contract.bodies import Tags as _Tags
from providers_contract.credentials import MAX_CREDENTIAL_CHARS
from providers_contract.ids import MANAGEMENT_KEY_PREFIX
from providers_contract.limits import DEFAULT_PAGE, MAX_NAME_CHARS, MAX_PAGE, MAX_TAG_CHARS, MAX_URL_CHARS
from providers_contract.responses import FieldError
from providers_contract.validation import Error, field_error, one_of, validated
from providers_contract.vocabulary import Action, HealthState, HistorySpan, Status

MAX_VARIABLE_CHARS: Final = 128
DEFAULT_URL: Final = "default"
"""The value of base_url for the vendor's own host."""
NO_EXPIRY: Final = "none"
"""The value of key_expires_at for an unknown expiry."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

A = TypeVar("A", bound=Body)


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise field_error("variable_name", "must be the name of an environment variable, not a key")
    return name


def _vendor_key(key: SecretStr) -> SecretStr:
    if MANAGEMENT_KEY_PREFIX in key.get_secret_value().lower():
        raise field_error("management_key", "must be a vendor's key, not a management key of this API")
    return key


def _whole(value: Any) -> Any:
    """Accept 5.0, which is an integer in JSON Schema: some clients write every number that way."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _none_if(word: str) -> BeforeValidator:
    """Return the validator that reads `word` as null. Arguments cannot be null: clients send null for "not given"."""
    return BeforeValidator(lambda value: None if isinstance(value, str) and value.strip().lower() == word else value)


ProviderId = Annotated[_ProviderId, Field(description="The provider's id, from list_providers.")]
Name = Annotated[
    _Name, Field(description="Unique in the organization, ignoring case. It is shown: not a key, nor a part of one.")
]
ApiKey = Annotated[
    SecretStr,
    Field(
        min_length=1,
        max_length=MAX_CREDENTIAL_CHARS,
        description="The vendor's key itself. Avoid: it stays in this conversation."
        + "".join(f" For {vendor}: {form}." for vendor, form in vendors.KEY_FORMATS.items()),
    ),
    AfterValidator(_vendor_key),
]
ApiKeyEnv = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_VARIABLE_CHARS,
        json_schema_extra={"pattern": f"^{_VARIABLE.pattern}$"},
        description="Instead of api_key: the NAME of an environment variable that contains the key, such as "
        "OPENAI_API_KEY. Only if the server runs on the user's machine (stdio), for variables that its configuration "
        "allows, and for the vendor's own hosts.",
    ),
    AfterValidator(_variable),
]
BaseUrl = Annotated[
    Annotated[str, Field(max_length=MAX_URL_CHARS)] | None,
    _none_if(DEFAULT_URL),
    WithJsonSchema({"type": "string", "maxLength": MAX_URL_CHARS}),
]
ExpiresAt = Annotated[Time | None, _none_if(NO_EXPIRY), WithJsonSchema({"type": "string"})]


Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="Maximum number to return."), BeforeValidator(_whole)]
Cursor = Annotated[
    str | None, Field(max_length=2048, description="next_cursor of the previous page, with the same filters.")
]


class ListProviders(Body):
    """Arguments of list_providers."""

    vendor: Annotated[Annotated[str, *one_of(vendors.NAMES)] | None, Field(description="Filter by vendor.")] = None
    status: Annotated[
        Annotated[str, *one_of([*Status])] | None,
        Field(description="Filter by status; pending: stored, but not verified yet."),
    ] = None
    health: Annotated[
        Annotated[str, *one_of([*HealthState])] | None, Field(description="Filter by state of health.")
    ] = None
    name: Annotated[
        str | None, Field(min_length=1, max_length=MAX_NAME_CHARS, description="Filter by a part of the name.")
    ] = None
    tag: Annotated[str | None, Field(min_length=1, max_length=MAX_TAG_CHARS, description="Filter by a tag.")] = None
    limit: Limit = DEFAULT_PAGE
    cursor: Cursor = None


class GetProvider(Body):
    """Arguments of get_provider."""

    provider_id: ProviderId


class AddProvider(AddProviderBody):
    """Arguments of add_provider. Without a key, the result is a link at which a person enters it."""

    model_config = ConfigDict(frozen=True)

    name: Name
    api_key: ApiKey | None = None  # type: ignore[assignment]  # optional here
    api_key_env: ApiKeyEnv | None = None
    base_url: Annotated[
        BaseUrl,
        Field(
            description=f"The resource's https endpoint. Required for {', '.join(vendors.REQUIRING_BASE_URL)}; omit "
            "it, or send default, for the vendor's own."
        ),
    ] = None
    key_expires_at: Annotated[
        ExpiresAt,
        Field(
            description="When the vendor will stop accepting the key, such as 2026-12-31T23:59:59Z; omit it, or send "
            "none, if unknown. Only with a key."
        ),
    ] = None
    tags: Annotated[_Tags, Field(default_factory=list, description="Labels for filtering. Only with a key.")]


class UpdateProvider(UpdateProviderBody):
    """Arguments of update_provider."""

    model_config = ConfigDict(frozen=True)

    provider_id: ProviderId
    name: Name = ""
    api_key: ApiKey | None = None
    api_key_env: ApiKeyEnv | None = None
    upload_link: Annotated[
        bool | None,
        Field(
            description="true: return a one-time link at which a person enters the new key. Cannot be combined with "
            "anything but provider_id."
        ),
    ] = None
    base_url: Annotated[
        BaseUrl,
        Field(
            description="Another https endpoint, or default for the vendor's own; omit it to keep it. Requires the key."
        ),
    ] = None
    key_expires_at: Annotated[
        ExpiresAt,
        Field(
            description="When the vendor will stop accepting the key, such as 2026-12-31T23:59:59Z, or none if no "
            "longer known; omit it to keep it."
        ),
    ] = None


class DeleteProvider(Body):
    """Arguments of delete_provider."""

    provider_id: ProviderId
    dry_run: Annotated[bool, Field(description="true: change nothing, only check for blockers.")] = False


class GetProviderHealth(Body):
    """Arguments of get_provider_health."""

    provider_id: ProviderId
    history: Annotated[
        Annotated[str, *one_of([*HistorySpan])] | None, Field(description="Also return chart points over this time.")
    ] = None


class ListVersions(GetProvider):
    """Arguments of list_versions."""


class RollbackProvider(RollbackBody):
    """Arguments of rollback_provider."""

    provider_id: ProviderId
    version: Annotated[
        Annotated[int, Field(ge=1, le=99_999_999), BeforeValidator(_whole)] | None,
        Field(description="The version to restore, from list_versions; omit it for the one before the active version."),
    ] = None


class ListAudit(Body):
    """Arguments of list_audit."""

    provider_id: Annotated[ProviderId | None, Field(description="Only changes of this provider.")] = None
    action: Annotated[Annotated[str, *one_of([*Action])] | None, Field(description="Filter by kind of change.")] = None
    limit: Limit = DEFAULT_PAGE
    cursor: Cursor = None


def read(model: type[A], given: Mapping[str, Any]) -> A:
    """Parse `given` as `model`; null counts as not given. Raises Unprocessable (`validation_failed`)."""
    return validated(model, {name: value for name, value in given.items() if value is not None}, _failed)


def invalid(*errors: FieldError) -> Unprocessable:
    """Return the error that the API would return."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Unprocessable(
        f"{first.param + ': ' if first.param else ''}{first.message}{more}; nothing was sent",
        code="validation_failed",
        type="invalid_request_error",
        param=first.param,
        errors=errors,
    )


def _failed(errors: list[Error]) -> Unprocessable:
    return invalid(*map(FieldError.model_validate, errors))
