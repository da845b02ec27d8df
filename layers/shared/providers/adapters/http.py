"""The only path to vendors: httpx2 over connections that are dialled to checked addresses only.

A name is resolved once; all its addresses must be public; the connection goes to one of them, and TLS is for the name.
No redirects, cookies, proxies or environment settings: requests go to the transport itself, without a client that would
add them.
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
import httpx2

from providers.adapters.addresses import is_loopback, is_public
from providers.model.vendor import ProbeRequest, ProbeResponse
from providers.ports import TransportFailure
from providers_contract.frozen import dataclass
from providers_contract.secret import Secret
from providers_contract.vocabulary import Reason
from providers_data_plane.quiet import quiet

quiet("httpx2", "httpcore2")  # at LogLevel=DEBUG they would log response headers, which can repeat a key

MAX_BODY_BYTES: Final = 1024 * 1024
"""The longest list of models known is some 200 KB; a longer body is not a list of models."""

_CONNECTIONS: Final = httpx2.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=5)
_TARGETS: Final = 1024
"""Number of cached targets: a sweep calls the same few URLs, and parsing a URL is a tenth of a request's work."""

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


class _CheckedTransport(httpx2.AsyncHTTPTransport):
    """httpx2's transport with the checked backend in its pool; httpx2 has no parameter for this."""

    def __init__(self, backend: CheckedBackend, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=_CONNECTIONS.max_connections,
            max_keepalive_connections=_CONNECTIONS.max_keepalive_connections,
            keepalive_expiry=_CONNECTIONS.keepalive_expiry,
            network_backend=backend,
        )


@dataclass(frozen=True, slots=True)
class _Target:
    """The target of a request: the URL to connect to, and the `Host` header."""

    url: httpx2.URL
    host: str


class HttpTransport:
    """Sends requests to vendors. Belongs to the event loop of its first use.

    Args:
        backend: opens connections; tests pass one that dials nothing.
        reroute: returns another origin (`http://127.0.0.1:5056`) for some hosts, keeping the Host header, or None;
            always the same for one host.
        context: the TLS context; by default httpx2's (certifi's authorities).
    """

    def __init__(
        self,
        backend: CheckedBackend | None = None,
        *,
        reroute: Callable[[str], str | None] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._transport = _CheckedTransport(
            backend or CheckedBackend(), context or httpx2.create_ssl_context(trust_env=False)
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
        except (httpx2.TimeoutException, TimeoutError):
            reason = Reason.TIMEOUT
        except httpx2.ConnectError as error:
            reason = _connect_reason(error)
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, UnicodeError):
            reason = Reason.UNEXPECTED_ANSWER
        except (httpx2.TransportError, httpcore2.ProtocolError, httpcore2.NetworkError, OSError):
            reason = Reason.CONNECTION_DROPPED
        raise TransportFailure(reason)

    async def _exchange(self, request: ProbeRequest) -> ProbeResponse:
        target = self._target(request.url)
        headers = _HEADERS | {
            name: value.reveal() if isinstance(value, Secret) else value for name, value in request.headers.items()
        }
        headers["host"] = target.host
        began = time.perf_counter()
        response = await self._transport.handle_async_request(
            httpx2.Request(request.method, target.url, headers=headers)
        )
        try:
            body = await _read(response)
        finally:
            await response.aclose()
        latency_ms = round((time.perf_counter() - began) * 1000)
        return ProbeResponse(response.status_code, dict(response.headers), body, latency_ms)

    def _find_target(self, url: str) -> _Target:
        """Return the target of a request. Raises httpx2's exceptions for a malformed URL."""
        wanted = httpx2.URL(url)
        host = wanted.netloc.decode("ascii")
        origin = self._reroute(wanted.host) if self._reroute else None
        if origin is None:
            return _Target(wanted, host)
        other = httpx2.URL(origin)
        return _Target(wanted.copy_with(scheme=other.scheme, host=other.host, port=other.port), host)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


async def _read(response: httpx2.Response) -> bytes:
    """Return the raw body. Raises TransportFailure if it is compressed or too large."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise TransportFailure(Reason.UNEXPECTED_ANSWER)
    body = bytearray()
    async for chunk in response.aiter_raw():
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
