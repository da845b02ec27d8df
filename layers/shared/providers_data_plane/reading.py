"""Reads a credential in order to use it: which version, whether it may be read, and to which host it may be sent.

The same code serves the package and the API's function `resolve_credential`: each brings its own `Source`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from providers_contract.frozen import dataclass
from providers_contract.secret import Secret
from providers_data_plane.errors import ProviderDisabled, ProviderNotFound, VersionNotFound
from providers_data_plane.sealed import Destination, SealedCredential


class ReadableVersion(Protocol):
    """A key version, as far as a reader needs it."""

    @property
    def number(self) -> int:
        """Its number."""
        ...

    @property
    def base_url(self) -> str | None:
        """The host to which its credential is sent; None for the vendor's own."""
        ...

    @property
    def retires_at(self) -> datetime | None:
        """The end of its grace window; None while it is active."""
        ...


class ReadableProvider(Protocol):
    """A provider, as far as a reader needs it."""

    @property
    def vendor(self) -> str:
        """Its vendor's name."""
        ...

    @property
    def status(self) -> str:
        """Its status."""
        ...

    @property
    def versions(self) -> Sequence[ReadableVersion]:
        """Its versions; the active one is the last."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """Where a read gets its parts from.

    Args:
        provider: returns the current provider item (a consistent read).
        sealed: returns a version's row (a consistent read).
        check: raises an error if a credential of this vendor may not be sent to this base_url.
        open: returns the credential in a row.
        now: returns the time.
    """

    provider: Callable[[str, str], ReadableProvider | None]
    sealed: Callable[[str, str, int], SealedCredential | None]
    check: Callable[[str, str | None], object]
    open: Callable[[SealedCredential, Destination], Secret]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Read:
    """A credential, its destination, and the row from which it was read."""

    destination: Destination
    secret: Secret
    sealed: SealedCredential


def read(source: Source, org: str, provider_id: str, version: int | None = None) -> Read:
    """Return the active credential, or the given version while its grace window lasts.

    Raises ProviderNotFound, ProviderDisabled, VersionNotFound, and what the `source` raises.
    """
    for last_try in (False, True):
        provider = source.provider(org, provider_id)
        if provider is None:
            raise provider_not_found(provider_id)
        chosen = choose(provider, version)
        sealed = source.sealed(org, provider_id, chosen.number)
        if sealed is not None and sealed.readable(source.now()):
            source.check(provider.vendor, chosen.base_url)
            destination = Destination(provider.vendor, chosen.base_url)
            return Read(destination, source.open(sealed, destination), sealed)
        if version is not None or last_try:
            break  # an active version can only disappear between the two reads: read again
    raise VersionNotFound(chosen.number)


def choose(provider: ReadableProvider, version: int | None) -> ReadableVersion:
    """Return the active version, or the given one. Raises ProviderDisabled, VersionNotFound."""
    if provider.status == "disabled":
        raise ProviderDisabled("this provider is disabled: set its status to active before using it")
    if version is None:
        return provider.versions[-1]
    found = next((each for each in provider.versions if each.number == version), None)
    if found is None:
        raise VersionNotFound(version)
    return found


def provider_not_found(reference: str) -> ProviderNotFound:
    """Return the error for a provider that the organization does not have. It shows no key that was sent as a name."""
    return ProviderNotFound(f"provider {'…' if _is_key(reference) else reference} not found")


def refuse_key(reference: str) -> None:
    """Raise ProviderNotFound if a key was passed as a provider's name, so that it is sent nowhere."""
    if _is_key(reference):
        raise provider_not_found(reference)


def _is_key(reference: str) -> bool:
    from providers_contract.vendors import contains_credential  # late: a program that uses ids does not need it

    return contains_credential(reference)
