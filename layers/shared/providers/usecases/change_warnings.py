"""The warnings about a change."""

from __future__ import annotations

from typing import Any

from providers.model.provider import MAX_LIVE_VERSIONS, Provider
from providers.model.vendor import Vendor
from providers.model.verdict import explain
from providers.ports import Ports
from providers.usecases.verification import VerifiedCredential, Warnings
from providers_contract.vocabulary import Reason


def warnings_for(ports: Ports, vendor: Vendor, verified: VerifiedCredential, provider: Provider) -> Warnings:
    """Return the warnings about the new credential of `provider`."""
    found: Warnings = []
    if verified.verdict.reason is Reason.WRONG_REGION:
        message = f"{vendor.name} knows the credential, but {explain(Reason.WRONG_REGION)}"
        found.append({"code": "wrong_region", "message": message})
    if not verified.credential.familiar:
        found.append(
            {
                "code": "unfamiliar_format",
                "message": f"this does not look like a {vendor.name} credential; it was verified anyway",
            }
        )
    others = [
        other for other in ports.providers.with_fingerprint(provider.org, verified.fingerprint) if other != provider.id
    ]
    if others:
        found.append(
            {
                "code": "duplicate_credential",
                "message": "another provider has the same credential; rotating one does not change the other",
                "provider_ids": sorted(others),
            }
        )
    return found


def rotation_warnings(ports: Ports, before: Provider, after: Provider, verified: VerifiedCredential) -> Warnings:
    """Return the warnings about the rotation from `before` to `after`."""
    found = warnings_for(ports, ports.vendors(after.vendor), verified, after)
    if after.active.number == before.active.number:
        message = "this credential is already active: it was verified, and no version was created"
        return [*found, {"code": "credential_unchanged", "message": message}]
    early = [each for each in before.live_versions(after.updated_at)[:-1] if each not in after.versions]
    for version in early:
        message = (
            f"version {version.number} was destroyed before its grace window ended: a provider has at most "
            f"{MAX_LIVE_VERSIONS} live versions"
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


def base_url_reset(before: Provider) -> dict[str, Any]:
    """Return the warning that a null has reset the provider's base_url to the vendor's own host."""
    message = f"base_url was {before.base_url} and is now {before.vendor}'s own host, because base_url was sent as null"
    return {"code": "base_url_reset", "message": message}
