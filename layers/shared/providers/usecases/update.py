"""Change a provider. A new credential is verified first, and then replaces the active one in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from providers.model.errors import (
    Conflict,
    Unprocessable,
    version_not_found,
)
from providers.model.events import EventType, provider_event
from providers.model.health import Health
from providers.model.metrics import ROTATIONS
from providers.model.provider import KeyVersion, Provider
from providers.ports import NameTaken, Ports, StaleWrite
from providers.usecases.add import name_taken
from providers.usecases.base_url import tidied
from providers.usecases.change_warnings import base_url_reset, rotation_warnings
from providers.usecases.commands import UNSET, Change
from providers.usecases.mutation import BY_SYSTEM, Mutation, unchanged
from providers.usecases.preconditions import TRIES, read_matching, version_conflict
from providers.usecases.retirement import replace_active
from providers.usecases.verification import (
    Changed,
    VerifiedCredential,
    refuse_expired,
    refuse_unless_promoted,
    verify_credential,
)
from providers_contract.vocabulary import Action, Status


def update_provider(
    ports: Ports,
    org: str,
    provider_id: str,
    change: Change,
    if_match: str | None = None,
    *,
    mutation: Mutation[Changed] = BY_SYSTEM,
) -> Changed:
    """Apply `change` and return the provider with warnings.

    After a lost race over other fields, the change is applied again to the new state. A lost race with another rotation
    is 409 `rotation_conflict`, because the version that the caller meant to replace is no longer active, unless the
    other rotation activated the same credential.
    Raises NotFound, PreconditionFailed, Unprocessable, VerificationFailed, RateLimited, Conflict, Unavailable. Then
    nothing was changed, unless Unavailable says that this is unknown.
    """
    before = read_matching(ports, org, provider_id, if_match)
    base_url = change.base_url
    if isinstance(base_url, str):
        base_url = tidied(ports.vendors(before.vendor), base_url)
    if base_url not in (UNSET, before.base_url) and change.api_key is None:
        raise Unprocessable(
            "base_url_not_allowed",
            "send api_key again together with a new base_url, so that a stored key never goes to a host its owner "
            "did not name with it",
            param="base_url",
        )
    if change.key_expires_at is not UNSET:
        refuse_expired(change.key_expires_at, ports.clock.now())
    return make_change(ports, before, change, Action.ROTATED, if_match=if_match, mutation=mutation)


def make_change(
    ports: Ports,
    before: Provider,
    change: Change,
    action: Action,
    source: KeyVersion | None = None,
    *,
    if_match: str | None,
    mutation: Mutation[Changed],
) -> Changed:
    """Apply `change` to the provider that was read as `before`.

    `action` is the audit action if the change replaces the credential; `source` is the earlier version whose credential
    a rollback restores.
    """
    org, provider_id, began_with = before.org, before.id, before.active.number
    account = None if source is None else source.account
    verified: VerifiedCredential | None = None
    if change.api_key is not None:
        vendor = ports.vendors(before.vendor)
        base_url = before.base_url if change.base_url is UNSET else change.base_url
        verified = verify_credential(ports, org, vendor, change.api_key, base_url)
        refuse_unless_promoted(vendor, verified)
    for _ in range(TRIES):
        after = _apply(ports, before, change, verified, account)
        warnings = [] if verified is None else rotation_warnings(ports, before, after, verified)
        if action is Action.ROTATED and after.base_url is None and before.base_url is not None:
            warnings.append(base_url_reset(before))
        if after == before:
            return unchanged(ports, mutation, (before, warnings))
        rotates = after.active.number != before.active.number
        sealed, events = None, []
        if verified is not None and rotates:
            destination = after.destination(after.active)
            secret = verified.credential.secret
            sealed = ports.cipher.seal(org, provider_id, after.active.number, destination, secret)
            events = [provider_event(ports.clock.new_id(), EventType.ROTATED, after.updated_at, after)]
        entry = mutation.entry(ports, action if rotates else Action.UPDATED, after.updated_at, before, after)
        try:
            ports.providers.change(before, after, sealed, mutation.with_entry(entry, (after, warnings), events))
        except NameTaken:
            raise name_taken() from None
        except StaleWrite:
            before = read_matching(ports, org, provider_id, if_match)
            if verified is None or verified.is_active_in(before):
                continue
            if before.active.number != began_with:
                raise Conflict(
                    "rotation_conflict",
                    "another rotation of this provider finished first; read it and decide whether to rotate again",
                    resource="provider",
                    id=provider_id,
                ) from None
            if source is not None and all(each.number != source.number for each in before.versions):
                raise version_not_found(source.number) from None  # destroyed in the meantime: never restore it
        else:
            if rotates:
                ports.metrics.count(ROTATIONS, vendor=after.vendor)
            return after, warnings
    raise version_conflict(provider_id)


def _apply(
    ports: Ports, before: Provider, change: Change, verified: VerifiedCredential | None, account: str | None
) -> Provider:
    """Return `before` with `change` applied; `before` itself if nothing differs."""
    now = ports.clock.now()
    after = change.edited(before)
    expires_at = None if change.key_expires_at is UNSET else change.key_expires_at
    if verified is not None and verified.is_active_in(before):
        after = _verified_again(after, verified, now)
    elif verified is not None:
        new = verified.version(before.active.number + 1, now, expires_at)
        new = replace(new, account=new.account or account)
        after = replace(
            after,
            versions=replace_active(before.versions, new, now, ports.policy.grace),
            verification=verified.verification(now),
            health=Health(version=before.active.number + 1),
            probe_after=None,
            throttled=0,
        )
    if change.key_expires_at is not UNSET:
        known = None if verified is None else verified.credential.expires_at
        active = replace(after.active, key_expires_at=known or expires_at)
        after = replace(after, versions=(*after.versions[:-1], active))
    if change.status is Status.DISABLED:
        after = replace(after, status=Status.DISABLED)
    elif change.status is Status.ACTIVE or after.status is Status.PENDING:
        proven = after.verification.outcome.promotes
        after = replace(after, status=Status.ACTIVE if proven else Status.PENDING)
    if after == before:
        return before
    return replace(after, updated_at=now, revision=before.revision + 1)


def _verified_again(provider: Provider, verified: VerifiedCredential, now: datetime) -> Provider:
    """Return `provider` with the new verdict if it differs: a pipeline that resends the same key writes nothing."""
    found = verified.verification(now)
    known = provider.verification
    if (found.outcome, found.reason) == (known.outcome, known.reason):
        return provider
    return replace(provider, verification=found)
