"""SSRF: a credential is sent only to public addresses. Hostile base_urls go through the whole API; nothing is dialed.

Seen to fail: with `is_public` always true the names of the tables were dialled; with `check_base_url` giving back what
it got, every other row was resolved.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2
import pytest

from providers import bootstrap
from providers.adapters.addresses import is_public
from providers.adapters.http import CheckedBackend, HttpTransport
from providers.adapters.verifier import run_exchange
from providers.model.policy import Policy
from providers.model.vendor import Credential, Vendor
from providers.model.verdict import Verdict
from tests.kit.fakes import PROXIES, FakePorts
from tests.kit.figures import Figure
from tests.kit.lambdas import Response, call
from tests.kit.requests import key

UNRESOLVED = [
    # addresses in every spelling that some parser takes for one
    "https://127.0.0.1/v1",
    "https://127.1/v1",
    "https://2130706433/v1",
    "https://0x7f000001/v1",
    "https://0x7f.0x0.0x0.0x1/v1",
    "https://017700000001/v1",
    "https://0177.0.0.1/v1",
    "https://127.0.0.1./v1",
    "https://0/v1",
    "https://0.0.0.0/v1",
    "https://10.0.0.1:443/v1",
    "https://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "https://169.254.169.254./latest/meta-data",
    "https://2852039166/latest/meta-data",
    "https://0xa9fea9fe/latest/meta-data",
    "https://0251.0376.0251.0376/latest/meta-data",
    "https://100.100.100.200/latest/meta-data",
    "https://192.0.0.192/opc/v2/instance/",
    "https://8.8.8.8/v1",
    "https://[::1]/v1",
    "https://[::]/v1",
    "https://[0:0:0:0:0:0:0:1]:8443/v1",
    "https://[::ffff:127.0.0.1]/v1",
    "https://[::ffff:a9fe:a9fe]/v1",
    "https://[::127.0.0.1]/v1",
    "https://[64:ff9b::7f00:1]/v1",
    "https://[2002:7f00:1::]/v1",
    "https://[fd00:ec2::254]/v1",
    "https://[fe80::1%25eth0]/v1",
    "https://[fe80::1%eth0]/v1",
    "https://[2606:4700::1111]/v1",
    "https://[::1",
    # names that a resolver could take for an address or for this machine
    "https://localhost/v1",
    "https://localhost./v1",
    "https://LOCALHOST:8443/v1",
    "https://metadata/computeMetadata/v1/",
    "https://instance-data/latest",
    "https://kubernetes/api",
    # letters that become others
    "https://１２７.０.０.１/v1",
    "https://①②⑦.⓪.⓪.①/v1",
    "https://127。0。0。1/v1",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/v1",
    "https://loc\u00adalhost/v1",
    "https://api.openai.com\u2024evil.example/v1",
    "https://аpi.openai.com/v1",
    "https://127%2e0%2e0%2e1/v1",
    "https://%31%32%37.0.0.1/v1",
    "https://api.openai.com%00.evil.example/v1",
    # who is the host?
    "https://api.openai.com@127.0.0.1/v1",
    "https://api.openai.com:443@127.0.0.1/v1",
    "https://user:password@api.openai.com/v1",
    "https://api.openai.com\\@127.0.0.1/v1",
    "https:\\\\127.0.0.1\\v1",
    "https://127.0.0.1\\.api.openai.com/v1",
    "https://api.openai.com#@127.0.0.1/v1",
    "https://api.openai.com?@127.0.0.1/v1",
    "https:///127.0.0.1/v1",
    "https:127.0.0.1/v1",
    "//127.0.0.1/v1",
    "https://127.0.0.1;api.openai.com/v1",
    "https://api.openai.com,127.0.0.1/v1",
    # what a parser throws away
    "https://127.0.\t0.1/v1",
    "https://api.openai.com\r\nHost: 127.0.0.1/v1",
    "https://api.openai.com/v1\nX-Header: 1",
    "https://api.openai.com /v1",
    "https://\u0000127.0.0.1/v1",
    "ht\ntps://127.0.0.1/v1",
    # other schemes and ports
    "http://api.openai.com/v1",
    "ftp://api.openai.com/v1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stats",
    "unix:///var/run/docker.sock",
    "wss://api.openai.com/v1",
    "javascript:alert(1)",
    "data:text/plain,x",
    "https://api.openai.com:22/v1",
    "https://api.openai.com:6379/v1",
    "https://api.openai.com:80/v1",
    "https://api.openai.com:0/v1",
    "https://api.openai.com:65536/v1",
    "https://api.openai.com:-1/v1",
    "https://api.openai.com:443:22/v1",
    # names that are none
    "https://api..openai.com/v1",
    "https://.openai.com/v1",
    "https://api.openai.com../v1",
    "https://-api.openai.com/v1",
    "https://" + "a" * 64 + ".example.com/v1",
    "https://" + "a." * 130 + "example.com/v1",
    "https://example.com/" + "a" * 2048,
    "https://example.123/v1",
    "https://--1.sslip.io/v1",
    "https://",
    "https://*.example.com/v1",
]
"""URLs refused before any DNS lookup."""

RESOLVED = {
    "https://metadata.google.internal/computeMetadata/v1/": ["169.254.169.254"],
    "https://metadata.azure.internal/metadata/identity": ["169.254.169.254"],
    "https://ip-10-0-0-1.ec2.internal/v1": ["10.0.0.1"],
    "https://vault.service.internal:8443/v1": ["10.20.30.40"],
    "https://kubernetes.default.svc.cluster.local/api": ["10.96.0.1"],
    "https://host.docker.internal/v1": ["192.168.65.254"],
    "https://localhost.localdomain/v1": ["127.0.0.1"],
    "https://ip6-localhost.example.com/v1": ["::1"],
    "https://localtest.me/v1": ["127.0.0.1", "::1"],
    "https://lvh.me:8443/v1": ["127.0.0.1"],
    "https://127.0.0.1.nip.io/v1": ["127.0.0.1"],
    "https://a9fea9fe.nip.io/latest": ["169.254.169.254"],
    "https://0--1.sslip.io/v1": ["::1"],
    "https://7f000001.c0a80001.rbndr.us/v1": ["192.168.0.1"],
    "https://make-1.2.3.4-rebind-127.0.0.1-rr.1u.ms/v1": ["1.2.3.4", "127.0.0.1"],
    "https://mixed.example.com/v1": ["1.1.1.1", "8.8.8.8", "10.0.0.1"],
    "https://mixed6.example.com/v1": ["2606:4700::1111", "fd00::1"],
    "https://mapped.example.com/v1": ["::ffff:169.254.169.254"],
    "https://compatible.example.com/v1": ["::127.0.0.1"],
    "https://nat64.example.com/v1": ["64:ff9b::a9fe:a9fe"],
    "https://local-nat64.example.com/v1": ["64:ff9b:1::a00:1"],
    "https://sixtofour.example.com/v1": ["2002:a9fe:a9fe::1"],
    "https://teredo.example.com/v1": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "https://link-local.example.com/v1": ["fe80::1%eth0"],
    "https://ecs.example.com/v2/credentials": ["169.254.170.2"],
    "https://imds6.example.com/latest": ["fd00:ec2::254"],
    "https://alibaba.example.com/latest": ["100.100.100.200"],
    "https://carrier.example.com/v1": ["100.64.0.1"],
    "https://nowhere.example.com/v1": ["0.0.0.0"],
    "https://everybody.example.com/v1": ["255.255.255.255"],
    "https://group.example.com/v1": ["224.0.0.1"],
    "https://api.openai.com.evil.example/v1": ["127.0.0.1"],
    "https://xn--pi-7kc.openai.com/v1": ["127.0.0.1"],
}
"""Names like any other, which lead to addresses that are not public."""

LOOKALIKES = [
    "https://x.openai.azure.com.evil.example",
    "https://openai.azure.com.evil.example",
    "https://evilopenai.azure.com",
    "https://x.y.openai.azure.com",
    "https://openai.azure.com",
    "https://x-openai.azure.com",
    "https://x.openai.azure.com-evil.example",
    "https://x.openai.azure.com.",
    "https://x.openai.azure.co",
    "https://x.openai.azure.com@evil.example",
    "https://evil.example/x.openai.azure.com",
    "https://x.openai.azure.cоm",
    "https://x.cognitiveservices.azure.com.evil.example",
]
"""Hosts that are not Azure's."""


TLS = httpx2.create_ssl_context(trust_env=False)
"""Created once, because that is slow."""


class Network(httpcore2.AsyncNetworkBackend):
    """All that there is of a network: names by table, and dialling that is written down.

    A connection returns `response`, or is refused if that is None.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.resolved: list[str] = []
        self.dialled: list[str] = []
        self.response: bytes | None = None

    def getaddrinfo(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        self.resolved.append(host)
        responses = self.names.get(host)
        if not responses:
            raise socket.gaierror("no such host")
        found = responses.pop(0) if len(responses) > 1 else responses[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        self.dialled.append(f"{host}:{port}")
        if self.response is None:
            raise httpcore2.ConnectError("refused")
        return httpcore2.AsyncMockStream([self.response])


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Return a network without a way out, in an environment with proxies; any other connection fails the test."""
    network = Network()

    def dial(*_: Any, **__: Any) -> None:
        raise AssertionError("something dialled by itself")

    monkeypatch.setattr(socket, "getaddrinfo", network.getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", dial)
    monkeypatch.setattr(socket.socket, "connect_ex", dial)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://203.0.113.1:3128")
    yield network
    bootstrap.install(None)


def door(network: Network, *allowed: str) -> FakePorts:
    """Stores in memory, and the real way to vendors over `network`; `allowed` are hosts that the operator allows."""
    ports = FakePorts(Policy(allowed_base_url_hosts=allowed, verifications_per_org=10_000, verifications=10_000))

    def ask(vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        async def asking() -> Verdict:
            transport = HttpTransport(CheckedBackend(network), context=TLS)
            try:
                return await run_exchange(transport, vendor, credential, base_url, ports.clock.now(), deadline_s=5)
            finally:
                await transport.aclose()

        return asyncio.run(asking())

    ports.verify = ask  # type: ignore[assignment]
    bootstrap.install(ports)
    return ports


def knock(ports: FakePorts, base_url: str, vendor: str = "openai") -> list[Response]:
    """Ask for a provider with `base_url`, and for one without to be given it, with its key and without."""
    body = {"vendor": vendor, "api_key": key().reveal()}
    own = {"base_url": "https://fake.openai.azure.com"} if vendor == "azure" else {}
    real, ports.verify = ports.verify, lambda *_: Verdict()  # type: ignore[assignment]
    path = {"provider_id": call("add_provider", body=body | own | {"name": "There"}).data["id"]}
    ports.verify = real
    return [
        call("add_provider", body=body | {"name": "New", "base_url": base_url}),
        call("update_provider", path=path, body={"api_key": key("two").reveal(), "base_url": base_url}),
        call("update_provider", path=path, body={"base_url": base_url}),
    ]


def _host(base_url: str) -> str:
    """Return the host as Python parses it, for an operator who allows it; empty if there is none."""
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""


def test_a_hostile_url_is_refused_before_anything_is_resolved(network: Network, figure: Figure) -> None:
    """A hostile URL is refused under every policy, and the response does not repeat it."""
    assert len(UNRESOLVED) == len(set(UNRESOLVED))
    for base_url in UNRESOLVED:
        for allowed in ((), (_host(base_url), *PROXIES)):
            for response in knock(door(network, *allowed), base_url):
                assert (response.status, response.error["code"]) == (422, "base_url_not_allowed"), base_url
    assert (network.resolved, network.dialled) == ([], [])
    figure("SSRF", "hostile URLs", len(UNRESOLVED))


def test_a_name_that_leads_inside_is_not_dialled(network: Network, figure: Figure) -> None:
    """An allowed name that resolves to a private address is resolved once per request with a key, and refused."""
    for base_url, addresses in RESOLVED.items():
        host = base_url.split("/")[2].partition(":")[0]
        network.names[host] = [addresses]
        for response in knock(door(network), base_url):
            assert (response.status, response.error["code"]) == (422, "base_url_not_allowed"), base_url
        assert network.resolved == []
        added, changed, moved = knock(door(network, host), base_url)
        for response in (added, changed):
            outcome = (response.status, response.error["code"], response.error.get("reason"))
            assert outcome == (502, "verification_unavailable", "address_refused"), base_url
        assert (moved.status, moved.error["code"]) == (422, "base_url_not_allowed")
        assert network.resolved == [host] * 2
        network.resolved.clear()
    assert network.dialled == []
    figure("SSRF", "hostile URLs", len(RESOLVED))


def test_a_lookalike_of_a_vendors_host_is_refused(network: Network, figure: Figure) -> None:
    """Azure keys go only to Azure's hosts or, if the operator lifts that, only to public addresses."""
    for base_url in LOOKALIKES:
        for response in knock(door(network), base_url, "azure"):
            assert (response.status, response.error["code"]) == (422, "base_url_not_allowed"), base_url
    assert network.resolved == []
    network.names["x.openai.azure.com.evil.example"] = [["127.0.0.1"]]
    added, changed, _ = knock(door(network, "*.openai.azure.com.evil.example"), LOOKALIKES[0], "azure")
    assert {added.error["reason"], changed.error["reason"]} == {"address_refused"}
    assert network.dialled == []
    figure("SSRF", "hostile URLs", len(LOOKALIKES))


def test_a_name_that_rebinds_is_dialled_where_it_was_checked(network: Network) -> None:
    """A name is resolved once and dialed at that address; the next request resolves it again and refuses it."""
    network.names["rebind.example.com"] = [["1.1.1.1"], ["127.0.0.1"]]
    added, changed, _ = knock(door(network, *PROXIES), "https://rebind.example.com/v1")
    assert (added.error["reason"], changed.error["reason"]) == ("connection_failed", "address_refused")
    assert (network.resolved, network.dialled) == (["rebind.example.com"] * 2, ["1.1.1.1:443"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(network: Network, status: int) -> None:
    """A redirect to a private host has its own reason, and no other host is resolved or dialed."""
    network.names["public.example.com"] = [["1.1.1.1"]]
    network.response = (
        f"HTTP/1.1 {status} Moved\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n".encode()
    )
    added, changed, _ = knock(door(network, *PROXIES), "https://public.example.com/v1")
    assert (added.error["reason"], changed.error["reason"]) == ("redirected", "redirected")
    assert (network.resolved, network.dialled) == (["public.example.com"] * 2, ["1.1.1.1:443"] * 2)


def test_a_good_host_is_dialled_by_its_address_without_a_proxy(network: Network) -> None:
    """A good host passes the same checks, past every proxy; otherwise the other tests would prove nothing."""
    network.names["api.openai.com"] = [["104.18.7.192"]]
    network.response = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"data": []}'
    added, changed, _ = knock(door(network), "https://api.openai.com/v1")
    assert (added.status, changed.status) == (201, 200)
    assert set(network.dialled) == {"104.18.7.192:443"}


SPECIAL = [
    # IANA, IPv4 special-purpose address registry, and multicast
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/32", "192.0.0.171/32",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.88.99.2/32", "192.168.0.0/16",
    "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "255.255.255.255/32",
    # IANA, IPv6 special-purpose address registry, multicast, and what is no longer given out
    "::1/128", "::/128", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
    "100:0:0:1::/64", "2001::/23", "2001::/32", "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48",
    "2001:3::/32", "2001:4:112::/48", "2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16",
    "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
]  # fmt: skip


@pytest.mark.parametrize("network", SPECIAL)
def test_a_special_purpose_range_is_not_public(network: str) -> None:
    """No address of a special-purpose range is public, from the first to the last."""
    found = ipaddress.ip_network(network)
    step = max(1, found.num_addresses // 64)
    inside = [found[0], found[-1], *(found[at] for at in range(0, found.num_addresses, step))]
    assert not [str(address) for address in inside if is_public(str(address))]


BESIDE = [
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255",
    "203.0.114.0", "223.255.255.255", "2001:200::", "2001:db7:ffff::1", "2001:db9::", "2003::", "2606:4700::1111",
    "2a00:1450:4001::1", "2620:4f:8001::",
]  # fmt: skip


@pytest.mark.parametrize("address", BESIDE)
def test_an_address_next_to_such_a_range_is_public(address: str) -> None:
    """The addresses next to such a range are public: vendors may use them."""
    assert is_public(address)
