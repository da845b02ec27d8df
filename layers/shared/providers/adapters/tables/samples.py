"""A sample in five bytes, under a one-character name: an hour's sixty samples fit into one write unit (1 KB).

| bytes | contents |
| --- | --- |
| 1 | the outcome: 0 for valid, else the reason's code |
| 2 | latency in milliseconds, big-endian; 65535 if there is none |
| 1 or more | the key version, big-endian |
"""

from __future__ import annotations

import string
import struct
from binascii import a2b_base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from providers.model.samples import Sample, Samples, minute_of
from providers_contract.vocabulary import Reason

KEPT: Final = timedelta(days=8)

_NAMES: Final = (string.digits + string.ascii_uppercase + string.ascii_lowercase)[:60]

_NO_LATENCY: Final = 0xFFFF

_USUAL: Final = 4
"""Bytes of a sample of one of the first 255 versions."""

CODES: Final[dict[Reason, int]] = {
    Reason.RATE_LIMITED: 1,
    Reason.QUOTA_EXHAUSTED: 2,
    Reason.PAYMENT_REQUIRED: 3,
    Reason.INSUFFICIENT_PERMISSION: 4,
    Reason.NETWORK_RESTRICTED: 5,
    Reason.NOT_A_MEMBER: 6,
    Reason.SERVICE_NOT_ENABLED: 7,
    Reason.KEY_AUTH_DISABLED: 8,
    Reason.ACCOUNT_SUSPENDED: 9,
    Reason.WRONG_REGION: 60,
    Reason.CREDENTIAL_REJECTED: 20,
    Reason.CREDENTIAL_EXPIRED: 21,
    Reason.CREDENTIAL_SUSPENDED: 22,
    Reason.CREDENTIAL_LEAKED: 23,
    Reason.ACCOUNT_DISABLED: 24,
    Reason.TIMEOUT: 40,
    Reason.DNS_FAILED: 41,
    Reason.CONNECTION_FAILED: 42,
    Reason.CONNECTION_DROPPED: 43,
    Reason.TLS_FAILED: 44,
    Reason.ADDRESS_REFUSED: 45,
    Reason.HTTP_5XX: 46,
    Reason.OVERLOADED: 47,
    Reason.REDIRECTED: 48,
    Reason.ANSWER_TOO_LARGE: 49,
    Reason.UNEXPECTED_ANSWER: 50,
    Reason.WRONG_PATH: 51,
    Reason.LOCATION_NOT_SUPPORTED: 52,
    Reason.NETWORK_BLOCKED: 53,
    Reason.CLOCK_SKEW: 54,
    Reason.REGION_NOT_ENABLED: 55,
    Reason.THROTTLED: 56,
    Reason.BASE_URL_NOT_ALLOWED: 57,
    Reason.SEAL_BROKEN: 58,
}
"""The stored codes. A code is never reused for another reason."""

_BY_CODE: Final[dict[int, Reason | None]] = {0: None} | {code: reason for reason, code in CODES.items()}

_REASONS: Final = tuple(_BY_CODE.get(code, Reason.UNEXPECTED_ANSWER) for code in range(256))
"""The reason of each code. An unknown code, of a later release, becomes `unexpected_answer`."""


def minute_bucket(at: datetime) -> str:
    """Return the name of the attribute for the minute of `at`."""
    return _NAMES[at.minute]


def expiry_of(at: datetime) -> int:
    """Return when the hour's item expires, in seconds since 1970."""
    return int((at + KEPT).timestamp())


def pack(sample: Sample) -> bytes:
    """Return the bytes of a sample. Its minute is the attribute's name."""
    code = 0 if sample.reason is None else CODES[sample.reason]
    latency = _NO_LATENCY if sample.latency_ms is None else min(sample.latency_ms, _NO_LATENCY - 1)
    version = sample.version.to_bytes((sample.version.bit_length() + 7) // 8 or 1, "big")
    return bytes([code]) + latency.to_bytes(2, "big") + version


def samples_in(hours: Iterable[Mapping[str, Any]]) -> Samples:
    """Return the samples of hours' items as they are in a response's JSON, the oldest hour first.

    All samples are decoded together, member by member, because a week has ten thousand.
    """
    minutes: list[int] = []
    packed: list[bytes] = []
    for item in hours:
        for minute, name in enumerate(_NAMES, _first_minute(item["SK"]["S"])):
            if name in item:
                minutes.append(minute)
                packed.append(a2b_base64(item[name]["B"]))
    data = b"".join(packed)
    versions: Sequence[int] = data[3::_USUAL]
    if len(data) != _USUAL * len(packed):
        versions = [int.from_bytes(each[3:]) for each in packed]
        data = b"".join([each[:_USUAL] for each in packed])
    latency_bytes = bytearray(2 * len(packed))
    latency_bytes[::2], latency_bytes[1::2] = data[1::_USUAL], data[2::_USUAL]
    latencies: Sequence[int | None] = struct.unpack(f">{len(packed)}H", latency_bytes)
    if _NO_LATENCY in latencies:
        latencies = [None if each == _NO_LATENCY else each for each in latencies]
    return Samples(minutes, versions, [_REASONS[code] for code in data[::_USUAL]], latencies)


@lru_cache(maxsize=400)  # more than the hours of two weeks
def _first_minute(sort_key: str) -> int:
    """Return the first minute of an hour, counted from 1970."""
    return minute_of(datetime.fromisoformat(f"{sort_key[2:]}:00:00+00:00"))
