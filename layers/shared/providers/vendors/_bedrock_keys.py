"""Parses credentials for Bedrock: AWS access keys and Bedrock API keys.

| form | meaning |
| --- | --- |
| `AKIA…::SECRET::REGION` | an IAM user's access key |
| `ASIA…::SECRET::REGION::SESSION_TOKEN` | temporary credentials from STS |
| `ABSK…[::REGION]` | a long-term API key; its region may come from the base_url instead |
| `bedrock-api-key-…[::REGION]` | a short-term API key: base64 of a presigned URL, with region and expiry inside |
"""

from __future__ import annotations

import re
from base64 import b32decode, b64decode
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qs

from providers.model.vendor import Credential
from providers.vendors._partitions import REGION as _REGION
from providers.vendors._partitions import region_of
from providers.vendors.base import credential_format
from providers_contract.credentials import make_hint
from providers_contract.frozen import dataclass
from providers_contract.hosts import host_of
from providers_contract.secret import Secret

_LONG, _SHORT = "ABSK", "bedrock-api-key-"

FORMS: Final = (
    re.compile(rf"AKIA[A-Z2-7]{{16}}::[A-Za-z0-9/+]{{40}}::{_REGION}"),
    re.compile(rf"ASIA[A-Z2-7]{{16}}::[A-Za-z0-9/+]{{40}}::{_REGION}::[A-Za-z0-9/+=]{{16,}}"),
    re.compile(rf"{_LONG}[A-Za-z0-9+/]{{109,269}}={{0,2}}(?:::{_REGION})?"),
    re.compile(rf"{_SHORT}YmVkcm9jay5hbWF6b25hd3MuY29t[A-Za-z0-9+/]+={{0,2}}(?:::{_REGION})?"),
)

_REGIONS: Final = r"(?P<AWS_REGION>(?P<AWS_DEFAULT_REGION>[a-z0-9-]+))"
EXPORTS: Final = (
    re.compile(
        rf"(?P<AWS_ACCESS_KEY_ID>A[KS]IA[^:]+)::(?P<AWS_SECRET_ACCESS_KEY>[^:]+)::{_REGIONS}"
        r"(?:::(?P<AWS_SESSION_TOKEN>.+))?"
    ),
    re.compile(rf"(?P<AWS_BEARER_TOKEN_BEDROCK>[^:]+)::{_REGIONS}"),
    re.compile(r"(?P<AWS_BEARER_TOKEN_BEDROCK>[^:]+)"),
)

OWN_FORMS: Final = (*FORMS, re.compile(r"A[KS]IA[A-Z2-7]{16}"))
"""An access key id alone is certainly AWS's, but not a credential."""

HINT_FORMS: Final = (
    re.compile(r"(A[KS]IA)[A-Z0-9]{12}([A-Z0-9]{4})(?:::.*)?"),  # of the access key id, which is not secret
    re.compile(rf"({_LONG})[^:]{{20,}}([^:]{{4}})(?:::.*)?"),
    re.compile(rf"({_SHORT}).*()"),  # all such keys have the same ending
)

KEY_FORMAT: Final = (
    "ACCESS_KEY_ID::SECRET_ACCESS_KEY::REGION in one line (followed by ::SESSION_TOKEN for temporary credentials), or "
    "a Bedrock API key"
)

USELESS: Final = (
    (
        re.compile(r"arn:aws[a-z-]*:.+"),
        "the ARN of an AWS resource; send ACCESS_KEY_ID::SECRET_ACCESS_KEY::REGION or a Bedrock API key",
    ),
)

_HOW: Final = (
    "a Bedrock credential is ACCESS_KEY_ID::SECRET_ACCESS_KEY::REGION (with ::SESSION_TOKEN for temporary ones)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCredential(Credential):
    """An access key, and the region to use it in; `session_token` is None for an IAM user's access key."""

    region: str
    access_key_id: Secret
    secret_access_key: Secret
    session_token: Secret | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey(Credential):
    """A Bedrock API key, sent as bearer token, and the region to use it in."""

    region: str
    token: Secret


def parse(secret: Secret, base_url: str | None) -> AwsCredential | ApiKey:
    """Return the credential, with the account and the expiry that it contains.

    Raises `Unprocessable` (`credential_format`) if parts are missing, do not belong together, or name another region
    than the base_url: a signature for another region is refused, which would look like a wrong secret.
    """
    text = secret.reveal()
    named = region_of(host_of(base_url)) if base_url else None
    credential: AwsCredential | ApiKey
    if text.startswith(_LONG):
        credential = _long_term(secret, named)
    elif text.startswith(_SHORT):
        credential = _short_term(secret)
    else:
        credential = _aws(secret)
    if named is not None and named != credential.region:
        raise credential_format(f"api_key is for {credential.region}, but base_url is a host in {named}")
    return credential


def account_of(access_key_id: str) -> str | None:
    """Return the AWS account number in an access key id, or None if it contains none.

    AWS does not document the format: the last sixteen characters are base32; after a first bit that marks ids created
    since 2019, forty bits are the account ("A short note on AWS KEY ID", Tal Be'ery; "A bitwise analysis of AWS access
    key identifiers", WithSecure Labs). Use it only to warn about another account.
    """
    if not re.fullmatch(r"[A-Z]{4}[A-Z2-7]{16}", access_key_id):
        return None
    bits = int.from_bytes(b32decode(access_key_id[4:])[:6], "big")
    number = bits >> 7 & (1 << 40) - 1
    return f"{number:012}" if bits >> 47 and number < 10**12 else None


def _familiar(text: str) -> bool:
    return any(form.fullmatch(text) for form in FORMS)


def _aws(secret: Secret) -> AwsCredential:
    match secret.reveal().split("::"):
        case [key_id, secret_key, region, *tokens] if len(tokens) <= 1:
            pass
        case _:
            raise credential_format(f"{_HOW}, or a Bedrock API key with its region: ABSK…::REGION")
    if not re.fullmatch(r"A[KS]IA[A-Z0-9]{16}", key_id):
        raise credential_format(f"{_HOW}; the access key id is AKIA or ASIA followed by 16 capital letters and digits")
    if not re.fullmatch(r"[A-Za-z0-9/+=]+", secret_key):
        raise credential_format(f"{_HOW}; the secret access key consists of letters, digits, / and +")
    if not re.fullmatch(_REGION, region):
        raise credential_format(f"{_HOW}; the region looks like us-east-1")
    if key_id.startswith("ASIA") and not tokens:
        raise credential_format("an access key id that begins with ASIA requires its ::SESSION_TOKEN")
    if key_id.startswith("AKIA") and tokens:
        raise credential_format("an access key id that begins with AKIA has no session token")
    if not all(re.fullmatch(r"[A-Za-z0-9/+=]+", token) for token in tokens):
        raise credential_format(f"{_HOW}; the session token consists of letters, digits, /, + and =")
    return AwsCredential(
        secret,
        f"{key_id[:4]}…{key_id[-4:]}",
        _familiar(secret.reveal()),
        account=account_of(key_id),
        temporary=bool(tokens),
        region=region,
        access_key_id=Secret(key_id),
        secret_access_key=Secret(secret_key),
        session_token=Secret(tokens[0]) if tokens else None,
    )


def _long_term(secret: Secret, named: str | None) -> ApiKey:
    text = secret.reveal()
    token, _, given = text.partition("::")
    region = given or named
    if region is None or not re.fullmatch(_REGION, region):
        raise credential_format(
            "a Bedrock API key (ABSK…) requires its region: send ABSK…::us-east-1, or a base_url with the region, such"
            " as https://bedrock.us-east-1.amazonaws.com"
        )
    return ApiKey(secret, make_hint(token, (_LONG,)), _familiar(text), region=region, token=Secret(token))


def _short_term(secret: Secret) -> ApiKey:
    text = secret.reveal()
    token, _, given = text.partition("::")
    inside = _inside(token)
    if inside is None:
        raise credential_format("this short-term Bedrock API key is incomplete or damaged; copy it again")
    region, expires_at, access_key_id = inside
    if given and given != region:
        raise credential_format(f"this short-term Bedrock API key is for {region}, but another region follows it")
    return ApiKey(
        secret,
        f"{_SHORT}…{access_key_id[-4:]}",  # all such keys have the same ending
        _familiar(text),
        expires_at,
        account_of(access_key_id),
        temporary=True,
        region=region,
        token=Secret(token),
    )


def _inside(token: str) -> tuple[str, datetime, str] | None:
    """Return region, expiry and access key id of a short-term key, or None if it cannot be decoded.

    AWS's generator (aws-bedrock-token-generator) encodes
    `bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-…&Version=1` as base64. The decoder's exceptions contain
    the key and must not be chained, so this function raises none.
    """
    encoded = token.removeprefix(_SHORT).partition("&")[0].rstrip("=")
    try:
        url = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("ascii")
        query = {name: values[0] for name, values in parse_qs(url.partition("?")[2]).items()}
        signed = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        expires_at = signed + timedelta(seconds=int(query["X-Amz-Expires"]))
        access_key_id, _, region, *_ = query["X-Amz-Credential"].split("/")
    except (ValueError, KeyError, OverflowError):
        return None
    readable = re.fullmatch(r"[A-Z0-9]{16,128}", access_key_id) and re.fullmatch(_REGION, region)
    return (region, expires_at, access_key_id) if readable else None
