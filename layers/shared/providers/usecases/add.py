"""Add a provider: verify it, then store it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from providers.model.errors import Conflict
from providers.model.events import EventType, provider_event
from providers.model.provider import Provider
from providers.ports import LimitReached, NameTaken, Ports, StaleWrite
from providers.usecases.change_warnings import warnings_for
from providers.usecases.commands import NewProvider
from providers.usecases.mutation import BY_SYSTEM, Mutation, limit_exceeded, write_contention
from providers.usecases.verification import (
    Changed,
    refuse_expired,
    refuse_unless_promoted,
    verify_credential,
)
from providers_contract.vocabulary import Action, Outcome, Status


def add_provider(ports: Ports, org: str, new: NewProvider, mutation: Mutation[Changed] = BY_SYSTEM) -> Changed:
    """Verify and store a provider, and return it with warnings; it is `pending` if it could not be verified.

    Raises Unprocessable (credential_format, credential_rejected, base_url_…), VerificationFailed, Conflict
    (name_taken, limit_exceeded), RateLimited, Unavailable. Then nothing was stored, unless Unavailable says that this
    is unknown.
    """
    refuse_expired(new.key_expires_at, ports.clock.now())
    vendor = ports.vendors(new.vendor)
    verified = verify_credential(ports, org, vendor, new.api_key, new.base_url)
    pending = new.on_unavailable == "store_pending" and verified.verdict.outcome is Outcome.INDETERMINATE
    if not pending:
        refuse_unless_promoted(vendor, verified)
    now = ports.clock.now()
    provider = Provider(
        org=org,
        id=f"prov_{ports.clock.new_id()}",
        vendor=vendor.name,
        status=Status.PENDING if pending else Status.ACTIVE,
        created_at=now,
        updated_at=now,
        versions=(verified.version(1, now, new.key_expires_at),),
        verification=verified.verification(now),
        **new.editable,
    )
    warnings = warnings_for(ports, vendor, verified, provider)
    sealed = ports.cipher.seal(org, provider.id, 1, provider.destination(provider.active), verified.credential.secret)
    events = [provider_event(ports.clock.new_id(), EventType.CREATED, now, provider)]
    entry = mutation.entry(ports, Action.CREATED, now, None, provider)
    try:
        side_writes = mutation.with_entry(entry, (provider, warnings), events)
        ports.providers.create(provider, sealed, side_writes, ports.policy.limits)
    except NameTaken:
        holders = [each["provider_ids"] for each in warnings if each["code"] == "duplicate_credential"]
        raise name_taken(*holders) from None
    except LimitReached as error:
        raise limit_exceeded(ports, error) from None
    except StaleWrite:
        raise write_contention() from None
    return provider, warnings


def name_taken(holders: Sequence[str] = ()) -> Conflict:
    """Return the 409 for a name that another provider has; case is ignored.

    `holders` are the providers that already have the new credential: a repeated import then reports it as stored.
    """
    details: dict[str, Any] = {}
    if holders:
        details["references"] = [{"type": "provider", "id": each} for each in holders]
    message = "another provider has this name; names are unique, ignoring case"
    return Conflict("name_taken", message, param="name", **details)
