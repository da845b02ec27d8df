"""The bodies that callers send. Pydantic checks them; the faults are told in our words and never repeat the input."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from providers.model.errors import validation_failed
from providers.model.routing import Attempt
from providers.usecases.add import NewProvider
from providers.usecases.base_url import MAX_CHARS
from providers.usecases.update import Change
from providers.usecases.uploads import ToAdd, ToRotate, Wanted
from providers.vendors.base import clean
from providers_contract import vendors
from providers_contract.credentials import MAX_CREDENTIAL_CHARS
from providers_contract.ids import PROVIDER_ID, json_schema_pattern
from providers_contract.names import name_claim
from providers_contract.secret import Secret, trimmed
from providers_contract.vocabulary import Status

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_FIELD_NAME: Final = re.compile(r"[a-z_]{1,32}")
"""Field names that a fault may repeat: none of them can be a credential put in the wrong place."""

_MAX_CLAIM_BYTES: Final = 640
"""Of the form in which names are compared: eighty characters of eight bytes. NFKC makes eighteen characters of some,
and a sort key of DynamoDB holds 1,024 bytes."""

_UNSHOWN: Final = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
_BLANK: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE0F)))  # U+FE0F, which makes emoji of characters, may stay
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
"""Characters of other categories that show nothing (Unicode, DerivedCoreProperties.txt, Default_Ignorable_Code_Point),
and the blank Braille pattern."""

_SECRET_PART: Final = 24
"""From how many characters on a part of a credential is looked for: an AWS key id, which is no secret, has 20."""

_BLANKS: Final = r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]*"
"""In the description: the most usual of what is cut off around a credential (`trimmed`)."""

M = TypeVar("M", bound=BaseModel)


def _holds_unseen(text: str) -> bool:
    return any(unicodedata.category(each) in _UNSHOWN or each in _BLANK for each in text)


def _name(text: str) -> str:
    text = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(text) <= 80 or not 1 <= len(name_claim(text).encode()) <= _MAX_CLAIM_BYTES:
        raise PydanticCustomError("name_length", "must have 1 to 80 characters")
    if _holds_unseen(text):
        raise PydanticCustomError("name_characters", "must not hold control or invisible characters")
    if vendors.contains_credential(text):
        raise PydanticCustomError("holds_credential", "must not have the form of a credential: names are shown")
    return text


def _model(text: str) -> str:
    if _holds_unseen(text) or "\ufe0f" in text:
        raise PydanticCustomError("model_characters", "must not hold control, bidirectional or invisible characters")
    return text


def _vendor(text: str) -> str:
    if text not in vendors.NAMES:
        raise PydanticCustomError("unknown_vendor", "must be one of {known}", {"known": ", ".join(vendors.NAMES)})
    return text


def _time(value: Any) -> datetime:
    try:
        if isinstance(value, str) and _TIME.fullmatch(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("time", "must be a time such as 2026-12-31T23:59:59Z")


def _no_null(schema: dict[str, Any]) -> None:
    """In a JSON schema: None is our sign that a member was not given, and a null that is given is refused."""
    (given,) = (each for each in schema.pop("anyOf", [{}]) if each.get("type") != "null")
    schema |= given
    schema.pop("default", None)


# What follows says in JSON schema what the validators check; it is there for the API's description alone.
Name = Annotated[
    str,
    AfterValidator(_name),
    Field(
        description="1 to 80 visible characters; white space around them is cut off. Unique in the organization "
        "without regard to case, width (NFKC) and repeated blanks. Must not have the form of a credential.",
        json_schema_extra={"minLength": 1, "maxLength": 80, "pattern": r"\S"},
    ),
]
VendorName = Annotated[str, AfterValidator(_vendor), Field(json_schema_extra={"enum": [*vendors.NAMES]})]
Time = Annotated[datetime, BeforeValidator(_time)]
ApiKey = Annotated[
    SecretStr,
    Field(
        description="The credential as the vendor gave it out; white space and invisible characters around it are cut "
        "off. Bedrock: `ACCESS_KEY_ID::SECRET_ACCESS_KEY::REGION`, "
        "with `::SESSION_TOKEN` behind it for temporary ones, or a Bedrock API key. `name` and `base_url`, which are "
        "shown, must not repeat it.",
        json_schema_extra={
            "minLength": 1,
            "maxLength": MAX_CREDENTIAL_CHARS,
            "pattern": rf"^{_BLANKS}[!#-&(-\[\]-_a-~]+{_BLANKS}$",
        },
    ),
]
BaseUrl = Annotated[
    str,
    Field(
        description="Where the vendor's API is, https on port 443 or 8443; null for the vendor's own. azure needs it. "
        "A whole endpoint of the vendor's (`…/v1/chat/completions`) is cut down to the base URL that it belongs to.",
        json_schema_extra={"format": "uri", "maxLength": MAX_CHARS, "pattern": "^https://"},
    ),
]
ExpiresAt = Annotated[
    Time,
    Field(
        description="When the vendor will stop accepting the credential, where you know it and it does not say itself."
    ),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class AddProviderBody(_Body):
    """`POST /manage/v1/providers`."""

    vendor: VendorName
    name: Name
    api_key: ApiKey
    base_url: BaseUrl | None = None
    key_expires_at: ExpiresAt | None = None
    on_unavailable: Annotated[
        Literal["fail", "store_pending"],
        Field(description="`store_pending`: store it unverified where the vendor cannot be asked now; 202."),
    ] = "fail"


class UpdateProviderBody(_Body):
    """`PATCH /manage/v1/providers/{provider_id}`: any of these, at least one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: Name = ""
    api_key: Annotated[ApiKey | None, Field(json_schema_extra=_no_null)] = None
    base_url: Annotated[
        BaseUrl | None, Field(description="Only together with `api_key`, unless it stays as it is.")
    ] = None
    status: Annotated[Literal["active", "disabled"] | None, Field(json_schema_extra=_no_null)] = None
    key_expires_at: Annotated[
        ExpiresAt | None, Field(description="Of the active credential, or of the one sent with it; null forgets it.")
    ] = None


class CreateUploadBody(_Body):
    """`POST /manage/v1/uploads`: the provider to rotate, or vendor and name of one to add."""

    provider_id: Annotated[str, Field(pattern=json_schema_pattern(PROVIDER_ID))] | None = None
    vendor: VendorName | None = None
    name: Name | None = None
    base_url: str | None = None


class UseUploadForm(_Body):
    """The form at an upload link."""

    api_key: SecretStr


class RollbackBody(_Body):
    """`POST /manage/v1/providers/{provider_id}/rollback`: the version to go back to, the previous one by default."""

    version: Annotated[int, Field(ge=1, le=99_999_999)] | None = None


class AttemptBody(_Body):
    """One step of a routing config."""

    provider_id: Annotated[str, Field(pattern=json_schema_pattern(PROVIDER_ID))]
    model: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_model)]


class PutRoutingConfigBody(_Body):
    """`PUT /manage/v1/routing-configs/{slug}`."""

    strategy: Annotated[Literal["single", "fallback"], Field(description="`single` takes one attempt.")]
    attempts: Annotated[list[AttemptBody], Field(min_length=1, max_length=20, description="In the order of trying.")]


def new_provider(body: dict[str, Any]) -> NewProvider:
    """The command in a POST body. Raises Unprocessable: validation_failed, credential_format."""
    found = _validated(AddProviderBody, body)
    return NewProvider(
        vendor=found.vendor,
        name=found.name,
        api_key=_credential(found.api_key, name=found.name, base_url=found.base_url),
        base_url=found.base_url,
        key_expires_at=found.key_expires_at,
        store_pending=found.on_unavailable == "store_pending",
    )


def change(body: dict[str, Any]) -> Change:
    """The command in a PATCH body. Raises Unprocessable: validation_failed, credential_format."""
    found = _validated(UpdateProviderBody, body)
    given = found.model_fields_set
    if not given:
        raise validation_failed([{"param": None, "message": "the body names nothing to change", "code": "missing"}])
    nothing = [name for name in ("api_key", "status") if name in given and getattr(found, name) is None]
    if nothing:
        raise validation_failed([{"param": name, "message": "must be a string", "code": "type"} for name in nothing])
    return Change(
        name=found.name if "name" in given else None,
        api_key=None if found.api_key is None else _credential(found.api_key, name=found.name, base_url=found.base_url),
        base_url=found.base_url,
        sets_base_url="base_url" in given,
        status=None if found.status is None else Status(found.status),
        key_expires_at=found.key_expires_at,
        sets_key_expires_at="key_expires_at" in given,
    )


def upload(body: dict[str, Any]) -> Wanted:
    """What an upload link is to be for. Raises Unprocessable (validation_failed)."""
    found = _validated(CreateUploadBody, body)
    given = [name for name in ("vendor", "name", "base_url") if getattr(found, name) is not None]
    if found.provider_id is not None:
        if given:
            message = "says what is to be added, and cannot be given together with provider_id"
            raise validation_failed([{"param": name, "message": message, "code": "extra_forbidden"} for name in given])
        return ToRotate(found.provider_id)
    if found.vendor is None or found.name is None:
        missing = [name for name in ("vendor", "name") if name not in given]
        message = "is required, unless provider_id names a provider whose key is to be replaced"
        raise validation_failed([{"param": name, "message": message, "code": "missing"} for name in missing])
    return ToAdd(found.vendor, found.name, found.base_url)


def api_key(fields: dict[str, Any]) -> Secret:
    """The credential in an upload link's form. Raises Unprocessable: validation_failed, credential_format."""
    return clean(_validated(UseUploadForm, fields).api_key.get_secret_value())


def rollback(body: dict[str, Any]) -> int | None:
    """The version in a rollback's body, None for the previous one. Raises Unprocessable (validation_failed)."""
    return _validated(RollbackBody, body).version


def routing(body: dict[str, Any]) -> tuple[str, tuple[Attempt, ...]]:
    """Strategy and attempts in a PUT body. Raises Unprocessable (validation_failed)."""
    found = _validated(PutRoutingConfigBody, body)
    if found.strategy == "single" and len(found.attempts) != 1:
        fault = {"param": "attempts", "message": "must hold one attempt with strategy single", "code": "length"}
        raise validation_failed([fault])  # type: ignore[list-item]
    return found.strategy, tuple(Attempt(each.provider_id, each.model) for each in found.attempts)


def _credential(given: SecretStr, **shown: str | None) -> Secret:
    """The credential in a body. Raises Unprocessable: credential_format; validation_failed where `shown` repeats it.

    What is `shown` in answers, lists and events would give it away.
    """
    text = trimmed(given.get_secret_value())
    parts = [part for part in text.split("::") if len(part) >= _SECRET_PART]
    message = "must not hold the credential: this is shown to everybody who may read providers"
    faults = [
        {"param": name, "message": message, "code": "holds_credential"}
        for name, value in shown.items()
        if value and any(part in value for part in parts)
    ]
    if faults:
        raise validation_failed(faults)  # type: ignore[arg-type]
    return clean(text)


def _validated(schema: type[M], body: dict[str, Any]) -> M:
    try:
        return schema.model_validate(body)
    except ValidationError as error:
        faults = [_fault(each) for each in error.errors(include_url=False, include_input=False)]
    raise validation_failed(faults)


_MESSAGES: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "missing": lambda _: "is required",
    "extra_forbidden": lambda _: "unknown field",
    "string_type": lambda _: "must be a string",
    "string_unicode": lambda _: "must be valid Unicode",
    "string_pattern_mismatch": lambda _: "has not the form of an id",
    "string_too_short": lambda given: f"must have at least {given['min_length']} characters",
    "string_too_long": lambda given: f"must have at most {given['max_length']} characters",
    "literal_error": lambda given: f"must be {given['expected']}".replace("'", ""),
    "list_type": lambda _: "must be a list",
    "too_short": lambda given: f"must hold at least {given['min_length']}",
    "too_long": lambda given: f"must hold at most {given['max_length']}",
    "model_type": lambda _: "must be an object",
    "int_type": lambda _: "must be a whole number",
    "greater_than_equal": lambda given: f"must be {given['ge']} or more",
    "less_than_equal": lambda given: f"must be {given['le']} or less",
}
_OURS: Final = ("name_length", "name_characters", "holds_credential", "model_characters", "unknown_vendor", "time")


def _fault(error: ErrorDetails) -> dict[str, str | None]:
    kind = error["type"]
    known = _MESSAGES.get(kind)
    message = known(error.get("ctx", {})) if known else error["msg"] if kind in _OURS else "is not valid"
    return {"param": _param(error["loc"]), "message": message, "code": kind}


def _param(location: tuple[int | str, ...]) -> str | None:
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _FIELD_NAME.fullmatch(step):
            path += f".{step}" if path else step
        else:
            return path or None
    return path or None
