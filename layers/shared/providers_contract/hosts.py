"""Hosts of URLs, and patterns that they match."""

from __future__ import annotations

from fnmatch import fnmatchcase
from urllib.parse import urlsplit


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
