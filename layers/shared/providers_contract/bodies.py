"""Models of request bodies, shared by the API and the MCP tools: the same validation, the same JSON schemas."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from providers_contract import vendors
from providers_contract.credentials import MAX_CREDENTIAL_CHARS
from providers_contract.ids import PROVIDER_ID, json_schema_pattern
from providers_contract.limits import MAX_NAME_CHARS, MAX_TAG_CHARS, MAX_TAGS, MAX_URL_CHARS
from providers_contract.names import name_claim
from providers_contract.validation import field_error, one_of
from providers_contract.vocabulary import Status, Strategy

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_MAX_CLAIM_BYTES: Final = 640
"""The maximum length of a name in its compared form: 80 characters of eight bytes. NFKC can turn one character into
18, and a sort key of DynamoDB has at most 1,024 bytes."""

_IN_TAGS: Final = "A-Za-z0-9._:/=+@-"
_TAG: Final = re.compile(f"[{_IN_TAGS}]([ {_IN_TAGS}]{{0,{MAX_TAG_CHARS - 2}}}[{_IN_TAGS}])?")
_AWS_SECRET: Final = re.compile(
    r"(?<![A-Za-z0-9/+])(?=[A-Z0-9/+]{0,39}[a-z])(?=[a-z0-9/+]{0,39}[A-Z])(?=[A-Za-z/+]{0,39}[0-9])"
    r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
)
"""A word with the form of a secret access key, which has no prefix; a git commit has no upper case."""
_HIDDEN_CATEGORIES: Final = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
_BLANK: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE0F)))  # U+FE0F, which turns characters into emoji, may stay
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
"""Invisible characters of other categories (Unicode, DerivedCoreProperties.txt, Default_Ignorable_Code_Point), and the
blank Braille pattern."""

_BLANKS: Final = r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]*"
"""The most common characters that are trimmed from a credential (`secret.trimmed`), for the schema."""


def _is_hidden(text: str) -> bool:
    return any(unicodedata.category(each) in _HIDDEN_CATEGORIES or each in _BLANK for each in text)


def _holds_credential(text: str) -> bool:
    return vendors.contains_credential(text) or _AWS_SECRET.search(unicodedata.normalize("NFKC", text)) is not None


def _name(text: str) -> str:
    text = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(text) <= MAX_NAME_CHARS or not 1 <= len(name_claim(text).encode()) <= _MAX_CLAIM_BYTES:
        raise field_error("name_length", f"must have 1 to {MAX_NAME_CHARS} characters")
    if _is_hidden(text):
        raise field_error("name_characters", "must not contain control or invisible characters")
    if _holds_credential(text):
        raise field_error("holds_credential", "must not look like a credential: names are shown")
    return text


def _tag(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise field_error("tag", f"must have 1 to {MAX_TAG_CHARS} of A-Z a-z 0-9 ._:/=+@- and inner spaces")
    if _holds_credential(text):
        raise field_error("holds_credential", "must not look like a credential: tags are shown")
    return text


def _distinct(tags: list[str]) -> list[str]:
    if len({*tags}) != len(tags):
        raise field_error("duplicate", "must not contain the same tag twice")
    return tags


def _model(text: str) -> str:
    if _is_hidden(text) or "\ufe0f" in text:
        raise field_error("model_characters", "must not contain control, bidirectional or invisible characters")
    return text


def _time(value: Any) -> datetime:
    try:
        if isinstance(value, str) and _TIME.fullmatch(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise field_error("time", "must be a time such as 2026-12-31T23:59:59Z")


def not_null(schema: dict[str, Any]) -> None:
    """Adapt the JSON schema of a field whose None means "not given": an explicit null is refused."""
    (given,) = (each for each in schema.pop("anyOf", [{}]) if each.get("type") != "null")
    schema |= given
    schema.pop("default", None)


# `json_schema_extra` describes the validators' rules in JSON schema; it is only for the OpenAPI document.
Name = Annotated[
    str,
    AfterValidator(_name),
    Field(
        description="1 to 80 visible characters; surrounding white space is trimmed. Unique in the organization; case, "
        "width (NFKC) and repeated blanks are ignored. Must not look like a credential.",
        json_schema_extra={"minLength": 1, "maxLength": MAX_NAME_CHARS, "pattern": r"\S"},
    ),
]
VendorName = Annotated[
    str, *one_of(vendors.NAMES, "unknown_vendor"), Field(description="The vendor that issued the credential.")
]
Time = Annotated[datetime, BeforeValidator(_time)]
ApiKey = Annotated[
    SecretStr,
    Field(
        description="The credential as the vendor issued it; surrounding white space and invisible characters are "
        "trimmed. `name` and `base_url`, which are shown, must not contain it."
        + "".join(f" {vendor}: {form}." for vendor, form in vendors.KEY_FORMATS.items()),
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
        description="The URL of the vendor's API, https on port 443 or 8443; null for the vendor's own. Required for "
        f"{', '.join(vendors.REQUIRING_BASE_URL)}. A complete endpoint of the vendor (`…/v1/chat/completions`) is "
        "shortened to its base URL.",
        json_schema_extra={"format": "uri", "maxLength": MAX_URL_CHARS, "pattern": "^https://"},
    ),
]
Tag = Annotated[
    str,
    AfterValidator(_tag),
    Field(json_schema_extra={"minLength": 1, "maxLength": MAX_TAG_CHARS, "pattern": json_schema_pattern(_TAG)}),
]
Tags = Annotated[
    list[Tag],
    Field(
        max_length=MAX_TAGS,
        description=f"Up to {MAX_TAGS} different labels of 1 to {MAX_TAG_CHARS} characters, for filtering: `A-Z`, "
        "`a-z`, `0-9`, `._:/=+@-` and inner spaces. Must not look like a credential.",
        json_schema_extra={"uniqueItems": True},
    ),
    AfterValidator(_distinct),
]
ExpiresAt = Annotated[
    Time,
    Field(
        description="When the vendor will stop accepting the credential, if known and not contained in the credential "
        "itself."
    ),
]
ProviderId = Annotated[str, Field(pattern=json_schema_pattern(PROVIDER_ID))]


class Body(BaseModel):
    """Base of all bodies: unknown fields are refused, values are not converted, and no error contains the input."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class AddProviderBody(Body):
    """`POST /manage/v1/providers`."""

    vendor: VendorName
    name: Name
    api_key: ApiKey
    base_url: BaseUrl | None = None
    key_expires_at: ExpiresAt | None = None
    on_unavailable: Annotated[
        Literal["fail", "store_pending"],
        Field(
            description="`fail` by default. `store_pending`: if the vendor is unavailable, store the credential "
            "unverified; 202."
        ),
    ] = "fail"
    tags: Tags = []


class UpdateProviderBody(Body):
    """`PATCH /manage/v1/providers/{provider_id}`: any of these fields, at least one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: Name = ""
    api_key: Annotated[ApiKey | None, Field(json_schema_extra=not_null)] = None
    base_url: Annotated[BaseUrl | None, Field(description="Changing it requires `api_key`.")] = None
    status: Annotated[
        Annotated[str, *one_of([Status.ACTIVE, Status.DISABLED])] | None,
        Field(description="A `disabled` provider cannot be used until it is active again.", json_schema_extra=not_null),
    ] = None
    key_expires_at: Annotated[
        ExpiresAt | None, Field(description="Of the active credential, or of the one in `api_key`; null removes it.")
    ] = None
    tags: Annotated[Tags, Field(description="Replaces all tags; an empty list removes them.")] = []


class CreateUploadBody(Body):
    """`POST /manage/v1/uploads`: the provider to rotate, or vendor and name of a provider to add."""

    provider_id: ProviderId | None = None
    vendor: VendorName | None = None
    name: Name | None = None
    base_url: str | None = None


class UseUploadForm(Body):
    """The form at an upload link."""

    api_key: SecretStr


class RollbackBody(Body):
    """`POST /manage/v1/providers/{provider_id}/rollback`: the version to restore, by default the previous one."""

    version: Annotated[int, Field(ge=1, le=99_999_999)] | None = None


class AttemptBody(Body):
    """One attempt of a routing config."""

    provider_id: ProviderId
    model: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_model)]


class PutRoutingConfigBody(Body):
    """`PUT /manage/v1/routing-configs/{slug}`."""

    strategy: Annotated[str, *one_of([*Strategy]), Field(description="`single` has exactly one attempt.")]
    attempts: Annotated[list[AttemptBody], Field(min_length=1, max_length=20, description="In order.")]
