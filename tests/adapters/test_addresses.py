"""The addresses to which connections can be opened."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpcore2
import pytest

from providers.adapters.addresses import is_public
from providers.adapters.http import CheckedBackend, HttpTransport
from providers.model.vendor import ProbeRequest
from providers.ports import TransportFailure
from providers_contract.secret import Secret
from providers_contract.vocabulary import Reason

PUBLIC = ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:8.8.8.8",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "localhost",
    "127.1",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    """Addresses that a vendor can have are public."""
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_public(address: str) -> None:
    """Loopback, private, link-local, reserved and malformed addresses are not public."""
    assert not is_public(address)


class Dialler(httpcore2.AsyncNetworkBackend):
    """Records addresses and refuses every connection."""

    def __init__(self) -> None:
        self.dialled: list[str] = []

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        self.dialled.append(f"{host}:{port}")
        raise httpcore2.ConnectError("refused")


def resolving(monkeypatch: pytest.MonkeyPatch, *responses: list[str]) -> list[str]:
    """Make names resolve to each of `responses` in turn; return the list of resolved names."""
    resolved: list[str] = []
    queue = list(responses)

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        resolved.append(host)
        found = queue.pop(0) if len(queue) > 1 else queue[0]
        if not found:
            raise socket.gaierror("no such host")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return resolved


def reason_of(url: str, dialler: Dialler, *, loopback: bool = False, emulator: tuple[str, int] | None = None) -> Reason:
    """Return why a request to `url` failed."""

    async def send() -> Reason:
        transport = HttpTransport(CheckedBackend(dialler, loopback=loopback, emulator=emulator))
        try:
            await transport.send(ProbeRequest(url, {"authorization": Secret("Bearer fake-canary")}))
        except TransportFailure as failure:
            assert failure.__cause__ is None
            return failure.reason
        finally:
            await transport.aclose()
        raise AssertionError("no address should have responded")

    return asyncio.run(send())


def test_a_public_name_is_dialled_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is resolved once, and the connection is made to a checked address, IPv4 first."""
    resolved = resolving(monkeypatch, ["2606:4700::1111", "1.1.1.1"])
    dialler = Dialler()
    assert reason_of("https://api.example.com/v1/models", dialler) is Reason.CONNECTION_FAILED
    assert (resolved, dialler.dialled) == (["api.example.com"], ["1.1.1.1:443", "2606:4700::1111:443"])


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["169.254.169.254"], ["::1", "8.8.8.8"]])
def test_a_name_with_any_private_address_is_not_dialled(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> None:
    """One private address among public ones is enough to refuse a name."""
    resolving(monkeypatch, addresses)
    dialler = Dialler()
    assert reason_of("https://rebind.example.com/", dialler) is Reason.ADDRESS_REFUSED
    assert dialler.dialled == []


def test_a_name_is_resolved_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is resolved once, so DNS rebinding to loopback has no effect."""
    resolved = resolving(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    dialler = Dialler()
    reason_of("https://rebind.example.com/", dialler)
    assert (resolved, dialler.dialled) == (["rebind.example.com"], ["1.1.1.1:443"])


def test_an_unknown_name_has_its_own_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name and a refused address are different errors."""
    resolving(monkeypatch, [])
    assert reason_of("https://nowhere.example.com/", Dialler()) is Reason.DNS_FAILED


def test_loopback_is_dialled_on_one_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """`loopback=True` adds loopback and nothing else."""
    resolving(monkeypatch, ["127.0.0.1"])
    dialler = Dialler()
    assert reason_of("http://localhost:1/", dialler, loopback=True) is Reason.CONNECTION_FAILED
    assert dialler.dialled == ["127.0.0.1:1"]
    resolving(monkeypatch, ["10.0.0.1"])
    assert reason_of("http://inside.example.com/", dialler, loopback=True) is Reason.ADDRESS_REFUSED


def test_only_the_emulator_may_have_any_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator can have a private address, but other ports of its host stay refused."""
    resolving(monkeypatch, ["10.88.0.1"])
    emulator = ("host.docker.internal", 5056)
    dialler = Dialler()
    assert reason_of("http://host.docker.internal:5056/", dialler, emulator=emulator) is Reason.CONNECTION_FAILED
    assert reason_of("http://host.docker.internal:5055/", dialler, emulator=emulator) is Reason.ADDRESS_REFUSED
    assert dialler.dialled == ["10.88.0.1:5056"]


def test_proxies_from_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy variable does not divert credentials."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    resolving(monkeypatch, ["1.1.1.1"])
    dialler = Dialler()
    reason_of("https://api.example.com/", dialler)
    assert dialler.dialled == ["1.1.1.1:443"]
