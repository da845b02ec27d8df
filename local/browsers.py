"""Keeps web pages out of the servers on a developer's machine.

A browser lets any page send requests to this machine. With a host name that its owner resolves to this machine (DNS
rebinding), the page can also read the responses. So a request must name a local host or an address, must not come from
another origin, and, if it changes something, must have a content type that makes the browser send a preflight request.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from yarl import URL

_NAMES: Final = ("localhost", "host.docker.internal")
"""Names of this machine; containers use the second."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason for refusing a request."""

    status: int
    code: str
    message: str

    def body(self) -> dict[str, Any]:
        """Return the refusal in the format of the API's errors."""
        return {"error": {"type": "local_error", "code": self.code, "message": self.message}}


def refusal(headers: Mapping[str, str], bound: str, *, changes: bool = False) -> Refusal | None:
    """Return the reason to refuse a request with these headers, or None to allow it.

    Args:
        headers: Host, Origin, Sec-Fetch-Site and Content-Type are looked up with this capitalization.
        bound: the host name or address that the server listens on.
        changes: True for a request that changes something: it must be JSON.
    """
    host, origin = headers.get("Host", ""), headers.get("Origin")
    if not _is_ours(host, bound):
        return Refusal(403, "host_not_allowed", "Use 127.0.0.1, localhost or the address that this server listens on")
    foreign = origin is not None and origin.lower() != f"http://{host.lower()}"
    if foreign or headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return Refusal(403, "origin_not_allowed", "Other browser origins are not allowed")
    if changes and headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        return Refusal(415, "unsupported_media_type", "Send Content-Type: application/json")
    return None


def _is_ours(host: str, bound: str) -> bool:
    """Return whether a Host header names this machine. A server on all addresses accepts any: DNS cannot rebind one."""
    if any(each in host for each in "@/?#\\"):  # a URL parser finds another host in these
        return False
    try:
        name = (URL(f"http://{host}").host or "").lower()
    except ValueError:
        return False
    if name in _NAMES or name == bound.lower():
        return True
    try:
        address = ipaddress.ip_address(name)
        return address.is_loopback or ipaddress.ip_address(bound).is_unspecified
    except ValueError:
        return False
