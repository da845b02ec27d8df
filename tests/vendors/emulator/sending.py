"""Send the vendors' own first requests to the emulator."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import Any, Final

import httpx2

from local.vendors.cases import EMULATED
from local.vendors.keys import fake_key
from local.vendors.server import Emulator
from providers import vendors
from providers.model.vendor import ProbeRequest, VerifyContext
from providers_contract.secret import Secret
from tests.vendors.exchanges import parse

NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Without TLS: loading the authorities for each request would take most of the time."""


def call(url: str, method: str = "GET", **more: Any) -> httpx2.Response:
    """Return an ordinary request, independent of the environment."""
    return httpx2.request(method, url, verify=NO_TLS, trust_env=False, **more)


def probe(vendor: str, key: str, base_url: str | None, now: datetime | None = None) -> ProbeRequest:
    """Return the first request of the vendor's exchange."""
    credential = parse(vendor, key, base_url)
    return next(vendors.vendor(vendor).verify(credential, base_url, VerifyContext(now or datetime.now(UTC))))


def headers_of(request: ProbeRequest) -> dict[str, str]:
    """Return the headers as they are sent."""
    plain = {name: value.reveal() if isinstance(value, Secret) else value for name, value in request.headers.items()}
    return {"accept-encoding": "identity"} | plain


def send(
    emulator: Emulator,
    vendor: str,
    slug: str = "valid",
    *,
    key: str | None = None,
    base: str | None = None,
    now: datetime | None = None,
) -> httpx2.Response:
    """Return the emulator's response to the first request, at its own address, below the path `base`."""
    request = probe(vendor, key or fake_key(vendor, slug), emulator.url + (base or base_path(vendor)), now)
    return call(request.url, headers=headers_of(request))


def base_path(vendor: str) -> str:
    """Return the emulator's path for `vendor`."""
    return f"/{vendor}{EMULATED[vendor].base_path}"
