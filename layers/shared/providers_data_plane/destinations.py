"""Decides to which base_urls a credential may be sent. The API checks them when they are set, readers at each read."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from providers_contract.hosts import host_matches
from providers_contract.limits import MAX_URL_CHARS

_PORTS: Final = (None, 443, 8443)
_HOST: Final = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def problem_with(
    base_url: str, vendor: str, hosts: tuple[str, ...], allowed: tuple[str, ...], *, local: bool
) -> str | None:
    """Return why a credential of `vendor` may not be sent to `base_url`, as a sentence; None if it may.

    It must be https on port 443 or 8443, without user name, query or fragment, at one of the vendor's `hosts` or the
    operator's `allowed` ones. A `local` stack also allows http and loopback addresses.
    """
    url = _split(base_url)
    if isinstance(url, str):
        return url
    host = (url.hostname or "").lower()
    if local and url.scheme in ("http", "https") and _is_loopback(host):
        return None
    if url.scheme != "https":
        return "base_url must begin with https://"
    if url.port not in _PORTS:
        return "base_url must use port 443 or 8443"
    if not _HOST.fullmatch(host):
        return "base_url must have a public host name, not an IP address or a local name"
    if not host_matches(host, (*hosts, *allowed)):
        return (
            f"base_url must name one of {vendor}'s own hosts ({', '.join(hosts[:3])}); "
            "the operator of this stack can allow others with the parameter AllowedBaseUrlHosts"
        )
    return None


def _split(text: str) -> SplitResult | str:
    """Return the parts of a URL, or the sentence that says what is wrong with it."""
    if len(text) > MAX_URL_CHARS:
        return f"base_url is longer than {MAX_URL_CHARS} characters"
    if re.search(r"[^\x21-\x7e]|[\\\"'`<>{}|^]", text):
        return "base_url has a character that is not allowed in a URL"
    try:
        url = urlsplit(text)
        url.port  # noqa: B018 - raises if the port is not a number
    except ValueError:
        return "base_url is not a URL"
    if url.username is not None or url.password is not None or "@" in url.netloc:
        return "base_url must not have a user name or password"
    if url.query or url.fragment or "?" in text or "#" in text:
        return "base_url must not have a query or a fragment"
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
