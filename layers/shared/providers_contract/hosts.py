"""Hosts of URLs, and patterns that they match."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

_HOST_PATTERN: Final = re.compile(r"(\*\.)*[a-z0-9-]+(\.[a-z0-9-]+)+")
"""`*` matches one label. At least two labels are literal, so that no mistake allows a whole top-level domain."""


def host_of(url: str) -> str:
    """Return the host of `url` in lower case, without its port; empty if it has none or is not a URL."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def host_matches(host: str, patterns: tuple[str, ...]) -> bool:
    """Return whether `host` matches one of `patterns`, in which `*` matches one label or a part of one.

    It never matches more: `bedrock.us-*.amazonaws.com` does not match `bedrock.us-1.s3.amazonaws.com`, which is a
    bucket that anyone can create.
    """
    host = host.lower().rstrip(".")
    return any(host.count(".") == pattern.count(".") and fnmatchcase(host, pattern) for pattern in patterns)


def host_patterns(text: str) -> tuple[str, ...]:
    """Return comma-separated patterns. Raises ValueError unless each is a host name, with `*` for some labels."""
    patterns = tuple(each.strip().lower() for each in text.split(",") if each.strip())
    for pattern in patterns:
        if not _HOST_PATTERN.fullmatch(pattern):
            raise ValueError("ALLOWED_BASE_URL_HOSTS contains an invalid host; a valid one is proxy.example.com")
    return patterns
