"""Fake AWS access keys and Bedrock API keys.

`AKIA<code><serial>EXAMPLE::FAKE…::us-east-1`: five letters for a case (`CODES`), four base32 digits for a serial.
`ABSKFAKE<Slug>EXAMPLE…<serial>::us-east-1`, and a short-term API key with such an access key id in it.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from local.vendors.cases.base import Case
from local.vendors.cases.fakes import FakeKeys, filled, reader
from local.vendors.cases.misbehaviour import SLOW_S

REGION: Final = "us-east-1"
SECRET_ACCESS_KEY: Final = "FAKE/EXAMPLE/ONLY/FAKE/EXAMPLE/ONLY/FAKE"  # noqa: S105 - as it says
SESSION_TOKEN: Final = "FAKE/SESSION/TOKEN/EXAMPLE/ONLY=="  # noqa: S105 - as it says

BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SLOW_CODE: Final = "SL"
_FAR_OFF: Final = datetime(2099, 1, 1, tzinfo=UTC)
_SHORT_TERM: Final = "bedrock-api-key-"

CODES: Final = {
    "valid": "VALID",
    "valid-other-account": "VOTHR",
    "valid-session": "VSESS",
    "valid-short-term": "VSHRT",
    "invalid": "BADID",
    "invalid-session": "BADST",
    "bad-secret": "BADSK",
    "settling": "SETTL",
    "other-clock": "CLOCK",
    "clock-skew": "SKEWD",
    "clock-skew-ahead": "AHEAD",
    "request-expired": "REQEX",
    "expired-token": "EXPTK",
    "denied": "DENYD",
    "denied-scp": "DNSCP",
    "account-not-authorized": "ACCNA",
    "not-allowed": "NALWD",
    "access-denied": "ACCDN",
    "incomplete-signature": "INCMP",
    "missing-key": "MISSG",
    "opt-in-required": "OPTIN",
    "not-subscribed": "NOSUB",
    "throttled": "LIMIT",
    "throttled-400": "LIMFH",
    "quota": "QUOTA",
    "server-500": "FAULT",
    "server-503": "UNAVL",
    "wrong-path": "NOPTH",
    "sts-unknown-id": "STSID",
    "sts-bad-secret": "STSSK",
    "sts-expired-token": "STSTK",
    "drop": "DROPS",
    "drop-midway": "DROPM",
    "garbage": "GARBG",
    "endless": "ENDLS",
    "bomb": "BOMBX",
    "drip": "DRIPS",
    "huge": "HUGEX",
    "redirect": "REDIR",
    "html": "HTMLX",
    "deep": "DEEPX",
    "throttled-page": "THRPG",
    "teapot": "TEAPT",
    "echo": "ECHOX",
    "flaky": "FLAKY",
}
"""The cases that an access key id can name. None begins with `SL`, which is followed by a delay in milliseconds."""
_BY_CODE: Final = {code: slug for slug, code in CODES.items()}


def short_term_key(
    access_key_id: str, *, region: str = REGION, at: datetime = _FAR_OFF, lifetime_s: int = 43_200
) -> str:
    """Return a short-term Bedrock API key, "signed" at `at`; AWS's own live for twelve hours at most."""
    scope = f"{access_key_id}/{at:%Y%m%d}/{region}/bedrock/aws4_request"
    query = urlencode(
        {
            "Action": "CallWithBearerToken",
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": scope,
            "X-Amz-Date": f"{at:%Y%m%dT%H%M%SZ}",
            "X-Amz-Expires": str(lifetime_s),
            "X-Amz-SignedHeaders": "host",
            "X-Amz-Signature": "FAKE" * 16,
            "Version": "1",
        }
    )
    return _SHORT_TERM + b64encode(f"bedrock.amazonaws.com/?{query}".encode()).decode()


def _digits(number: int, places: int) -> str:
    """Return `number` in base32, most significant digit first. Raises ValueError if it does not fit."""
    if not 0 <= number < 32**places:
        raise ValueError(f"{number} has more than {places} base32 digits")
    return "".join(BASE32[number >> 5 * place & 31] for place in reversed(range(places)))


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * 32 + BASE32.index(digit)
    return number


def _make(case: Case, serial: int) -> str:
    if case.form == "api-key":
        return f"ABSK{filled(case.slug, f'{serial:04}', 128)}::{REGION}"
    code = CODES.get(case.slug) or SLOW_CODE + _digits(round(case.delay_s * 1000), 3)
    suffix = f"{code}{_digits(serial, 4)}EXAMPLE"
    if case.form == "short-term":
        return short_term_key(f"ASIA{suffix}")
    if case.form == "session":
        return f"ASIA{suffix}::{SECRET_ACCESS_KEY}::{REGION}::{SESSION_TOKEN}"
    return f"AKIA{suffix}::{SECRET_ACCESS_KEY}::{REGION}"


_code_in: Final = reader(r"(?:AKIA|ASIA)([A-Z2-7]{5})[A-Z2-7]{4}EXAMPLE")
_in_api_key: Final = reader(r"ABSKFAKE([A-Za-z0-9]+?)EXAMPLE[EXAMPL]*\d{4,}")


def _slug(key: str) -> str | None:
    """Return the slug of the case that a key names; the access key id alone suffices."""
    name = _identity(key)
    if name.startswith(_SHORT_TERM):
        name = _signer(name)
    if found := _in_api_key(name):
        return found
    code = _code_in(name)
    if code is None or not code.startswith(SLOW_CODE):
        return _BY_CODE.get(code or "")
    milliseconds = _number(code.removeprefix(SLOW_CODE))
    return "slow" if milliseconds == SLOW_S * 1000 else f"slow-{milliseconds}ms"


def _identity(key: str) -> str:
    return key.partition("::")[0]


def _signer(short_term: str) -> str:
    """Return the access key id in a short-term key, or nothing."""
    try:
        url = b64decode(short_term.removeprefix(_SHORT_TERM), validate=True).decode()
    except ValueError:
        return ""
    found = re.search(r"X-Amz-Credential=([A-Z0-9]+)%2F", url)
    return found[1] if found else ""


KEYS: Final = FakeKeys(_make, _slug, _identity)
