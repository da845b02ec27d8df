"""Values of HTTP headers."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime


def http_date(value: str | None) -> datetime | None:
    """Return the time in a date header (RFC 9110, 5.6.7), with its time zone; None if it is not a date."""
    try:
        parsed = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return parsed if parsed.tzinfo else None
