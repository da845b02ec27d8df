"""Keeps web pages out of what a developer's machine serves.

A browser lets any page send requests to this machine, and, through a host name that the page's owner points here (DNS
rebinding), read the answers too. So a request must name a host that nobody else can point here, must not come from a
page of another origin, and must have a content type that such a page cannot send without being asked about it first.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from yarl import URL

_NAMES: Final = ("localhost", "host.docker.internal")
"""The second is this machine as containers call it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered."""

    status: int
    code: str
    message: str

    def body(self) -> dict[str, Any]:
        """In the shape of the API's errors."""
        return {"error": {"type": "local_error", "code": self.code, "message": self.message}}


def refusal(headers: Mapping[str, str], bound: str, *, changes: bool = False) -> Refusal | None:
    """Why a request with these headers is refused, or None.

    Args:
        headers: Host, Origin, Sec-Fetch-Site and Content-Type are looked up in this spelling.
        bound: the name or address that the server listens on.
        changes: whether it must be JSON, because it changes something.
    """
    host, origin = headers.get("Host", ""), headers.get("Origin")
    if not _is_ours(host, bound):
        return Refusal(403, "host_not_allowed", "use 127.0.0.1, localhost or the address that this server listens on")
    foreign = origin is not None and origin.lower() != f"http://{host.lower()}"
    if foreign or headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return Refusal(403, "origin_not_allowed", "web pages of other origins may not use this")
    if changes and headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        return Refusal(415, "unsupported_media_type", "send Content-Type: application/json")
    return None


def _is_ours(host: str, bound: str) -> bool:
    """Whether a Host header names this machine. Addresses cannot be rebound: a server on all of them takes any."""
    if any(each in host for each in "@/?#\\"):  # a URL's parser reads another host out of these
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
