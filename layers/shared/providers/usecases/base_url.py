"""Which base_url a provider may have."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from providers.model.errors import Unprocessable
from providers.model.policy import Policy
from providers.model.vendor import Vendor, host_matches

MAX_CHARS: Final = 2048
_PORTS: Final = (None, 443, 8443)
_HOST: Final = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def check_base_url(vendor: Vendor, base_url: str | None, policy: Policy) -> str | None:
    """`base_url` as it will be stored, or None for the vendor's own.

    Raises `Unprocessable`: `base_url_required` where the vendor has no host of its own, `base_url_not_allowed` for
    one that is not https on port 443 or 8443, carries a user name, query or fragment, names an address that is not
    public, or a host that is not the vendor's where the vendor has such a rule and `policy` does not lift it.
    """
    if base_url is None:
        if vendor.base_url_required:
            raise Unprocessable(
                "base_url_required",
                f"{vendor.name} has no common host: set base_url to your resource's endpoint",
                param="base_url",
            )
        return None
    url = _split(base_url.strip())
    host = (url.hostname or "").lower()
    if policy.local and url.scheme in ("http", "https") and _is_loopback(host):
        return base_url.strip()
    if url.scheme != "https":
        raise _refused("base_url must begin with https://")
    if url.port not in _PORTS:
        raise _refused("base_url may name port 443 or 8443 only")
    if not _HOST.fullmatch(host):
        raise _refused("base_url must name a public host, not an address or a local name")
    rule = vendor.base_url_hosts
    if rule is not None and not policy.any_base_url and not host_matches(host, rule):
        raise _refused(f"base_url of {vendor.name} must be a host of the form {' or '.join(rule)}")
    return base_url.strip()


def _split(text: str) -> SplitResult:
    if len(text) > MAX_CHARS:
        raise _refused(f"base_url is longer than {MAX_CHARS} characters")
    if re.search(r"[^\x21-\x7e]|[\\\"'`<>{}|^]", text):
        raise _refused("base_url holds a character that a URL cannot have")
    try:
        url = urlsplit(text)
        url.port  # noqa: B018 - raises for a port that is no number
    except ValueError:
        raise _refused("base_url is not a URL") from None
    if url.username is not None or url.password is not None or "@" in url.netloc:
        raise _refused("base_url must not carry a user name or password")
    if url.query or url.fragment or "?" in text or "#" in text:
        raise _refused("base_url must not have a query or a fragment")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refused(message: str) -> Unprocessable:
    return Unprocessable("base_url_not_allowed", message, param="base_url")
