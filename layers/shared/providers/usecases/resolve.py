"""Read a credential in order to use it: the one way for a data plane, and for our own probes."""

from __future__ import annotations

from dataclasses import dataclass

from providers.model.errors import NotFound, provider_not_found
from providers.model.provider import Provider
from providers.model.secret import Secret
from providers.ports import Ports


@dataclass(frozen=True, slots=True)
class Resolved:
    """A credential and the version it is; a request keeps to the version that it began with."""

    provider: Provider
    version: int
    secret: Secret


def resolve(ports: Ports, org: str, provider_id: str, version: int | None = None) -> Resolved:
    """The active credential, or the given version while its grace window lasts.

    Raises NotFound (`provider_not_found`, `version_not_found`), TamperedCredential, Unavailable.
    """
    for last_try in (False, True):
        provider = ports.providers.get(org, provider_id)
        if provider is None:
            raise provider_not_found(provider_id)
        wanted = provider.active.number if version is None else version
        sealed = ports.providers.sealed(org, provider_id, wanted)
        now = ports.clock.now()
        if sealed is not None and (sealed.expires_at is None or now < sealed.expires_at):
            return Resolved(provider, wanted, ports.cipher.open(sealed))
        if version is not None or last_try:
            break  # an active version can only have gone between the two reads: look once more
    raise NotFound("version_not_found", "no readable version of this number", resource="version", id=str(wanted))
