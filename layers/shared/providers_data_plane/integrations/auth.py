"""Authentication for clients of httpx and httpx2: a request is sent with the credential that is active then.

`httpx2.Client(auth=httpx2_auth(credentials, "OpenAI Production"))` works with any vendor whose key is sent in a header.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from providers_contract import vendors
from providers_contract.hosts import host_of
from providers_data_plane.credentials import Credential, Credentials
from providers_data_plane.errors import BaseUrlNotAllowed

if TYPE_CHECKING:
    import httpx
    import httpx2


_AUTHORIZED: Final = "providers_data_plane.origin"
"""The request's extension that contains the origin for which it has a key."""


class _Flow:
    """The `Auth` of httpx and of httpx2, which have the same methods.

    A request is pinned to one version: to wait for its response's headers, and to stream its body, it needs no other.
    """

    requires_request_body = False
    requires_response_body = False

    def __init__(self, credentials: Credentials, provider: str, org: str | None) -> None:
        self._credentials = credentials
        self._provider = provider
        self._org = org

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Send the request with the active credential, and report a refusal."""
        with self._credentials.use(self._provider, org=self._org) as credential:
            _authorize(request, credential)
            response = yield request
            credential.report(response.status_code)

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Do the same in an event loop."""
        async with self._credentials.use(self._provider, org=self._org) as credential:
            _authorize(request, credential)
            response = yield request
            credential.report(response.status_code)

    def __repr__(self) -> str:
        return f"Auth({self._provider})"


def httpx2_auth(credentials: Credentials, provider: str, *, org: str | None = None) -> httpx2.Auth:
    """Return an `httpx2.Auth` for `httpx2.Client` and `httpx2.AsyncClient`. `provider` is an id or a name."""
    import httpx2

    class Auth(_Flow, httpx2.Auth):
        """Sends requests with the active credential."""

    return Auth(credentials, provider, org)


def httpx_auth(credentials: Credentials, provider: str, *, org: str | None = None) -> httpx.Auth:
    """Return an `httpx.Auth` for `httpx.Client` and `httpx.AsyncClient`. `provider` is an id or a name."""
    import httpx

    class Auth(_Flow, httpx.Auth):
        """Sends requests with the active credential."""

    return Auth(credentials, provider, org)


def _authorize(request: Any, credential: Credential) -> None:
    """Put the credential into the request, instead of any other. Raises BaseUrlNotAllowed."""
    facts = vendors.facts(credential.vendor)
    if facts.key_header is None:
        raise BaseUrlNotAllowed(f"{credential.vendor} needs signed requests: use its own SDK")
    url = str(request.url)
    origin, expected = _origin(url), credential.base_url
    own = facts.owns(url) and origin == ("https", host_of(url), 443)
    if not (own if expected is None else _origin(expected) == origin):
        raise BaseUrlNotAllowed("the request is not to the provider's base_url: make a new client when it changes")
    for name in vendors.KEY_HEADERS:
        request.headers.pop(name, None)
    request.extensions = {**request.extensions, _AUTHORIZED: origin}  # a redirected request keeps its extensions
    key = credential.api_key
    request.headers[facts.key_header] = f"Bearer {key}" if facts.key_header == "authorization" else key


def refuse_other_origins(request: Any) -> None:
    """Raise BaseUrlNotAllowed if a redirect takes the key elsewhere. It is a request hook, which runs for each hop.

    After a redirect httpx removes only `authorization`.
    """
    authorized = request.extensions.get(_AUTHORIZED)
    if authorized != _origin(str(request.url)) and any(name in request.headers for name in vendors.KEY_HEADERS):
        raise BaseUrlNotAllowed("the vendor redirects the request to another host, which must not get the key")


async def refuse_other_origins_async(request: Any) -> None:
    """Do the same in an event loop."""
    refuse_other_origins(request)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, host_of(url), parts.port or {"https": 443, "http": 80}.get(parts.scheme)
