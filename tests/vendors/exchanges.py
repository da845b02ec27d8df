"""Run a vendor's exchange against scripted responses, without sockets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from local.vendors import routes
from local.vendors.cases.base import Case, render
from local.vendors.keys import fake_key
from providers import vendors
from providers.model.vendor import Credential, ProbeRequest, ProbeResponse, Vendor, VerifyContext
from providers.model.verdict import Verdict
from providers_contract.secret import Secret

NOW: Final = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
BASE_URLS: Final[Mapping[str, str]] = {
    name: base_url for name in vendors.NAMES if (base_url := routes.own_base_url(name)) is not None
}
"""The base_url of each vendor that requires one."""

Reply = Callable[[ProbeRequest], ProbeResponse]


def parse(vendor: str, text: str, base_url: str | None = None) -> Credential:
    """Return `text` as a credential of the vendor."""
    return vendors.vendor(vendor).parse(Secret(text), base_url)


def run_exchange(
    vendor: Vendor, credential: Credential, base_url: str | None, reply: Reply, *, patience_s: float = 0.0
) -> tuple[Verdict, list[ProbeRequest]]:
    """Return the verdict and the requests that led to it."""
    requests: list[ProbeRequest] = []
    exchange = vendor.verify(credential, base_url, VerifyContext(NOW, patience_s))
    try:
        request = next(exchange)
        while True:
            requests.append(request)
            request = exchange.send(reply(request))
    except StopIteration as finished:
        assert isinstance(finished.value, Verdict)
        return finished.value, requests


def verify(
    vendor: str, reply: Reply, *, key: str | None = None, base_url: str | None = None, patience_s: float = 0.0
) -> tuple[Verdict, list[ProbeRequest]]:
    """Call `run_exchange` by names, by default with the vendor's own host and a valid fake key."""
    base_url = base_url or BASE_URLS.get(vendor)
    credential = parse(vendor, key or fake_key(vendor), base_url)
    return run_exchange(vendors.vendor(vendor), credential, base_url, reply, patience_s=patience_s)


def playing(vendor: str, case: Case, key: str) -> Reply:
    """Return a responder that acts as the emulator would for `key`: by route, and by turns."""
    turns = iter(case.turns * 10)

    def reply(request: ProbeRequest) -> ProbeResponse:
        url = urlsplit(request.url)
        route = routes.route(vendor, url.path, url.query)
        assert route is not None, "no route of the vendor's"
        response = render(next(turns, case).on(route), key)
        return ProbeResponse(response.status, response.headers, response.body, latency_ms=120)

    return reply


def always(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
    """Return a responder that always gives the same response."""
    return lambda _: ProbeResponse(status, headers or {}, body, latency_ms=120)
