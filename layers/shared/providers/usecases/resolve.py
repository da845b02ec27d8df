"""Read a credential in order to use it: the only way for a data plane."""

from __future__ import annotations

from dataclasses import dataclass

from providers.model.errors import Unavailable, provider_disabled, provider_not_found, version_not_found
from providers.model.sealed import USED_EVERY, SealedCredential
from providers.ports import Ports
from providers.usecases.base_url import check_base_url
from providers_contract.secret import Secret
from providers_contract.vocabulary import Status


@dataclass(frozen=True, slots=True)
class Resolved:
    """A credential, its destination, and its version: a request keeps the version that it started with."""

    vendor: str
    base_url: str | None
    version: int
    secret: Secret


def resolve(ports: Ports, org: str, provider_id: str, version: int | None = None) -> Resolved:
    """Return the active credential, or the given version while its grace window lasts.

    A data plane calls it without a version when a request starts, and with the returned version whenever the same
    request needs the credential again. It records `last_used_at` at most once a minute; if that fails, the read still
    succeeds. Raises NotFound (`provider_not_found`, `version_not_found`), Conflict (`provider_disabled`), Unprocessable
    (`base_url_not_allowed` if the operator has withdrawn the host), TamperedCredential, Unavailable.
    """
    for last_try in (False, True):
        provider = ports.providers.get(org, provider_id)
        if provider is None:
            raise provider_not_found(provider_id)
        if provider.status is Status.DISABLED:
            raise provider_disabled(provider_id)
        number = provider.active.number if version is None else version
        known = next((each for each in provider.versions if each.number == number), None)
        sealed = None if known is None else ports.providers.sealed(org, provider_id, number)
        if known is not None and sealed is not None and sealed.readable(ports.clock.now()):
            check_base_url(ports.vendors(provider.vendor), known.base_url, ports.policy)
            secret = ports.cipher.open(sealed, provider.destination(known))
            resolved = Resolved(provider.vendor, known.base_url, number, secret)
            _record_use(ports, sealed)
            return resolved
        if version is not None or last_try:
            break  # an active version can only disappear between the two reads: read again
    raise version_not_found(number)


def _record_use(ports: Ports, sealed: SealedCredential) -> None:
    now = ports.clock.now()
    if sealed.last_used_at is not None and now - sealed.last_used_at < USED_EVERY:
        return
    try:
        ports.providers.record_use(sealed, now)
    except Unavailable:
        return  # the next read records it
