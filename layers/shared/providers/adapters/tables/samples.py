"""A sample in five bytes, under a one-character name: an hour's sixty samples fit into one write unit (1 KB).

| bytes | contents |
| --- | --- |
| 1 | the outcome: 0 for valid, else the reason's code |
| 2 | latency in milliseconds, big-endian; 65535 if there is none |
| 1 or more | the key version, big-endian |
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from providers.model.health import Recent, Sample
from providers_contract.vocabulary import Reason

KEPT: Final = timedelta(days=8)

_NAMES: Final = (string.digits + string.ascii_uppercase + string.ascii_lowercase)[:60]

_MINUTES: Final = [timedelta(minutes=minute) for minute in range(60)]

_NO_LATENCY: Final = 0xFFFF

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

_REASONS: Final[dict[int, Reason | None]] = {0: None} | {code: reason for reason, code in CODES.items()}


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


def unpack(at: datetime, packed: bytes) -> Sample:
    """Return the sample of the minute `at`. An unknown code, of a later release, becomes `unexpected_answer`."""
    latency = packed[1] << 8 | packed[2]
    version = packed[3] if len(packed) == 4 else int.from_bytes(packed[3:], "big")
    return Sample(
        at, version, _REASONS.get(packed[0], Reason.UNEXPECTED_ANSWER), None if latency == _NO_LATENCY else latency
    )


def samples_in(item: Mapping[str, Any]) -> list[Sample]:
    """Return the samples of an hour's item in DynamoDB's typed form, oldest first."""
    hour = _hour(item)
    return [unpack(hour + _MINUTES[minute], item[name]["B"]) for minute, name in enumerate(_NAMES) if name in item]


def recent_in(hours: Sequence[Mapping[str, Any]]) -> Recent:
    """Return the samples of hours' items in DynamoDB's typed form, the oldest hour first."""
    newest = None
    if hours:
        minute = max(minute for minute, name in enumerate(_NAMES) if name in hours[-1])
        newest = _hour(hours[-1]) + _MINUTES[minute]
    not_valid = sum(map(_not_valid_in, hours))
    return Recent(lambda: [sample for hour in hours for sample in samples_in(hour)], newest, not_valid)


def _not_valid_in(item: Mapping[str, Any]) -> int:
    """Return the number of an hour's samples that are not valid. Only minute buckets are binary."""
    return sum(value["B"][0] != 0 for value in item.values() if "B" in value)


def _hour(item: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(f"{item['SK']['S'][2:]}:00:00+00:00")
