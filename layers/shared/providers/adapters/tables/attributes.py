"""Python values as DynamoDB attributes: the typed form, times, and whole seconds for the TTL.

`providers_data_plane/stored.py` has the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Item = dict[str, Any]


def marshal(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return Python values in DynamoDB's typed form; omits members that are None or an empty set."""
    return {name: _typed(value) for name, value in plain.items() if value is not None and value != set()}


def _typed(value: Any) -> dict[str, Any]:
    """Return a value as boto3's TypeSerializer does. Own code, because importing boto3 delays every cold start."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": {name: _typed(each) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [_typed(each) for each in value]}
        case set() | frozenset() if value and all(isinstance(each, str) for each in value):
            return {"SS": list(value)}
    raise TypeError(f"no attribute type for {type(value).__name__}")


def to_text(at: datetime | None) -> str | None:
    """Return a time in UTC as ISO 8601 with microseconds, which sorts like time."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")


def to_time(text: str | None) -> datetime | None:
    """Return the time in a text made by `to_text`."""
    return None if text is None else datetime.fromisoformat(text)


def epoch(at: datetime | None) -> int | None:
    """Return whole seconds since 1970, rounded up, as DynamoDB's TTL expects."""
    return None if at is None else -int(-at.timestamp() // 1)
