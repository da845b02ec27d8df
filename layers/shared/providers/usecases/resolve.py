"""Read a credential in order to use it, for the function `resolve_credential`."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta

from providers.model.errors import Unavailable, provider_disabled, provider_not_found, version_not_found
from providers.ports import Ports
from providers.usecases.base_url import check_base_url
from providers_contract.frozen import dataclass
from providers_contract.ids import PROVIDER_ID
from providers_contract.secret import Secret
from providers_data_plane.errors import ProviderDisabled, ProviderNotFound, VersionNotFound
from providers_data_plane.reading import Source, read
from providers_data_plane.sealed import USED_EVERY, SealedCredential
from providers_data_plane.settings import COMMIT_S, MAX_AGE_S


@dataclass(frozen=True, slots=True)
class Resolved:
    """A credential, its destination, and its version: a request keeps the version that it started with.

    `expires_at` is the end of the version's grace window, None while it is active.
    """

    vendor: str
    base_url: str | None
    version: int
    secret: Secret
    expires_at: datetime | None = field(default=None, compare=False)

    def max_age_s(self, grace: timedelta, now: datetime) -> float:
        """Return for how many seconds a reader may use it without reading again."""
        if self.expires_at is None:
            return max(0.0, min(MAX_AGE_S, grace.total_seconds() - COMMIT_S))
        return max(0.0, min(MAX_AGE_S, (self.expires_at - now).total_seconds()))


def find(ports: Ports, org: str, reference: str) -> str:
    """Return the id of the provider with this id or name. Raises NotFound, Unavailable."""
    if PROVIDER_ID.fullmatch(reference):
        return reference
    found = ports.providers.named(org, reference)
    if found is None:
        raise provider_not_found(reference)
    return found


def resolve(ports: Ports, org: str, provider_id: str, version: int | None = None) -> Resolved:
    """Return the active credential, or the given version while its grace window lasts.

    A data plane calls it without a version when a request starts, and with the returned version whenever the same
    request needs the credential again. It records `last_used_at` at most once a minute; if that fails, the read still
    succeeds. Raises NotFound (`provider_not_found`, `version_not_found`), Conflict (`provider_disabled`), Unprocessable
    (`base_url_not_allowed` if the operator has withdrawn the host), TamperedCredential, Unavailable.
    """
    source = Source(
        ports.providers.get,
        ports.providers.sealed,
        lambda vendor, base_url: check_base_url(ports.vendors(vendor), base_url, ports.policy),
        ports.cipher.open,
        ports.clock.now,
    )
    try:
        found = read(source, org, provider_id, version)
    except ProviderNotFound:
        raise provider_not_found(provider_id) from None
    except ProviderDisabled:
        raise provider_disabled(provider_id) from None
    except VersionNotFound as error:
        raise version_not_found(error.version) from None
    _record_use(ports, found.sealed)
    destination, row = found.destination, found.sealed
    return Resolved(destination.vendor, destination.base_url, row.version, found.secret, row.expires_at)


def _record_use(ports: Ports, sealed: SealedCredential) -> None:
    now = ports.clock.now()
    if sealed.last_used_at is not None and now - sealed.last_used_at < USED_EVERY:
        return
    try:
        ports.providers.record_use(sealed, now)
    except Unavailable:
        return  # the next read records it
