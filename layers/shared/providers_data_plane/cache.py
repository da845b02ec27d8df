"""Credentials in memory: fresh for `max_age`, checked in the background, and usable during an outage of AWS.

An entry was current when its last check began. So it is

- *fresh* until `max_age` after that: it is used without a call. A check starts in the background a little earlier, so
  that no request waits for one while requests keep coming;
- *usable* for the grace window after that, less five seconds: if its key was replaced right after the check, the old
  one is still good. It is used while AWS fails, and never longer.

A retired version, which only a request that began with it asks for, is usable until its own grace window ends.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from providers_contract.ids import PROVIDER_ID
from providers_contract.names import name_claim
from providers_contract.secret import Secret
from providers_data_plane.aws import Aws
from providers_data_plane.destinations import problem_with
from providers_data_plane.errors import BaseUrlNotAllowed, CredentialError, Unavailable, VersionNotFound
from providers_data_plane.reading import Source, choose, provider_not_found, read, refuse_key
from providers_data_plane.settings import Settings
from providers_data_plane.stored import StoredProvider
from providers_data_plane.unsealing import DataKeys

AHEAD: Final = 5 / 6
"""The part of its fresh time after which an entry that is used is checked in the background."""

RETRY_S: Final = 2.0
"""Seconds between two checks of an entry while AWS fails."""

UNDISTURBED_S: Final = 10.0
"""Seconds for which a usable entry is used without waiting, after a check that failed: longer than a check can take."""

DISTRUST_S: Final = 1.0
"""Seconds between two checks of an entry whose credential the vendor keeps refusing."""

THREADS: Final = 16

Key = tuple[str, str, int | None]
"""An organization, a provider's id or name, and a version (None for the active one)."""


class Clock(Protocol):
    """The time of the day, and seconds that only grow."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        ...

    def elapsed(self) -> float:
        """Return seconds since some moment."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """A credential in memory, with its destination."""

    org: str
    provider_id: str
    vendor: str
    base_url: str | None
    version: int
    secret: Secret
    last_used_at: datetime | None


@dataclass(slots=True)
class Entry:
    """A credential in the cache; the times are the clock's `elapsed`.

    Args:
        held: the credential.
        began: when its last check began.
        check_at: when it is checked in the background, if it is used then.
        fresh_until: until when it is used without a check.
        usable_until: until when it may be used if the check fails.
    """

    held: Held
    began: float
    check_at: float
    fresh_until: float
    usable_until: float


class Cache:
    """The credentials of this process. Thread-safe.

    Args:
        settings: how long credentials may be used, and which hosts are allowed.
        aws: the tables and keys.
        clock: the time.
    """

    def __init__(self, settings: Settings, aws: Aws, clock: Clock) -> None:
        self._settings = settings
        self._aws = aws
        self._clock = clock
        self._keys = DataKeys(aws.wrapped_key, aws.unwrap)
        self._entries: dict[Key, Entry] = {}
        self._checks: dict[Key, tuple[float, Future[Entry]]] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, "providers-data-plane")

    def __len__(self) -> int:
        return len(self._entries)

    def fresh(self, key: Key) -> Entry | None:
        """Return an entry that may be used without waiting, or None. It may start a check in the background."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock.elapsed()
        if now >= entry.fresh_until:
            return None
        if now >= entry.check_at:
            self.check(key)
        return entry

    def check(self, key: Key) -> Future[Entry]:
        """Return a check of this entry: one that has just begun or ended, or a new one."""
        now = self._clock.elapsed()
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and now < min(entry.check_at, entry.fresh_until):
                ended: Future[Entry] = Future()
                ended.set_result(entry)
                return ended
            running = self._checks.get(key)
            if running is not None and now - running[0] < self._settings.fresh_s:
                return running[1]
            found = self._pool.submit(self._check, key)
            self._checks[key] = (now, found)
        found.add_done_callback(lambda done: self._finished(key, done))
        return found

    def usable(self, key: Key, error: CredentialError) -> Entry:
        """Return an entry that may be used although its check failed. Raises `error` if there is none."""
        entry = self._entries.get(key)
        if isinstance(error, Unavailable) and entry is not None and self._clock.elapsed() < entry.usable_until:
            return entry
        raise error

    def distrust(self, key: Key) -> None:
        """Have the next use of an entry wait for a check: the vendor has refused its credential."""
        entry = self._entries.get(key)
        if entry is not None and self._clock.elapsed() >= entry.began + DISTRUST_S:
            entry.fresh_until = min(entry.fresh_until, self._clock.elapsed())

    def forget_unusable(self) -> None:
        """Drop the credentials that may be used no longer."""
        now = self._clock.elapsed()
        for key, entry in list(self._entries.items()):
            if now >= entry.usable_until:
                self._entries.pop(key, None)

    def close(self) -> None:
        """End the checks, and drop every credential."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._entries.clear()

    def _finished(self, key: Key, done: Future[Entry]) -> None:
        with self._lock:
            running = self._checks.get(key)
            if running is not None and running[1] is done:
                del self._checks[key]

    def _check(self, key: Key) -> Entry:
        began = self._clock.elapsed()
        before = self._entries.get(key)
        try:
            entry = self._checked(key, before.held if before else None, began)
        except Unavailable:
            if before is not None:
                now = self._clock.elapsed()
                before.check_at = now + RETRY_S
                before.fresh_until = max(before.fresh_until, min(now + UNDISTURBED_S, before.usable_until))
            raise
        except CredentialError:
            self._entries.pop(key, None)
            raise
        current = self._entries.get(key)
        if current is None or current.began <= began:
            self._entries[key] = entry
        return entry

    def _checked(self, key: Key, held: Held | None, began: float) -> Entry:
        """Return the entry: by one call if nothing has changed since `held` was read."""
        org, reference, version = key
        provider = self._find(org, reference, held)
        chosen = choose(provider, version)
        stored = (provider.id, provider.vendor, chosen.number, chosen.base_url)
        if held is None or (held.provider_id, held.vendor, held.version, held.base_url) != stored:
            return self._read(key, provider, began)
        self._allow(provider.vendor, chosen.base_url)
        return self._entry(held, chosen.retires_at if version is not None else None, began)

    def _find(self, org: str, reference: str, held: Held | None) -> StoredProvider:
        if PROVIDER_ID.fullmatch(reference):
            provider = self._aws.provider(org, reference)
            if provider is None:
                raise provider_not_found(reference)
            return provider
        claim = name_claim(reference)
        if held is not None:
            provider = self._aws.provider(org, held.provider_id)
            if provider is not None and name_claim(provider.name) == claim:
                return provider
        refuse_key(reference)
        for _ in range(2):  # it may be renamed between the two reads
            provider_id = self._aws.named(org, claim)
            provider = None if provider_id is None else self._aws.provider(org, provider_id)
            if provider is not None and name_claim(provider.name) == claim:
                return provider
        raise provider_not_found(reference)

    def _read(self, key: Key, provider: StoredProvider, began: float) -> Entry:
        org, _, version = key
        first: list[StoredProvider | None] = [provider]

        def again(org: str, provider_id: str) -> StoredProvider | None:
            return first.pop() if first else self._aws.provider(org, provider_id)

        source = Source(again, self._aws.sealed, self._allow, self._keys.open, self._clock.now)
        found = read(source, org, provider.id, version)
        vendor, base_url = found.destination.vendor, found.destination.base_url
        row = found.sealed
        held = Held(org, provider.id, vendor, base_url, row.version, found.secret, row.last_used_at)
        return self._entry(held, row.expires_at, began)

    def _entry(self, held: Held, retires_at: datetime | None, began: float) -> Entry:
        usable_s, fresh_s = self._settings.usable_s, self._settings.fresh_s
        if retires_at is not None:
            left_s = (retires_at - self._clock.now()).total_seconds()
            if left_s <= 0:
                raise VersionNotFound(held.version)
            usable_s = self._clock.elapsed() - began + left_s
            fresh_s = min(fresh_s, usable_s)
        return Entry(held, began, began + fresh_s * AHEAD, began + fresh_s, began + usable_s)

    def _allow(self, vendor: str, base_url: str | None) -> None:
        if base_url is None:
            return
        from providers_contract.vendors import NAMES, facts

        hosts = facts(vendor).hosts if vendor in NAMES else ()
        allowed, local = self._settings.allowed_base_url_hosts, self._settings.local
        problem = problem_with(base_url, vendor, hosts, allowed, local=local)
        if problem is not None:
            raise BaseUrlNotAllowed(problem)
