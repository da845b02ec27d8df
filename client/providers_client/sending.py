"""Parts of both clients: the API's address, settings of the HTTP client, and retries."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import count
from typing import Any, Final, TypeVar

import httpx2
from pydantic import ValidationError

from providers_client.calls import Call
from providers_client.errors import ConfigurationError, ProvidersAPIError
from providers_client.failures import from_response, unexpected
from providers_client.variables import KEY_VARIABLE, URL_VARIABLE
from providers_client.version import VERSION
from providers_contract.ids import MANAGEMENT_KEY, MANAGEMENT_KEY_PREFIX
from providers_contract.operations import BASE_PATH
from providers_contract.secret import Secret, trimmed

T = TypeVar("T")

logging.getLogger("stamina").addHandler(logging.NullHandler())  # retries are logged if the application adds a handler

_HOST: Final = re.compile(rb"[0-9A-Za-z.-]+|[0-9A-Fa-f:.]+")
_SHORTEST_KEY: Final = 20


@dataclass(frozen=True, slots=True)
class Backoff:
    """The rules for retries: after no response, a 429, 502, 503 or 504, or a 409 `idempotency_in_progress`.

    The n-th wait is `first_s` × 2ⁿ, at most `longest_s`, less up to a half by `jitter` (from 0 to 1); a longer
    Retry-After is honored. No attempt starts later than `total_s` after the first one: if a wait would end later, the
    error is raised at once, with `retry_after`. So a call takes at most `total_s` and one attempt.
    """

    retries: int = 4
    first_s: float = 0.5
    longest_s: float = 8.0
    total_s: float = 120.0
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic

    def wait(self, attempt: int, error: ProvidersAPIError, elapsed_s: float) -> float | None:
        """Return the seconds to wait after the failed `attempt` (from 0), or None to give up."""
        if not error.retryable or attempt >= self.retries:
            return None
        wait = min(self.longest_s, self.first_s * 2**attempt) * (1 - self.jitter() / 2)
        wait = max(wait, error.retry_after or 0.0)
        return None if elapsed_s + wait > self.total_s else wait

    def hook(self) -> Callable[[Exception], bool | float]:
        """Return the `on` of `stamina.retry_context` for one call: the seconds to wait after an error, or False."""
        began, attempts = self.clock(), count()

        def wait_after(error: Exception) -> bool | float:
            if not isinstance(error, ProvidersAPIError):
                return False
            wait = self.wait(next(attempts), error, self.clock() - began)
            return False if wait is None else wait

        return wait_after


def result_of(call: Call[T], outcome: httpx2.Response | ProvidersAPIError) -> T:
    """Return the result of a response.

    Raises ProvidersAPIError, chained to nothing: the HTTP library's exceptions contain the request, and so the keys.
    """
    if isinstance(outcome, ProvidersAPIError):
        raise outcome
    if not outcome.is_success:
        raise from_response(outcome)
    try:
        return call.read(outcome)
    except ValidationError:
        pass
    raise unexpected(outcome)


def root(base_url: str) -> httpx2.URL:
    """Return the URL of the endpoints. Raises ConfigurationError, without repeating `base_url`."""
    try:
        url = httpx2.URL(trimmed(base_url))
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not _HOST.fullmatch(url.raw_host):
        raise ConfigurationError("the base URL must have the form https://host, like the stack's output ApiUrl")
    if any(_is_key(part) for part in (*url.host.split("."), *url.path.split("/"))):
        raise ConfigurationError("the base URL contains a key; set the management key separately")
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError("the base URL must have no user, query or fragment; set the management key separately")
    if url.scheme == "http" and not is_loopback(url):
        raise ConfigurationError("use https:// in the base URL; plain HTTP is allowed only for localhost")
    return url.copy_with(path=url.path.rstrip("/").removesuffix(BASE_PATH) + f"{BASE_PATH}/")


def _is_key(part: str) -> bool:
    """Return whether a part of a URL is a key, which would be sent to the DNS and repeated in errors."""
    if len(part) < _SHORTEST_KEY:
        return False
    from providers_contract.vendors import is_credential  # late: it reads a file, and most URLs have no such part

    return part.startswith(MANAGEMENT_KEY_PREFIX) or is_credential(part)


def is_loopback(url: httpx2.URL) -> bool:
    """Return whether `url` leads to this machine."""
    try:
        return url.host == "localhost" or ip_address(url.host).is_loopback
    except ValueError:
        return False


def management_key(text: str) -> Secret:
    """Return the key in `text`. Raises ConfigurationError: the HTTP library's own error would quote the key."""
    text = trimmed(text)
    if not MANAGEMENT_KEY.fullmatch(text):
        raise ConfigurationError("invalid management key: expected mlx_mk_<id>_<secret>")
    return Secret(text)


def settings(base_url: str, api_key: str, timeout: float) -> dict[str, Any]:
    """Return the arguments for an httpx2 client, sync or async. Raises ConfigurationError.

    Only https uses a proxy from the environment: a proxy would see plain HTTP to this machine.
    """
    url = root(base_url)
    key = management_key(api_key)
    return {
        "base_url": url,
        "headers": {"Authorization": f"Bearer {key.reveal()}", "User-Agent": f"providers-client/{VERSION}"},
        "timeout": timeout,
        "follow_redirects": False,
        "trust_env": not is_loopback(url),
        "verify": url.scheme == "https",  # plain HTTP needs no certificates, and loading them takes 40 ms
    }


def from_environment(environment: Mapping[str, str]) -> tuple[str, str]:
    """Return base URL and management key. Raises ConfigurationError if one is not set."""
    missing = [name for name in (URL_VARIABLE, KEY_VARIABLE) if not environment.get(name)]
    if missing:
        raise ConfigurationError(f"set {' and '.join(missing)}")
    return environment[URL_VARIABLE], environment[KEY_VARIABLE]
