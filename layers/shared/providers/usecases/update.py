"""Change a provider. A new credential is verified before it replaces the one in force, in one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from providers.model.errors import (
    Conflict,
    PreconditionFailed,
    Unprocessable,
    invalid_field,
    provider_not_found,
    version_not_found,
)
from providers.model.events import EventType, provider_event
from providers.model.health import Health
from providers.model.provider import MAX_LIVE_VERSIONS, KeyVersion, Provider
from providers.ports import NameTaken, Ports, StaleWrite
from providers.usecases.add import name_taken
from providers.usecases.base_url import tidied
from providers.usecases.credentials import (
    Changed,
    Checked,
    Warnings,
    check_credential,
    refuse_expired,
    refuse_unless_promoted,
    warnings_for,
)
from providers.usecases.events import publish
from providers.usecases.mutation import BY_SYSTEM, Mutation, unchanged
from providers_contract.secret import Secret
from providers_contract.vocabulary import Action, Status

TRIES = 5
"""How often a change that lost a race is tried again on what it finds then."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a caller asks to be changed; None leaves a member as it is.

    `sets_base_url` and `sets_key_expires_at` say that a None is meant: the vendor's own host, an unknown expiry.
    """

    name: str | None = None
    api_key: Secret | None = None
    base_url: str | None = None
    sets_base_url: bool = False
    status: Status | None = None
    key_expires_at: datetime | None = None
    sets_key_expires_at: bool = False


def update_provider(
    ports: Ports,
    org: str,
    provider_id: str,
    change: Change,
    if_match: str | None = None,
    *,
    mutation: Mutation[Changed] = BY_SYSTEM,
) -> Changed:
    """The provider as it is after `change`, and warnings.

    A lost race over other members of the provider is tried again on the new state; a lost race with another rotation
    is 409 `rotation_conflict`, because what the caller meant to replace is no longer there; unless that one put the
    very same credential in force.
    Raises NotFound, PreconditionFailed, Unprocessable, VerificationFailed, RateLimited, Conflict, Unavailable; whatever
    is raised, nothing was changed, unless Unavailable says that this is not known.
    """
    before = read_matching(ports, org, provider_id, if_match)
    base_url = None if change.base_url is None else tidied(ports.vendors(before.vendor), change.base_url)
    if change.sets_base_url and change.api_key is None and base_url != before.base_url:
        raise Unprocessable(
            "base_url_not_allowed",
            "send api_key again together with a new base_url, so that a stored key never goes to a host its owner "
            "did not name with it",
            param="base_url",
        )
    refuse_expired(change.key_expires_at, ports.clock.now())
    return _make(ports, before, change, Action.ROTATED, if_match=if_match, mutation=mutation)


def rollback_provider(
    ports: Ports,
    org: str,
    provider_id: str,
    version: int | None = None,
    if_match: str | None = None,
    *,
    mutation: Mutation[Changed] = BY_SYSTEM,
) -> Changed:
    """The provider with the credential of an earlier version in force again, as a new version, and warnings.

    `version` is a live one, None for the one before the active. It comes back with the base_url that belongs to it, and
    is verified first: what has been revoked meanwhile does not displace a key that works.
    Raises NotFound, Conflict (`version_conflict` where no earlier version is live), and what `update_provider` raises.
    """
    before = read_matching(ports, org, provider_id, if_match)
    now = ports.clock.now()
    earlier = before.live_versions(now)[:-1]
    if version == before.active.number:
        raise invalid_field("version", "is the active one already")
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
        sets_base_url=True,
        key_expires_at=target.key_expires_at,
        sets_key_expires_at=target.key_expires_at is not None,
    )
    return _make(ports, before, change, Action.ROLLED_BACK, target, if_match=if_match, mutation=mutation)


def _make(
    ports: Ports,
    before: Provider,
    change: Change,
    action: Action,
    source: KeyVersion | None = None,
    *,
    if_match: str | None,
    mutation: Mutation[Changed],
) -> Changed:
    """Make `change`; `source` is the version that its credential was read from, if it is brought back.

    `action` is what the audit trail calls it when the credential is replaced.
    """
    org, provider_id, began_with = before.org, before.id, before.active.number
    account = None if source is None else source.account
    checked: Checked | None = None
    if change.api_key is not None:
        vendor = ports.vendors(before.vendor)
        base_url = change.base_url if change.sets_base_url else before.base_url
        checked = check_credential(ports, org, vendor, change.api_key, base_url)
        refuse_unless_promoted(vendor, checked)
    for _ in range(TRIES):
        after = _apply(ports, before, change, checked, account)
        warnings = [] if checked is None else _rotation_warnings(ports, before, after, checked)
        if action is Action.ROTATED and after.base_url is None and before.base_url is not None:
            warnings.append(_base_url_reset(before))
        if after == before:
            return unchanged(ports, mutation, (before, warnings))
        rotates = after.active.number != before.active.number
        sealed, events = None, []
        if checked is not None and rotates:
            destination = after.destination(after.active)
            secret = checked.credential.secret
            sealed = ports.cipher.seal(org, provider_id, after.active.number, destination, secret)
            events = [provider_event(ports.clock.new_id(), EventType.ROTATED, after.updated_at, after)]
        entry = mutation.entry(ports, action if rotates else Action.UPDATED, after.updated_at, before, after)
        try:
            ports.providers.change(before, after, sealed, mutation.with_entry(entry, (after, warnings), events))
        except NameTaken:
            raise name_taken() from None
        except StaleWrite:
            before = read_matching(ports, org, provider_id, if_match)
            if checked is None or _is_active(before, checked):
                continue
            if before.active.number != began_with:
                raise Conflict(
                    "rotation_conflict",
                    "another rotation of this provider finished first; read it and see whether yours is still wanted",
                    resource="provider",
                    id=provider_id,
                ) from None
            if source is not None and all(each.number != source.number for each in before.versions):
                raise version_not_found(source.number) from None  # destroyed meanwhile, and not to come back
        else:
            publish(ports, events)
            return after, warnings
    raise version_conflict(provider_id)


def read_matching(ports: Ports, org: str, provider_id: str, if_match: str | None) -> Provider:
    """The provider as it is now. Raises NotFound, and PreconditionFailed where `If-Match` names another revision."""
    found = ports.providers.get(org, provider_id)
    if found is None:
        raise provider_not_found(provider_id)
    if if_match is not None and not matches(if_match, found):
        raise PreconditionFailed(
            "etag_mismatch",
            "the provider has changed since the revision that If-Match names; read it again",
            resource="provider",
            id=provider_id,
        )
    return found


def etag(provider: Provider) -> str:
    """The provider's entity tag: its revision, quoted."""
    return f'"{provider.revision}"'


def matches(if_match: str, provider: Provider) -> bool:
    """Whether an `If-Match` header names the provider's revision; weak tags never match.

    The tag of a GET has the health that was shown behind the revision (`"7-1f3a"`); that is not the owner's to guard.
    """
    tags = [tag.strip() for tag in if_match.split(",")]
    return "*" in tags or any(re.sub(r'-[0-9a-f]+"$', '"', tag) == etag(provider) for tag in tags)


def version_conflict(resource_id: str) -> Conflict:
    """409: the same thing is being changed by others at this moment."""
    return Conflict(
        "version_conflict", "it is being changed by others at this moment; read it and try again", id=resource_id
    )


def _apply(ports: Ports, before: Provider, change: Change, checked: Checked | None, account: str | None) -> Provider:
    """`before` with `change` made; `before` itself where nothing differs."""
    now = ports.clock.now()
    after = replace(before, name=before.name if change.name is None else change.name)
    if checked is not None and _is_active(before, checked):
        after = _verified_again(after, checked, now)
    elif checked is not None:
        new = checked.version(before.active.number + 1, now, change.key_expires_at)
        new = replace(new, account=new.account or account)
        after = replace(
            after,
            versions=_rotated(before.versions, new, now, ports),
            verification=checked.verification(now),
            health=Health(version=before.active.number + 1),
            probe_after=None,
            throttled=0,
        )
    if change.sets_key_expires_at:
        known = None if checked is None else checked.credential.expires_at
        active = replace(after.active, key_expires_at=known or change.key_expires_at)
        after = replace(after, versions=(*after.versions[:-1], active))
    if change.status is Status.DISABLED:
        after = replace(after, status=Status.DISABLED)
    elif change.status is Status.ACTIVE or after.status is Status.PENDING:
        proven = after.verification.outcome.promotes
        after = replace(after, status=Status.ACTIVE if proven else Status.PENDING)
    if after == before:
        return before
    return replace(after, updated_at=now, revision=before.revision + 1)


def _is_active(provider: Provider, checked: Checked) -> bool:
    """Whether the verified credential is the active one, at the same base_url."""
    active = provider.active
    return (checked.fingerprint, checked.base_url) == (active.fingerprint, active.base_url)


def _verified_again(provider: Provider, checked: Checked, now: datetime) -> Provider:
    """`provider` with the verdict if that differs, so that a pipeline that sends the same key writes nothing."""
    found = checked.verification(now)
    known = provider.verification
    if (found.outcome, found.reason) == (known.outcome, known.reason):
        return provider
    return replace(provider, verification=found)


def _rotated(versions: tuple[KeyVersion, ...], new: KeyVersion, now: datetime, ports: Ports) -> tuple[KeyVersion, ...]:
    """`versions` with `new` active. The one it replaces retires after the grace window; expired ones are gone.

    A version too many is gone as well, the oldest first: an emergency rotation is never refused.
    """
    retired = (*versions[:-1], replace(versions[-1], retires_at=now + ports.policy.grace))
    live = [version for version in retired if version.live(now)]
    return (*live[-(MAX_LIVE_VERSIONS - 1) :], new)


def _rotation_warnings(ports: Ports, before: Provider, after: Provider, checked: Checked) -> Warnings:
    found = warnings_for(ports, ports.vendors(after.vendor), checked, after)
    if after.active.number == before.active.number:
        message = "this credential is the active one already: it was verified, and no version was created"
        return [*found, {"code": "credential_unchanged", "message": message}]
    early = [each for each in before.live_versions(after.updated_at)[:-1] if each not in after.versions]
    for version in early:
        message = (
            f"version {version.number} was destroyed before its grace window ended: a provider has "
            f"{MAX_LIVE_VERSIONS} live versions at most"
        )
        found.append({"code": "version_retired_early", "message": message, "version": version.number})
    known = next((version.account for version in reversed(before.versions) if version.account is not None), None)
    account = after.active.account
    if known is not None and account is not None and known != account:
        found.append(
            {
                "code": "account_changed",
                "message": f"the new credential belongs to another {after.vendor} account than the one it replaces",
                "from": known,
                "to": account,
            }
        )
    return found


def _base_url_reset(before: Provider) -> dict[str, Any]:
    message = f"base_url was {before.base_url} and is now {before.vendor}'s own host, because base_url was sent as null"
    return {"code": "base_url_reset", "message": message}
