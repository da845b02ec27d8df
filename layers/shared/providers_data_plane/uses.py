"""Background writes of a data plane: when versions were used, and probes of providers whose keys were refused.

Neither delays a request, and neither fails one: what cannot be written now is written with a later use.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from providers_data_plane.aws import Aws
from providers_data_plane.cache import Clock, Held
from providers_data_plane.errors import Unavailable
from providers_data_plane.sealed import USED_EVERY

EVERY_S: Final = USED_EVERY.total_seconds()

RETRY_S: Final = 5.0
"""Seconds until a write that failed is tried again."""

_REFUSED: Final = frozenset({401, 403})
"""Statuses with which vendors refuse a key."""

_REFUSED_BY: Final = {"google": frozenset({400})}
"""Google refuses an invalid API key with 400 (INVALID_ARGUMENT)."""

Version = tuple[str, str, int]


class Uses:
    """The uses of versions, and refusals of keys. Thread-safe.

    Args:
        aws: where both are written.
        clock: the time.
        reports: whether refusals are reported.
    """

    def __init__(self, aws: Aws, clock: Clock, *, reports: bool) -> None:
        self._aws = aws
        self._clock = clock
        self._reports = reports
        self._due: dict[Version, float] = {}
        self._reported: dict[tuple[str, str], float] = {}
        self._open: Counter[Version] = Counter()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, "providers-data-plane-writes")

    def begin(self, held: Held) -> None:
        """Note that a request began to use a version."""
        version = (held.org, held.provider_id, held.version)
        with self._lock:
            self._open[version] += 1
            due = self._due.get(version)
        if due is None or self._clock.elapsed() >= due:
            self._record(version, held)

    def end(self, held: Held) -> None:
        """Note that the request is over. A stream that lasts minutes was using the version until now."""
        version = (held.org, held.provider_id, held.version)
        with self._lock:
            self._open[version] -= 1
            if self._open[version] <= 0:  # below 0 if the use began before a fork
                del self._open[version]
        if self._clock.elapsed() >= self._due.get(version, 0.0):
            self._record(version, held)

    def record_open(self) -> None:
        """Record the versions that requests are using, and forget the minutes that are over."""
        now = self._clock.elapsed()
        with self._lock:
            using = [version for version in self._open if now >= self._due.get(version, 0.0)]
            for version in [each for each, due in self._due.items() if now >= due + EVERY_S and each not in self._open]:
                del self._due[version]
            for provider in [each for each, until in self._reported.items() if now >= until]:
                del self._reported[provider]
        for version in using:
            self._record(version, None)

    def refused(self, held: Held, outcome: object) -> bool:
        """Return whether `outcome` (a status, or an exception of an SDK) says that the vendor refused the key.

        Then it requests a probe of the provider, at most one a minute.
        """
        status = status_of(outcome)
        if status not in _REFUSED | _REFUSED_BY.get(held.vendor, frozenset()):
            return False
        now, provider = self._clock.elapsed(), (held.org, held.provider_id)
        with self._lock:
            if not self._reports or now < self._reported.get(provider, now):
                return True
            self._reported[provider] = now + EVERY_S
        self._pool.submit(self._request_probe, provider)
        return True

    def close(self) -> None:
        """Finish the writes."""
        self._pool.shutdown()

    def _record(self, version: Version, held: Held | None) -> None:
        now = self._clock.elapsed()
        with self._lock:
            if now < self._due.get(version, now):
                return  # another thread is recording it
            first = version not in self._due
            self._due[version] = now + EVERY_S
            if first and held is not None and held.last_used_at is not None:
                ago_s = (self._clock.now() - held.last_used_at).total_seconds()
                if 0 <= ago_s < EVERY_S:  # another process has recorded this minute
                    self._due[version] = now + EVERY_S - ago_s
                    return
        self._pool.submit(self._write, version)

    def _write(self, version: Version) -> None:
        try:
            self._aws.record_use(*version, self._clock.now())
        except Unavailable:
            self._due[version] = self._clock.elapsed() + RETRY_S

    def _request_probe(self, provider: tuple[str, str]) -> None:
        try:
            self._aws.request_probe(*provider, self._clock.now())
        except Unavailable:
            self._reported[provider] = self._clock.elapsed() + RETRY_S


def status_of(outcome: object) -> int | None:
    """Return the HTTP status in `outcome`: a number, or an exception or response of an SDK or HTTP library."""
    if isinstance(outcome, int):
        return outcome
    response: Any = getattr(outcome, "response", None)
    if isinstance(response, dict):  # botocore's ClientError
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return found if isinstance(found, int) else None
    candidates = (
        getattr(outcome, "status_code", None),  # openai, anthropic, groq, fireworks; an httpx response
        getattr(response, "status_code", None),  # httpx, requests
        getattr(outcome, "status", None),  # aiohttp
        getattr(outcome, "code", None),  # google-genai
    )
    return next((int(each) for each in candidates if isinstance(each, int)), None)
