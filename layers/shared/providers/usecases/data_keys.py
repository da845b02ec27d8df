"""Replace the data key that seals an organization's credentials (docs/decisions/0015-data-keys.md).

A new key encrypts new credentials from now on; then every stored version is encrypted again under it; then the old key
can be destroyed. Each step can be repeated, and blocks no rotation, rollback, probe or read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from providers.model.provider import KeyVersion, Provider
from providers.ports import Ports, ProviderFilter, StaleWrite, TamperedCredential
from providers_contract.frozen import dataclass
from providers_data_plane.sealed import DATA_KEY_CACHE, DataKey, SealedCredential

SETTLED_AFTER: Final = 2 * DATA_KEY_CACHE
"""After this time no process uses a replaced key: a process caches a key for five minutes, and a change that it started
then ends within a function's timeout."""

_PAGE: Final = 100


class UnknownDataKey(Exception):
    """The organization has no data key with this id, or none at all."""


class DataKeyInUse(Exception):
    """A data key is still in use, or may be used soon."""


@dataclass(frozen=True, slots=True)
class DataKeyUse:
    """A data key, the number of stored versions that it seals, and whether it seals new ones."""

    key: DataKey
    versions: int
    current: bool


@dataclass(frozen=True, slots=True)
class Resealed:
    """The result of sealing an organization's credentials again.

    Args:
        key: the newest data key, which seals every version from now on.
        versions: stored versions that were sealed again.
        broken: ids of providers with a version that cannot be opened because its items were tampered with.
        settled_in: time until no process uses an older key; zero if it has passed.
        before: where to continue if the pass ended early: only providers with lower ids are left. Otherwise None.
    """

    key: DataKey
    versions: int
    broken: Sequence[str]
    settled_in: timedelta
    before: str | None = None


def list_data_keys(ports: Ports, org: str) -> Sequence[DataKeyUse]:
    """Return the organization's data keys, newest first. Raises Unavailable."""
    used = Counter(sealed.data_key_id for _, _, sealed in _stored(ports, org))
    keys = ports.cipher.data_keys(org)
    return [DataKeyUse(key, used[key.id], current=key is keys[0]) for key in keys]


def rotate_data_key(ports: Ports, org: str, end: datetime | None = None) -> Resealed:
    """Create a data key and reseal every stored version under it. Raises UnknownDataKey, Unavailable."""
    if not ports.cipher.data_keys(org):
        raise _no_key(org)
    ports.cipher.add_data_key(org)
    return reseal(ports, org, end)


def reseal(ports: Ports, org: str, end: datetime | None = None, before: str | None = None) -> Resealed:
    """Seal every stored version under the newest data key, unless it already is. Raises UnknownDataKey, Unavailable.

    It can be interrupted and restarted at any time; after `end` it starts no other provider. Versions that are rotated,
    retired or deleted meanwhile are skipped.
    """
    keys = ports.cipher.data_keys(org)
    if not keys:
        raise _no_key(org)
    done, broken, last = 0, set(), None
    for provider, version, sealed in _stored(ports, org, before):
        if end is not None and last not in (None, provider.id) and ports.clock.now() >= end:
            break
        last = provider.id
        if sealed.data_key_id == keys[0].id:
            continue
        try:
            ports.providers.reseal(sealed, _again(ports, provider, version, sealed))
        except StaleWrite:
            continue
        except TamperedCredential:
            broken.add(provider.id)
        else:
            done += 1
    else:
        last = None
    age = ports.clock.now() - keys[0].created_at
    return Resealed(keys[0], done, sorted(broken), max(timedelta(0), SETTLED_AFTER - age), last)


def destroy_data_key(ports: Ports, org: str, key_id: str) -> None:
    """Destroy a data key that seals nothing any more; copies of what it sealed can never be opened again.

    A backup that includes the key is the exception: the table's point-in-time recovery keeps one for 7 days.

    Raises UnknownDataKey; DataKeyInUse for the current key, for a key that still seals a version, and while a process
    could still seal under it; Unavailable.
    """
    keys = ports.cipher.data_keys(org)
    position = next((number for number, key in enumerate(keys) if key.id == key_id), None)
    if position is None:
        raise UnknownDataKey("this organization has no data key with this id")
    if position == 0:
        raise DataKeyInUse("this is the newest data key, which seals new credentials: rotate it first")
    left = SETTLED_AFTER - (ports.clock.now() - keys[position - 1].created_at)
    if left > timedelta(0):
        message = f"a function may still seal under this data key; try again in {-(-left.seconds // 60)} min"
        raise DataKeyInUse(message)
    if any(sealed.data_key_id == key_id for _, _, sealed in _stored(ports, org)):
        raise DataKeyInUse("stored credentials are sealed under this data key: reseal them first")
    ports.cipher.destroy_data_key(org, key_id)


def _again(ports: Ports, provider: Provider, version: KeyVersion, sealed: SealedCredential) -> SealedCredential:
    destination = provider.destination(version)
    secret = ports.cipher.open(sealed, destination)
    again = ports.cipher.seal(sealed.org, sealed.provider_id, sealed.version, destination, secret)
    return replace(sealed, data_key_id=again.data_key_id, nonce=again.nonce, ciphertext=again.ciphertext)


def _stored(
    ports: Ports, org: str, before: str | None = None
) -> Iterator[tuple[Provider, KeyVersion, SealedCredential]]:
    """Yield every stored version of the organization, including expired ones that the reaper has not destroyed yet."""
    while True:
        page, before = ports.providers.list(org, ProviderFilter(), _PAGE, before)
        for provider in page:
            for version in provider.versions:
                sealed = ports.providers.sealed(org, provider.id, version.number)
                if sealed is not None:
                    yield provider, version, sealed
        if before is None:
            return


def _no_key(org: str) -> UnknownDataKey:
    return UnknownDataKey(f"organization {org} has no data key: it has stored no credential yet")
