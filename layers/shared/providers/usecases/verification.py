"""Verify a credential before it is stored: parse it, apply the rate limits, call its vendor, accept or refuse it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from providers.model.errors import (
    ProvidersError,
    RateLimited,
    Unprocessable,
    VerificationFailed,
    invalid_field,
)
from providers.model.metrics import VERIFICATION_LATENCY, VERIFICATIONS
from providers.model.provider import KeyVersion, Provider, Verification
from providers.model.vendor import Credential, Vendor
from providers.model.verdict import Verdict, explain
from providers.ports import Ports
from providers.usecases.base_url import check_base_url
from providers_contract.frozen import dataclass
from providers_contract.secret import Secret
from providers_contract.vocabulary import Outcome, Reason

FINGERPRINT: Final = "credential-fingerprint"
SPARED: Final = 3
"""Number of verifications per organization and minute that the stack's limit never refuses."""

Warnings = list[dict[str, Any]]
Changed = tuple[Provider, Warnings]
"""A provider after a change, and the warnings about the change."""


@dataclass(frozen=True, slots=True)
class VerifiedCredential:
    """A credential and the verdict of its verification, which may be a refusal."""

    credential: Credential
    base_url: str | None
    verdict: Verdict
    fingerprint: str

    def verification(self, at: datetime) -> Verification:
        """Return the verdict in the form stored with the provider."""
        return Verification(self.verdict.outcome, self.verdict.reason, at)

    def version(self, number: int, at: datetime, key_expires_at: datetime | None) -> KeyVersion:
        """Return the credential as a key version; an expiry in the credential itself overrides `key_expires_at`."""
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
        """Return whether it is the provider's active credential, at the same base_url."""
        active = provider.active
        return (self.fingerprint, self.base_url) == (active.fingerprint, active.base_url)


def verify_credential(
    ports: Ports, org: str, vendor: Vendor, api_key: Secret, base_url: str | None
) -> VerifiedCredential:
    """Verify `api_key` with `vendor`. Raises Unprocessable for a bad base_url or format, RateLimited, Unavailable.

    The result may be a refusal: see `refuse_unless_promoted`.
    """
    base_url = check_base_url(vendor, base_url, ports.policy)
    credential = vendor.parse(api_key, base_url)
    fingerprint = ports.digests.digest(FINGERPRINT, org, vendor.name, api_key.reveal())
    _count_verification(ports, org)
    verdict = ports.verify(vendor, credential, base_url)
    ports.metrics.count(VERIFICATIONS, vendor=vendor.name, outcome=verdict.outcome)
    if verdict.latency_ms is not None:
        ports.metrics.measure(VERIFICATION_LATENCY, verdict.latency_ms, vendor=vendor.name, outcome=verdict.outcome)
    return VerifiedCredential(credential, base_url, verdict, fingerprint)


def refuse_expired(key_expires_at: datetime | None, now: datetime) -> None:
    """Raise Unprocessable (`validation_failed`) if the expiry is not in the future."""
    if key_expires_at is not None and key_expires_at <= now:
        raise invalid_field("key_expires_at", "must be in the future", "past")


def _count_verification(ports: Ports, org: str) -> None:
    """Rate-limit verification so that the API is no oracle for stolen keys.

    The stack's limit never refuses an organization's first `SPARED` verifications in a minute, so that an emergency
    rotation succeeds however busy the other organizations are. Verifications that the organization's own limit refuses
    do not count towards the stack's. Raises RateLimited (`verification_rate_limited`), Unavailable.
    """
    minute, seconds = divmod(int(ports.clock.now().timestamp()), 60)
    limit = ports.policy.verifications_per_org
    counts = ports.verifications.count(org, minute, limit)
    if counts is None:
        reached = f"{limit} of this organization's credentials were verified in this minute"
    elif counts[0] > SPARED and counts[1] > ports.policy.verifications:
        reached = "this stack's limit of verifications is reached for this minute"
    else:
        return
    wait = 60 - seconds
    raise RateLimited(
        "verification_rate_limited",
        f"{reached}; nothing was changed, try again in {wait} s",
        retry_after_s=wait,
    )


def refuse_unless_promoted(vendor: Vendor, verified: VerifiedCredential) -> None:
    """Raise unless the credential may become active. Refused credentials and unavailable vendors are different errors.

    The error does not say why the vendor refuses a credential, so that it reveals nothing about a stolen one; the log
    has the reason. It does say that a temporary credential has expired, because the credential itself shows that.
    """
    verdict = verified.verdict
    if verdict.outcome.promotes or verdict.reason is None:
        return
    refused = verdict.outcome is Outcome.INVALID
    expired = verified.credential.temporary and verdict.reason is Reason.CREDENTIAL_EXPIRED
    details: dict[str, Any] = {
        "reason": Reason.CREDENTIAL_REJECTED.value if refused and not expired else verdict.reason.value,
        "retryable": verdict.retryable,
        "vendor_request_id": verdict.request_id,
    }
    error: ProvidersError
    if refused:
        problem = _expiry(verified.credential) if expired else _refusal(vendor, verified.credential)
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
    return f"the temporary credential has expired{at}: get a new one and send it"


def _refusal(vendor: Vendor, credential: Credential) -> str:
    hint = "" if credential.familiar else f"; it does not look like a credential of {vendor.name} either"
    return f"{vendor.name} refused the credential: it is mistyped, revoked, expired or suspended{hint}"
