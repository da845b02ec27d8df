"""The only path to vendors: httpcore2 over connections that are dialled to checked addresses only.

A name is resolved once; all its addresses must be public; the connection goes to one of them, and TLS is for the name.
No redirects, cookies, proxies or environment settings: requests go to the pool of connections, without a client that
would add them.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

import httpcore2

from providers.adapters.addresses import is_loopback, is_public
from providers.model.vendor import ProbeRequest, ProbeResponse
from providers.ports import TransportFailure
from providers_contract.frozen import dataclass
from providers_contract.secret import Secret
from providers_contract.vocabulary import Reason
from providers_data_plane.quiet import quiet

# At LogLevel=DEBUG they would log response headers, which can repeat a key (httpx2: of other code in the process).
quiet("httpx2", "httpcore2")

MAX_BODY_BYTES: Final = 1024 * 1024
"""The longest list of models known is some 200 KB; a longer body is not a list of models."""

_TARGETS: Final = 1024
"""Number of cached targets: a sweep calls the same few URLs, and parsing a URL is a tenth of a request's work."""

_PORTS: Final = {b"http": 80, b"https": 443}
_HEADERS: Final = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "providers-api"}


class _AddressRefused(httpcore2.ConnectError):
    """A name resolves to an address that is not public."""


class _UnknownName(httpcore2.ConnectError):
    """A name does not resolve."""


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Opens TCP connections to checked addresses.

    Args:
        dial: opens the connection, given an address; httpcore2's own by default.
        loopback: whether loopback addresses are also allowed (a stack on one machine).
        emulator: host and port of the vendor emulator, at any address (containers call it by a private address).
    """

    def __init__(
        self,
        dial: httpcore2.AsyncNetworkBackend | None = None,
        *,
        loopback: bool = False,
        emulator: tuple[str, int] | None = None,
    ) -> None:
        self._dial = dial or httpcore2.AnyIOBackend()
        self._loopback = loopback
        self._emulator = emulator

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve `host` once, check every address, and try each in turn until one accepts."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise _UnknownName("no such host") from None
        addresses = sorted({str(entry[4][0]) for entry in found}, key=lambda address: (":" in address, address))
        allowed = (is_public(each) or (self._loopback and is_loopback(each)) for each in addresses)
        if (host, port) != self._emulator and not all(allowed):
            raise _AddressRefused("not a public address")
        for address in addresses[:-1]:
            try:
                return await self._dial.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError:
                continue
        return await self._dial.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - httpcore2's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: vendors are not reached over Unix sockets."""
        raise _AddressRefused("not a public address")

    async def sleep(self, seconds: float) -> None:
        """Sleep, as httpcore2 requires of a backend."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class _Target:
    """The target of a request: the URL to connect to, and the `Host` header."""

    url: httpcore2.URL
    host: bytes


class HttpTransport:
    """Sends requests to vendors. Belongs to the event loop of its first use.

    Args:
        backend: opens connections; tests pass one that dials nothing.
        reroute: returns another origin (`http://127.0.0.1:5056`) for some hosts, keeping the Host header, or None;
            always the same for one host.
        context: the TLS context. The default trusts the system's authorities and ignores SSL_CERT_FILE.
    """

    def __init__(
        self,
        backend: CheckedBackend | None = None,
        *,
        reroute: Callable[[str], str | None] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context or httpcore2.default_ssl_context(_trust_env=False),
            max_connections=200,
            max_keepalive_connections=50,
            keepalive_expiry=5,
            network_backend=backend or CheckedBackend(),
        )
        self._reroute = reroute
        self._target = lru_cache(_TARGETS)(self._find_target)

    async def send(self, request: ProbeRequest) -> ProbeResponse:
        """Return the complete response. Raises TransportFailure, which contains no part of the request."""
        reason = Reason.CONNECTION_DROPPED
        try:
            return await self._exchange(request)
        except _AddressRefused:
            reason = Reason.ADDRESS_REFUSED
        except _UnknownName:
            reason = Reason.DNS_FAILED
        except (httpcore2.TimeoutException, TimeoutError):
            reason = Reason.TIMEOUT
        except httpcore2.ConnectError as error:
            reason = _connect_reason(error)
        except (httpcore2.UnsupportedProtocol, httpcore2.LocalProtocolError, UnicodeError):
            reason = Reason.UNEXPECTED_ANSWER
        except (httpcore2.ProtocolError, httpcore2.NetworkError, OSError):
            reason = Reason.CONNECTION_DROPPED
        raise TransportFailure(reason)

    async def _exchange(self, request: ProbeRequest) -> ProbeResponse:
        target = self._target(request.url)
        headers = _HEADERS | {
            name: value.reveal() if isinstance(value, Secret) else value for name, value in request.headers.items()
        }
        sent = [
            (b"host", target.host),
            *((name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()),
        ]
        began = time.perf_counter()
        response = await self._pool.handle_async_request(httpcore2.Request(request.method, target.url, headers=sent))
        received = _headers(response)
        try:
            body = await _read(response, received)
        finally:
            await response.aclose()
        latency_ms = round((time.perf_counter() - began) * 1000)
        return ProbeResponse(response.status, received, body, latency_ms)

    def _find_target(self, url: str) -> _Target:
        """Return the target of a request. Raises httpcore2's UnsupportedProtocol for a malformed URL."""
        wanted = _parsed(url)
        host = b"[%b]" % wanted.host if b":" in wanted.host else wanted.host
        if wanted.port not in {None, _PORTS.get(wanted.scheme)}:
            host += b":%d" % wanted.port
        origin = self._reroute(wanted.host.decode("ascii")) if self._reroute else None
        if origin is None:
            return _Target(wanted, host)
        other = _parsed(origin)
        return _Target(httpcore2.URL(scheme=other.scheme, host=other.host, port=other.port, target=wanted.target), host)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


def _parsed(url: str) -> httpcore2.URL:
    try:
        return httpcore2.URL(url)
    except (TypeError, ValueError):  # not ASCII, or a port that is no number
        raise httpcore2.UnsupportedProtocol("malformed URL") from None


def _headers(response: httpcore2.Response) -> dict[str, str]:
    """Return the headers by their names in lower case; the values of a repeated one are joined."""
    found: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


async def _read(response: httpcore2.Response, headers: dict[str, str]) -> bytes:
    """Return the raw body. Raises TransportFailure if it is compressed or too large."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise TransportFailure(Reason.UNEXPECTED_ANSWER)
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TransportFailure(Reason.ANSWER_TOO_LARGE)
    return bytes(body)


def _connect_reason(error: BaseException) -> Reason:
    """Return why a connection attempt failed, from the chain of causes."""
    kinds: dict[type[BaseException], Reason] = {
        _AddressRefused: Reason.ADDRESS_REFUSED,
        _UnknownName: Reason.DNS_FAILED,
        ssl.SSLError: Reason.TLS_FAILED,
    }
    seen: BaseException | None = error
    while seen is not None:
        for kind, reason in kinds.items():
            if isinstance(seen, kind):
                return reason
        seen = seen.__cause__ or seen.__context__
    return Reason.CONNECTION_FAILED
