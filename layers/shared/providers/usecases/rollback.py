"""Restore the credential of an earlier version, as a new version."""

from __future__ import annotations

from providers.model.errors import Conflict, invalid_field, version_not_found
from providers.ports import Ports
from providers.usecases.commands import UNSET, Change
from providers.usecases.mutation import BY_SYSTEM, Mutation
from providers.usecases.preconditions import read_matching
from providers.usecases.update import make_change
from providers.usecases.verification import Changed
from providers_contract.vocabulary import Action


def rollback_provider(
    ports: Ports,
    org: str,
    provider_id: str,
    version: int | None = None,
    if_match: str | None = None,
    *,
    mutation: Mutation[Changed] = BY_SYSTEM,
) -> Changed:
    """Make an earlier version's credential active again, as a new version; return the provider and warnings.

    `version` must be live; None means the one before the active. It keeps its own base_url, and is verified first, so
    that a key that was revoked in the meantime never replaces one that works. Raises NotFound, Conflict
    (`version_conflict` if no earlier version is live), and the exceptions of `update_provider`.
    """
    before = read_matching(ports, org, provider_id, if_match)
    now = ports.clock.now()
    earlier = before.live_versions(now)[:-1]
    if version == before.active.number:
        raise invalid_field("version", "is already active")
    if version is None and not earlier:
        raise Conflict(
            "version_conflict",
            "no earlier version of this credential is live; rotate to the credential that you want instead",
            resource="provider",
            id=provider_id,
        )
    target = earlier[-1] if version is None else next((each for each in earlier if each.number == version), None)
    sealed = None if target is None else ports.providers.sealed(org, provider_id, target.number)
    if target is None or sealed is None or not sealed.readable(now):
        raise version_not_found(version)
    change = Change(
        api_key=ports.cipher.open(sealed, before.destination(target)),
        base_url=target.base_url,
        key_expires_at=UNSET if target.key_expires_at is None else target.key_expires_at,
    )
    return make_change(ports, before, change, Action.ROLLED_BACK, target, if_match=if_match, mutation=mutation)
