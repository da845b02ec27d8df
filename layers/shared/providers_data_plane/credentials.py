"""Use stored credentials: one version for a whole request, from memory while it is fresh."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NoReturn

from providers_contract.secret import Secret
from providers_data_plane.aws import Aws
from providers_data_plane.cache import Cache, Clock, Entry, Held, Key
from providers_data_plane.clock import SystemClock
from providers_data_plane.errors import ConfigurationError, CredentialError
from providers_data_plane.settings import Settings
from providers_data_plane.uses import Uses

TICK_S: Final = 20.0
"""Seconds between two rounds of housekeeping: recording long uses, forgetting credentials that are too old."""


class Credential:
    """A credential, for one request: its version does not change, however often the key is rotated meanwhile."""

    __slots__ = ("_held", "_report", "max_age")

    def __init__(self, held: Held, max_age: float, report: Callable[[Held, object], bool]) -> None:
        self._held = held
        self._report = report
        self.max_age: Final = max_age
        """Seconds for which other requests may use this version, too, without another `use`."""

    @property
    def provider_id(self) -> str:
        """The provider's id."""
        return self._held.provider_id

    @property
    def vendor(self) -> str:
        """The vendor's name, such as `openai`."""
        return self._held.vendor

    @property
    def base_url(self) -> str | None:
        """The URL to which the credential may be sent; None for the vendor's own."""
        return self._held.base_url

    @property
    def version(self) -> int:
        """The number of the key version."""
        return self._held.version

    @property
    def secret(self) -> Secret:
        """The credential as an object that never shows itself; `secret.reveal()` returns the text."""
        return self._held.secret

    @property
    def api_key(self) -> str:
        """The text of the credential. Pass it to the SDK or into the request, and nowhere else."""
        return self._held.secret.reveal()

    def report(self, outcome: object) -> bool:
        """Tell the stack that the vendor refused the key; return whether `outcome` says so.

        `outcome` is a response's status, or the exception of an SDK. After 401 or 403 the provider is probed within
        seconds (at most once a minute), and the next `use` checks at once whether the key was replaced. An exception
        that leaves the `with` block is reported without this call.
        """
        return self._report(self._held, outcome)

    def __repr__(self) -> str:
        return f"Credential({self.provider_id}, {self.vendor}, version {self.version})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Credential cannot be serialized")


class Use:
    """`with` or `async with` it for the duration of a request, streams included."""

    __slots__ = ("_credentials", "_held", "_key")

    def __init__(self, credentials: Credentials, key: Key) -> None:
        self._credentials = credentials
        self._key = key
        self._held: Held | None = None

    def __enter__(self) -> Credential:
        entry = self._credentials._get(self._key)  # noqa: SLF001 - its other half
        return self._begin(entry)

    async def __aenter__(self) -> Credential:
        entry = await self._credentials._get_async(self._key)  # noqa: SLF001
        return self._begin(entry)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._held is not None:
            self._credentials._end(self._key, self._held, error)  # noqa: SLF001
            self._held = None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def _begin(self, entry: Entry) -> Credential:
        if self._held is not None:
            raise RuntimeError("a Use serves one request: call `use` again for another")
        self._held = entry.held
        return self._credentials._begin(self._key, entry)  # noqa: SLF001


class Credentials:
    """The credentials of an organization's providers. Thread-safe; one object serves a whole process.

    Args:
        settings: names of the stack's resources, and how long credentials may be used.
        client: creates AWS clients by service; by default botocore's, from the environment's AWS credentials.
        clock: the time.
    """

    def __init__(
        self, settings: Settings, *, client: Callable[[str], Any] | None = None, clock: Clock | None = None
    ) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock or SystemClock()
        self._start()
        _LIVE.add(self)

    @classmethod
    def from_environment(cls, *, org: str | None = None, max_age: float | None = None) -> Credentials:
        """Return the credentials of `org` (or of PROVIDERS_ORG); docs/data-plane.md lists the other variables.

        `max_age` is how long a credential is used without checking whether it was replaced, in seconds: 30 by default,
        and never longer than the stack's grace window. Raises ConfigurationError.
        """
        from dataclasses import replace

        settings = Settings.from_environment(os.environ)
        if org is not None:
            settings = replace(settings, org=org)
        if max_age is not None:
            settings = replace(settings, max_age_s=max_age)
        return cls(settings)

    def use(self, provider: str, *, version: int | None = None, org: str | None = None) -> Use:
        """Return a context manager that yields the active credential of a provider, named by its id or its name.

        `version` is for a request that began elsewhere with that version, and continues here. Entering it raises
        ProviderNotFound, ProviderDisabled, VersionNotFound, BaseUrlNotAllowed, CredentialTampered or Unavailable.
        """
        owner = org or self._settings.org
        if not owner:
            raise ConfigurationError("name the organization: set PROVIDERS_ORG, or pass org")
        return Use(self, (owner, provider, version))

    def close(self) -> None:
        """Drop every credential, and finish the writes."""
        self._closing.set()
        self._cache.close()
        self._uses.close()

    def __repr__(self) -> str:
        return f"Credentials({self._settings.org or 'no organization'}, {len(self._cache)} cached)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Credentials cannot be serialized")

    def _start(self) -> None:
        """Begin with nothing in memory: no credentials, connections or threads."""
        aws = Aws(self._settings, self._client)
        self._cache = Cache(self._settings, aws, self._clock)
        self._uses = Uses(aws, self._clock, reports=bool(self._settings.queue_url))
        self._closing = threading.Event()
        self._housekeeping: threading.Thread | None = None
        self._starting = threading.Lock()

    def _get(self, key: Key) -> Entry:
        found = self._cache.fresh(key)
        if found is not None:
            return found
        try:
            return self._cache.check(key).result()
        except CredentialError as error:
            return self._cache.usable(key, error)

    async def _get_async(self, key: Key) -> Entry:
        found = self._cache.fresh(key)
        if found is not None:
            return found
        import asyncio  # late: a program without an event loop does not need it

        try:
            return await asyncio.shield(asyncio.wrap_future(self._cache.check(key)))  # others wait for the same check
        except CredentialError as error:
            return self._cache.usable(key, error)

    def _begin(self, key: Key, entry: Entry) -> Credential:
        if self._housekeeping is None:
            self._start_housekeeping()
        self._uses.begin(entry.held)
        left_s = max(0.0, entry.fresh_until - self._clock.elapsed())
        return Credential(entry.held, left_s, lambda held, outcome: self._refused(key, held, outcome))

    def _end(self, key: Key, held: Held, error: BaseException | None) -> None:
        self._uses.end(held)
        if isinstance(error, Exception):  # not the end of the program, whose code can also be 401
            self._refused(key, held, error)

    def _refused(self, key: Key, held: Held, outcome: object) -> bool:
        refused = self._uses.refused(held, outcome)
        if refused:
            self._cache.distrust(key)
        return refused

    def _start_housekeeping(self) -> None:
        with self._starting:
            if self._housekeeping is None:
                arguments = (weakref.ref(self), self._closing)
                self._housekeeping = threading.Thread(target=_keep_house, args=arguments, daemon=True)
                self._housekeeping.start()


def _keep_house(of: weakref.ref[Credentials], closing: threading.Event) -> None:
    while not closing.wait(TICK_S):
        credentials = of()
        if credentials is None:
            return
        credentials._uses.record_open()  # noqa: SLF001 - a method would keep the object alive
        credentials._cache.forget_unusable()  # noqa: SLF001
        del credentials


_LIVE: Final[weakref.WeakSet[Credentials]] = weakref.WeakSet()


def _after_fork() -> None:
    """Reset every object in a child process: threads do not survive a fork, and connections must not be shared."""
    for credentials in list(_LIVE):
        credentials._start()  # noqa: SLF001


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
