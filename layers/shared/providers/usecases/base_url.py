"""Decides which base_url a provider may have."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from providers.model.errors import Unprocessable
from providers.model.policy import Policy
from providers.model.vendor import Vendor
from providers_contract.hosts import host_matches
from providers_contract.limits import MAX_URL_CHARS
from providers_contract.secret import trimmed

_PORTS: Final = (None, 443, 8443)
_HOST: Final = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def check_base_url(vendor: Vendor, base_url: str | None, policy: Policy) -> str | None:
    """Return `base_url` as it will be stored (see `tidied`), or None for the vendor's own.

    Raises `Unprocessable`: `base_url_required` if the vendor has no host of its own; `base_url_not_allowed` if it is
    not https on port 443 or 8443, has a user name, query or fragment, or names a host that is neither the vendor's own
    nor allowed by `policy`. Call it when a base_url is set and before every use: an operator may have withdrawn a host
    since.
    """
    if base_url is None:
        if vendor.base_url_required:
            raise Unprocessable(
                "base_url_required",
                f"{vendor.name} has no shared host: set base_url to your resource's endpoint",
                param="base_url",
            )
        return None
    base_url = tidied(vendor, base_url)
    url = _split(base_url)
    host = (url.hostname or "").lower()
    if policy.local and url.scheme in ("http", "https") and _is_loopback(host):
        return base_url
    if url.scheme != "https":
        raise _refused("base_url must begin with https://")
    if url.port not in _PORTS:
        raise _refused("base_url must use port 443 or 8443")
    if not _HOST.fullmatch(host):
        raise _refused("base_url must have a public host name, not an IP address or a local name")
    if not host_matches(host, (*vendor.hosts, *policy.allowed_base_url_hosts)):
        raise _refused(
            f"base_url must name one of {vendor.name}'s own hosts ({', '.join(vendor.hosts[:3])}); "
            "the operator of this stack can allow others with the parameter AllowedBaseUrlHosts"
        )
    return base_url


def tidied(vendor: Vendor, base_url: str) -> str:
    """Return `base_url` without invisible characters and without the path of an endpoint, which people often copy."""
    return vendor.tidy_base_url(trimmed(base_url))


def _split(text: str) -> SplitResult:
    if len(text) > MAX_URL_CHARS:
        raise _refused(f"base_url is longer than {MAX_URL_CHARS} characters")
    if re.search(r"[^\x21-\x7e]|[\\\"'`<>{}|^]", text):
        raise _refused("base_url has a character that is not allowed in a URL")
    try:
        url = urlsplit(text)
        url.port  # noqa: B018 - raises if the port is not a number
    except ValueError:
        raise _refused("base_url is not a URL") from None
    if url.username is not None or url.password is not None or "@" in url.netloc:
        raise _refused("base_url must not have a user name or password")
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
