"""Find the vendor, the route and the key of a request.

Paths and headers are those of the requests that the vendors' own modules send.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from urllib.parse import urlsplit

from local.vendors.cases import EMULATED
from local.vendors.cases.emulated import bearer_in
from local.vendors.dialects import Dialect
from local.vendors.keys import fake_key
from providers import vendors
from providers.model.vendor import ProbeRequest, VerifyContext
from providers_contract.hosts import host_matches
from providers_contract.secret import Secret


@lru_cache(maxsize=1024)
def vendor_at(host: str) -> str | None:
    """Return the vendor whose own host this is (a Host header, maybe with a port), or None."""
    name = host.rpartition(":")[0] or host
    return next((each for each in vendors.NAMES if host_matches(name, vendors.vendor(each).hosts)), None)


def split(host: str, path: str) -> tuple[str | None, str]:
    """Return the vendor, by the Host header or else the first segment of the path, and the path on its own host."""
    vendor = vendor_at(host)
    if vendor is not None:
        return vendor, path
    first, slash, rest = path.removeprefix("/").partition("/")
    return (first, slash + rest) if first in EMULATED else (None, path)


def route(vendor: str, path: str, query: str) -> str | None:
    """Return the route of `path`, or None. A case may respond differently there than on the usual route, ""."""
    for known, name in _routes(vendor).items():
        known_path, _, needed = known.partition("?")
        if path == known_path and needed in query:
            return name
    return None


def dialect(vendor: str, path: str) -> Dialect | None:
    """Return the format of the generation call at `path`, or None."""
    return next((found for form, found in EMULATED[vendor].generates.items() if re.fullmatch(form, path)), None)


def key_in(vendor: str, headers: Mapping[str, str]) -> str | None:
    """Return the key that a request carries, None without one; of a signed request, the access key id."""
    special = EMULATED[vendor].key_in
    found = (_value(headers, name) for name in _key_headers(vendor)) if special is None else [special(headers)]
    return next((value.strip() for value in found if value.strip()), None)


def own_base_url(vendor: str) -> str | None:
    """Return a base_url at the vendor's own host if it requires one, else None."""
    of = vendors.vendor(vendor)
    return f"https://{of.hosts[0].replace('*', 'fake-resource')}" if of.base_url_required else None


def _value(headers: Mapping[str, str], name: str) -> str:
    return bearer_in(headers) if name == "authorization" else headers.get(name, "")


@cache
def _routes(vendor: str) -> Mapping[str, str]:
    return {urlsplit(request.url).path: "" for request in _requests(vendor)} | dict(EMULATED[vendor].routes)


@cache
def _key_headers(vendor: str) -> tuple[str, ...]:
    sent = [header for request in _requests(vendor) for header in request.headers.items()]
    used = [name for name, value in sent if isinstance(value, Secret)]
    return tuple(dict.fromkeys([*used, *EMULATED[vendor].key_headers]))


@cache
def _requests(vendor: str) -> tuple[ProbeRequest, ...]:
    """Return the first request that the vendor's module sends, at its own host, for each form of its keys."""
    of, base_url = vendors.vendor(vendor), own_base_url(vendor)
    forms = {case.form: case.slug for case in reversed(EMULATED[vendor].cases)}
    credentials = [of.parse(Secret(fake_key(vendor, forms[form])), base_url) for form in sorted(forms)]
    return tuple(next(of.verify(each, base_url, VerifyContext(datetime.now(UTC)))) for each in credentials)
