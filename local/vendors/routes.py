"""Which vendor a request is for, which of its routes, and with which key."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from local.vendors.sigv4 import access_key_id
from providers import vendors
from providers_contract.hosts import host_matches

_ROUTES: Final[Mapping[str, Mapping[str, str]]] = {
    "anthropic": {"/v1/models": ""},
    "azure": {"/openai/v1/models": "", "/openai/models": "dated"},
    "bedrock": {"/foundation-models": ""},
    "fireworks": {"/v1/accounts": "", "/inference/v1/models": "models"},
    "google": {"/v1/models": "", "/v1beta/models": ""},
    "groq": {"/openai/v1/models": ""},
    "openai": {"/v1/models": ""},
}
"""Path on the vendor's own host → route. A case may have another answer on a named route than on the unnamed one."""

BASE_PATHS: Final[Mapping[str, str]] = {"fireworks": "/inference/v1", "openai": "/v1"}
"""What a base_url ends in, beside the vendor's name, where the vendor's SDK expects it."""


@lru_cache(maxsize=1024)
def vendor_at(host: str) -> str | None:
    """The vendor whose own host this is (a Host header, maybe with a port), or None."""
    name = host.rpartition(":")[0] or host
    return next((each for each in vendors.NAMES if host_matches(name, vendors.vendor(each).hosts)), None)


def split(host: str, path: str) -> tuple[str | None, str]:
    """Vendor and path on its own host: by the Host header, else by the first segment of the path."""
    vendor = vendor_at(host)
    if vendor is not None:
        return vendor, path
    first, slash, rest = path.removeprefix("/").partition("/")
    return (first, slash + rest) if first in _ROUTES else (None, path)


def route(vendor: str, path: str, query: str) -> str | None:
    """The route that `path` leads to, or None. Azure's dated path is one only with an api-version."""
    found = _ROUTES[vendor].get(path)
    return None if found == "dated" and "api-version=" not in query else found


def key_in(vendor: str, headers: Mapping[str, str]) -> str | None:
    """The key that a request carries, None without one; of a signed request, the access key id."""
    authorization = headers.get("authorization", "")
    bearer = authorization[7:] if authorization[:7].lower() == "bearer " else ""
    match vendor:
        case "google":
            found = headers.get("x-goog-api-key", "")
        case "anthropic":
            found = headers.get("x-api-key", "") or bearer
        case "azure":
            found = headers.get("api-key", "") or bearer
        case "bedrock":
            found = bearer or access_key_id(authorization) or authorization
        case _:
            found = bearer
    return found.strip() or None
