"""Keys that nobody issued: each has its vendor's format, says FAKE or EXAMPLE, and names the case that it plays.

| vendor | form |
| --- | --- |
| openai | `sk-proj-FAKE-<slug>-EXAMPLE-<serial>` |
| anthropic | `sk-ant-api03-FAKE-<slug>-EXAMPLE-<serial>`, `sk-ant-oat01-FAKE-…` |
| google | `AIzaFAKE-<slug>-…-<serial>`, `AQ.FAKE-…` |
| groq, fireworks | `gsk_FAKE<Slug>EXAMPLE…<serial>`, `fw_FAKE…`, `fpk_FAKE…`: without hyphens, `bad-key` is `BadKey` |
| azure | `FAKE<Slug>EXAMPLE…JQQJ99FA<serial>AAABACOG<serial>` |
| bedrock | `AKIA<code><serial>EXAMPLE::FAKE…::us-east-1`, five letters a case (`_CODES`), four base32 digits a serial |
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from local.vendors.cases import CASES, case_named
from local.vendors.cases.base import Case
from local.vendors.cases.misbehaviour import SLOW_S, slow

REGION: Final = "us-east-1"
SECRET_ACCESS_KEY: Final = "FAKE/EXAMPLE/ONLY/FAKE/EXAMPLE/ONLY/FAKE"  # noqa: S105 - as it says
SESSION_TOKEN: Final = "FAKE/SESSION/TOKEN/EXAMPLE/ONLY=="  # noqa: S105 - as it says

_FAR_OFF: Final = datetime(2099, 1, 1, tzinfo=UTC)
_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_FIXED_SERIALS: Final = 10_000
_SLOW: Final = re.compile(r"slow-(\d{1,5})(ms)?|Slow(\d{1,5})(Ms|ms)?")
_SLOW_CODE: Final = "SL"

_CODES: Final = {
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


def fake_key(vendor: str, slug: str = "valid", serial: int = 1) -> str:
    """A key on which the emulator plays `slug`; another `serial` makes another key for the same case.

    Beside the slugs of `CASES`, `slow-<seconds>` and `slow-<milliseconds>ms` exist. Raises KeyError for an unknown
    vendor or slug, ValueError for a serial or a delay that does not fit into the vendor's form.
    """
    case = find_case(vendor, slug)
    if case is None:
        raise KeyError(slug)
    return _MINTS[vendor](case, serial)


@lru_cache(maxsize=65_536)
def case_of(vendor: str, key: str) -> Case | None:
    """The case that `key` names, or None where it is none of ours. For bedrock, the access key id alone will do."""
    if vendor == "bedrock":
        return _bedrock_case(key)
    found = _READS[vendor].fullmatch(key)
    return find_case(vendor, found[1]) if found else None


def find_case(vendor: str, name: str) -> Case | None:
    """The case called `name`, with hyphens or in capitals; `slow-2` and `slow-200ms` are made as asked for.

    None for an unknown one; KeyError for an unknown vendor.
    """
    found = _NAMES[vendor].get(name)
    if found is None and (timed := _SLOW.fullmatch(name)):
        number, unit = (timed[1], timed[2]) if timed[1] else (timed[3], timed[4])
        found = slow(_NAMES[vendor]["valid"], int(number) / (1000 if unit else 1))
    return found


def short_term_key(
    access_key_id: str, *, region: str = REGION, at: datetime = _FAR_OFF, lifetime_s: int = 43_200
) -> str:
    """A short-term Bedrock API key, "signed" at `at`; AWS's own live for twelve hours at most."""
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
    return "bedrock-api-key-" + b64encode(f"bedrock.amazonaws.com/?{query}".encode()).decode()


def identity(vendor: str, key: str) -> str:
    """What makes two keys the same to the emulator: for AWS credentials the access key id, without a region."""
    return key.partition("::")[0] if vendor == "bedrock" else key


def _capitals(slug: str) -> str:
    return "".join(part.capitalize() for part in slug.split("-"))


_NAMES: Final = {
    vendor: {name: case for case in cases for name in (case.slug, _capitals(case.slug))}
    for vendor, cases in CASES.items()
}


def _hyphens(prefix: str) -> Callable[[Case, int], str]:
    return lambda case, serial: f"{prefix}FAKE-{case.slug}-EXAMPLE-{serial:04}"


def _anthropic(case: Case, serial: int) -> str:
    return _hyphens("sk-ant-oat01-" if case.form == "oauth" else "sk-ant-api03-")(case, serial)


def _filled(slug: str, serial: str, length: int) -> str:
    """`FAKE` + the slug in capitals + `EXAMPLE`, as often as fits, + `serial`: `length` characters in all."""
    head = f"FAKE{_capitals(slug)}"
    filler = length - len(head) - len(serial)
    if filler < len("EXAMPLE"):
        raise ValueError(f"serial or slug too long: {slug}")
    return head + ("EXAMPLE" * (filler // 7 + 1))[:filler] + serial


def _google(case: Case, serial: int) -> str:
    prefix = "AQ." if case.form == "auth" else "AIza"
    head, tail = f"FAKE-{case.slug}-", f"{serial:04}"
    if len(head) + len(tail) > 35:
        raise ValueError(f"serial or slug too long: {case.slug}")
    return prefix + head.ljust(35 - len(tail), "-") + tail


def _groq(case: Case, serial: int) -> str:
    return "gsk_" + _filled(case.slug, f"{serial:04}", 52)


def _fireworks(case: Case, serial: int) -> str:
    return ("fpk_" if case.form == "fire-pass" else "fw_") + _filled(case.slug, f"{serial:04}", 40)


def _azure(case: Case, serial: int) -> str:
    high, low = divmod(serial, _FIXED_SERIALS)
    return f"{_filled(case.slug, '', 52)}JQQJ99FA{high:012}AAABACOG{low:04}"


def _digits(number: int, places: int) -> str:
    """`number` in base32, most significant digit first."""
    if not 0 <= number < 32**places:
        raise ValueError(f"{number} has more than {places} base32 digits")
    return "".join(_BASE32[number >> 5 * place & 31] for place in reversed(range(places)))


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * 32 + _BASE32.index(digit)
    return number


def _bedrock(case: Case, serial: int) -> str:
    if case.form == "api-key":
        return f"ABSK{_filled(case.slug, f'{serial:04}', 128)}::{REGION}"
    code = _CODES.get(case.slug) or _SLOW_CODE + _digits(round(case.delay_s * 1000), 3)
    suffix = f"{code}{_digits(serial, 4)}EXAMPLE"
    if case.form == "short-term":
        return short_term_key(f"ASIA{suffix}")
    if case.form == "session":
        return f"ASIA{suffix}::{SECRET_ACCESS_KEY}::{REGION}::{SESSION_TOKEN}"
    return f"AKIA{suffix}::{SECRET_ACCESS_KEY}::{REGION}"


_BY_CODE: Final = {code: case_named("bedrock", slug) for slug, code in _CODES.items()}
_ACCESS_KEY_ID: Final = re.compile(r"(?:AKIA|ASIA)([A-Z2-7]{5})[A-Z2-7]{4}EXAMPLE")
_API_KEY: Final = re.compile(r"ABSKFAKE([A-Za-z0-9]+?)EXAMPLE[EXAMPL]*\d{4,}")


def _bedrock_case(key: str) -> Case | None:
    name = identity("bedrock", key)
    if name.startswith("bedrock-api-key-"):
        name = _signer(name)
    if found := _API_KEY.fullmatch(name):
        return find_case("bedrock", found[1])
    found = _ACCESS_KEY_ID.fullmatch(name)
    if found is None:
        return None
    code = found[1]
    if code.startswith(_SLOW_CODE):
        milliseconds = _number(code.removeprefix(_SLOW_CODE))
        return find_case("bedrock", "slow" if milliseconds == SLOW_S * 1000 else f"slow-{milliseconds}ms")
    return _BY_CODE.get(code)


def _signer(short_term: str) -> str:
    """The access key id within a short-term key, or nothing."""
    try:
        url = b64decode(short_term.removeprefix("bedrock-api-key-"), validate=True).decode()
    except ValueError:
        return ""
    found = re.search(r"X-Amz-Credential=([A-Z0-9]+)%2F", url)
    return found[1] if found else ""


_MINTS: Final[dict[str, Callable[[Case, int], str]]] = {
    "anthropic": _anthropic,
    "azure": _azure,
    "bedrock": _bedrock,
    "fireworks": _fireworks,
    "google": _google,
    "groq": _groq,
    "openai": _hyphens("sk-proj-"),
}
_READS: Final = {
    "anthropic": re.compile(r"sk-ant-(?:api03|oat01)-FAKE-(.+?)-EXAMPLE-\d{4,}"),
    "azure": re.compile(r"FAKE([A-Za-z0-9]+?)EXAMPLE[EXAMPL]*JQQJ99FA\d{12}AAABACOG\d{4}"),
    "fireworks": re.compile(r"(?:fw|fpk)_FAKE([A-Za-z0-9]+?)EXAMPLE[EXAMPL]*\d{4,}"),
    "google": re.compile(r"(?:AIza|AQ\.)FAKE-(.+?)-+\d{4,}"),
    "groq": re.compile(r"gsk_FAKE([A-Za-z0-9]+?)EXAMPLE[EXAMPL]*\d{4,}"),
    "openai": re.compile(r"sk-proj-FAKE-(.+?)-EXAMPLE-\d{4,}"),
}
