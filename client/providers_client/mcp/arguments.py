"""What the tools take, as models; their JSON schemas are what a model gets to see.

Limits are the API's own. A fault is told in our words and never repeats what was sent, which can be a key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from providers_client.errors import Unprocessable
from providers_contract import vendors
from providers_contract.credentials import MAX_CREDENTIAL_CHARS
from providers_contract.ids import MANAGEMENT_KEY_PREFIX, PROVIDER_ID, json_schema_pattern
from providers_contract.responses import FieldError
from providers_contract.validation import one_of
from providers_contract.vocabulary import HealthState, HistorySpan, Status

MAX_NAME_CHARS: Final = 80
MAX_URL_CHARS: Final = 2048
MAX_VARIABLE_CHARS: Final = 128

DEFAULT_URL: Final = "default"
"""As base_url: the vendor's own host."""
NO_EXPIRY: Final = "none"
"""As key_expires_at: not known."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIELD_NAME: Final = re.compile(r"[a-z_]{1,32}")
"""Argument names that a fault may repeat: none of them can be a key."""

A = TypeVar("A", bound="Arguments")


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise PydanticCustomError("variable_name", "must be the name of an environment variable, not a key")
    return name


def _vendor_key(key: SecretStr) -> SecretStr:
    if MANAGEMENT_KEY_PREFIX in key.get_secret_value().lower():
        raise PydanticCustomError("management_key", "must be a vendor's key, not a management key of this API")
    return key


def _whole(value: Any) -> Any:
    """5.0 is an integer in JSON Schema, and some clients write every number so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _time(value: Any) -> Any:
    """A time with its zone, which the client then sends as UTC."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value.upper() else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise PydanticCustomError("time", "must be a time such as 2026-12-31T23:59:59Z")
    return time


def _expiry(value: Any) -> Any:
    return value if value == NO_EXPIRY else _time(value)


Vendor = Annotated[str, *one_of(vendors.NAMES)]
ProviderStatus = Annotated[str, *one_of([*Status])]
Health = Annotated[str, *one_of([*HealthState])]
Span = Annotated[str, *one_of([*HistorySpan])]
ProviderId = Annotated[
    str, Field(pattern=json_schema_pattern(PROVIDER_ID), description="The provider's id, as list_providers gives it.")
]
Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_NAME_CHARS,
        description="What people call it; unique in the organization without regard to case.",
    ),
]
ExpiresAt = Annotated[
    datetime | Literal["none"],
    BeforeValidator(_expiry),
    WithJsonSchema({"type": "string"}),
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
        description="Instead of api_key: the NAME of a variable in the MCP server's own environment that holds the "
        "key, such as OPENAI_API_KEY. Only where the server runs on the user's machine (stdio), only for a variable "
        "that the server's configuration allows, and only for the vendor's own hosts.",
    ),
    AfterValidator(_variable),
]
BaseUrl = Annotated[str, Field(max_length=MAX_URL_CHARS)]


class Arguments(BaseModel):
    """Base of all arguments. Strict-mode clients send null for every argument that they leave out: null is absent."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, frozen=True)


class ListProviders(Arguments):
    """Arguments of list_providers."""

    vendor: Annotated[Vendor | None, Field(description="Only those of this vendor.")] = None
    status: Annotated[
        ProviderStatus | None,
        Field(description="Only those with this status; pending: stored, but not verified yet."),
    ] = None
    health: Annotated[Health | None, Field(description="Only those in this state of health.")] = None
    limit: Annotated[int, Field(ge=1, le=100, description="How many at most."), BeforeValidator(_whole)] = 50
    cursor: Annotated[
        str | None, Field(max_length=2048, description="next_cursor of the page before, with the same filters.")
    ] = None


class GetProvider(Arguments):
    """Arguments of get_provider."""

    provider_id: ProviderId


class AddProvider(Arguments):
    """Arguments of add_provider. Without a key, the answer is a link at which a person enters it."""

    vendor: Annotated[Vendor, Field(description="Whose key it is.")]
    name: Name
    api_key: ApiKey | None = None
    api_key_env: ApiKeyEnv | None = None
    base_url: Annotated[
        BaseUrl | None,
        Field(
            description=f"The resource's https endpoint. Required for {', '.join(vendors.REQUIRING_BASE_URL)}; leave "
            "it out, or send default, for the vendor's own."
        ),
    ] = None
    key_expires_at: Annotated[
        ExpiresAt | None,
        Field(
            description="When the vendor will stop accepting the key, such as 2026-12-31T23:59:59Z; leave it out, or "
            "send none, if that is not known. Only with a key."
        ),
    ] = None
    on_unavailable: Annotated[
        Literal["fail", "store_pending"] | None,
        Field(
            description="While the vendor cannot be reached: fail (the default), or store the key unverified as "
            "pending. Only with a key."
        ),
    ] = None


class UpdateProvider(Arguments):
    """Arguments of update_provider."""

    provider_id: ProviderId
    name: Name | None = None
    status: Annotated[
        Literal["active", "disabled"] | None, Field(description="disabled: not to be used until it is active again.")
    ] = None
    api_key: ApiKey | None = None
    api_key_env: ApiKeyEnv | None = None
    upload_link: Annotated[
        bool | None,
        Field(
            description="true: answer with a one-time link at which a person enters the new key. Stands alone beside "
            "provider_id."
        ),
    ] = None
    base_url: Annotated[
        BaseUrl | None,
        Field(
            description="Another https endpoint, or the word default for the vendor's own; leave it out to keep it. "
            "Needs the key again."
        ),
    ] = None
    key_expires_at: Annotated[
        ExpiresAt | None,
        Field(
            description="When the vendor will stop accepting the key, such as 2026-12-31T23:59:59Z, or the word none "
            "if that is no longer known; leave it out to keep it."
        ),
    ] = None


class DeleteProvider(Arguments):
    """Arguments of delete_provider."""

    provider_id: ProviderId
    dry_run: Annotated[
        bool,
        Field(description="true: change nothing, only tell whether it could be deleted and what stands in the way."),
    ] = False


class GetProviderHealth(Arguments):
    """Arguments of get_provider_health."""

    provider_id: ProviderId
    history: Annotated[Span | None, Field(description="Also give the points of a chart over this time.")] = None


def read(shape: type[A], given: Mapping[str, Any]) -> A:
    """The arguments in `given`. Raises Unprocessable (`validation_failed`) with every fault."""
    try:
        return shape.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = [_fault(each) for each in error.errors(include_url=False, include_input=False)]
    raise invalid(*faults)


def invalid(*faults: FieldError) -> Unprocessable:
    """The error that the API would answer with."""
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Unprocessable(
        f"{first.param + ': ' if first.param else ''}{first.message}{more}; nothing was sent",
        code="validation_failed",
        type="invalid_request_error",
        param=first.param,
        errors=faults,
    )


_OURS: Final = ("variable_name", "management_key", "time")
_MESSAGES: Final[dict[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "unknown argument",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode",
    "string_pattern_mismatch": "has not the form of an id (prov_ and 26 letters and digits)",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} characters",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
}


def _fault(error: ErrorDetails) -> FieldError:
    kind = error["type"]
    known = _MESSAGES.get(kind)
    message = known.format(**error.get("ctx", {})) if known else error["msg"] if kind in _OURS else "is not valid"
    name = str(error["loc"][0]) if error["loc"] else ""
    return FieldError(param=name if _FIELD_NAME.fullmatch(name) else None, message=message.replace("'", ""), code=kind)
