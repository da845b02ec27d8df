"""What adding and rotating have in common: a credential is read, verified, and its verdict weighed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from providers.model.errors import (
    ProvidersError,
    RateLimited,
    Unprocessable,
    VerificationFailed,
    invalid_field,
)
from providers.model.provider import KeyVersion, Provider, Verification
from providers.model.vendor import Credential, Vendor
from providers.model.verdict import Verdict, explain
from providers.ports import Ports
from providers.usecases.base_url import check_base_url
from providers_contract.secret import Secret
from providers_contract.vocabulary import Outcome, Reason

FINGERPRINT: Final = "credential-fingerprint"
SPARED: Final = 3
"""Verifications of an organization's minute that the stack's limit never refuses."""

Warnings = list[dict[str, Any]]
Changed = tuple[Provider, Warnings]
"""A provider as it is after a change, and what its owner should know of that."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A credential that was verified, and what is known of it."""

    credential: Credential
    base_url: str | None
    verdict: Verdict
    fingerprint: str

    def verification(self, at: datetime) -> Verification:
        """The verdict as the provider keeps it."""
        return Verification(self.verdict.outcome, self.verdict.reason, at)

    def version(self, number: int, at: datetime, key_expires_at: datetime | None) -> KeyVersion:
        """The key version that this credential becomes; what it says of its own expiry outweighs `key_expires_at`."""
        return KeyVersion(
            number,
            self.credential.hint,
            at,
            base_url=self.base_url,
            fingerprint=self.fingerprint,
            key_expires_at=self.credential.expires_at or key_expires_at,
            account=self.verdict.account,
        )

    def is_active_in(self, provider: Provider) -> bool:
        """Whether it is the provider's active credential, at the same base_url."""
        active = provider.active
        return (self.fingerprint, self.base_url) == (active.fingerprint, active.base_url)


def check_credential(ports: Ports, org: str, vendor: Vendor, api_key: Secret, base_url: str | None) -> Checked:
    """Verify `api_key` with `vendor`. Raises `Unprocessable` for a base_url or a format that cannot be, RateLimited.

    The verdict is not judged here: see `refuse_unless_promoted`.
    """
    base_url = check_base_url(vendor, base_url, ports.policy)
    credential = vendor.parse(api_key, base_url)
    fingerprint = ports.digests.digest(FINGERPRINT, org, vendor.name, api_key.reveal())
    _count_verification(ports, org)
    return Checked(credential, base_url, ports.verify(vendor, credential, base_url), fingerprint)


def refuse_expired(key_expires_at: datetime | None, now: datetime) -> None:
    """Raise Unprocessable (`validation_failed`) for a time at which the credential has expired already."""
    if key_expires_at is not None and key_expires_at <= now:
        raise invalid_field("key_expires_at", "must lie in the future", "past")


def _count_verification(ports: Ports, org: str) -> None:
    """Rate-limits verification, so that the API is no oracle for stolen keys.

    The stack's limit never refuses the first `SPARED` of an organization's minute: however busy the others are, an
    emergency rotation goes through. What an organization is refused does not count for the stack.
    Raises RateLimited (`verification_rate_limited`), Unavailable.
    """
    minute, seconds = divmod(int(ports.clock.now().timestamp()), 60)
    own = ports.verifications.count(org, minute)
    if own > ports.policy.verifications_per_org:
        whose = f"{ports.policy.verifications_per_org} of this organization's credentials were"
    elif ports.verifications.count(None, minute) > ports.policy.verifications and own > SPARED:
        whose = "as many credentials as this stack allows were"
    else:
        return
    wait = 60 - seconds
    raise RateLimited(
        "verification_rate_limited",
        f"{whose} verified in this minute; nothing was changed, try again in {wait} s",
        retry_after_s=wait,
    )


def refuse_unless_promoted(vendor: Vendor, checked: Checked) -> None:
    """Return for a verdict that promotes; raise for one that does not, telling a bad key from a vendor's bad day.

    Why a vendor refuses a key is not told, so that nobody learns here what is known of a key that is not theirs; the
    log has the reason. What the credential itself shows is told: that it is temporary, and has expired.
    """
    verdict = checked.verdict
    if verdict.outcome.promotes or verdict.reason is None:
        return
    refused = verdict.outcome is Outcome.INVALID
    expired = checked.credential.temporary and verdict.reason is Reason.CREDENTIAL_EXPIRED
    details: dict[str, Any] = {
        "reason": Reason.CREDENTIAL_REJECTED.value if refused and not expired else verdict.reason.value,
        "retryable": verdict.retryable,
        "vendor_request_id": verdict.request_id,
    }
    error: ProvidersError
    if refused:
        problem = _expiry(checked.credential) if expired else _refusal(vendor, checked.credential)
        error = Unprocessable("credential_rejected", f"{problem}; nothing was changed", param="api_key", **details)
    else:
        timed_out = verdict.reason is Reason.TIMEOUT
        error = VerificationFailed(
            "verification_timeout" if timed_out else "verification_unavailable",
            f"the credential could not be verified with {vendor.name}: {explain(verdict.reason)}; nothing was changed",
            retry_after_s=None if verdict.retry_after_s is None else max(1, round(verdict.retry_after_s)),
            **details,
        )
    error.add_note(f"reason: {verdict.reason.value}")
    raise error


def _expiry(credential: Credential) -> str:
    at = "" if credential.expires_at is None else f" at {credential.expires_at:%Y-%m-%dT%H:%M:%SZ}"
    return f"the credential is a temporary one that has expired{at}: get a new one and send that"


def _refusal(vendor: Vendor, credential: Credential) -> str:
    hint = "" if credential.familiar else f"; it does not look like a credential of {vendor.name} either"
    return f"{vendor.name} refused the credential: it is mistyped, revoked, expired or suspended{hint}"
