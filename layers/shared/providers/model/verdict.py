"""The result of a verification: valid, or the reason why not."""

from __future__ import annotations

from typing import Final

from providers_contract.frozen import dataclass
from providers_contract.vocabulary import Outcome, Reason


@dataclass(frozen=True, slots=True)
class _Facts:
    outcome: Outcome
    retryable: bool
    sentence: str


_L, _I, _U = Outcome.LIMITED, Outcome.INVALID, Outcome.INDETERMINATE
_FACTS: Final[dict[Reason, _Facts]] = {
    Reason.RATE_LIMITED: _Facts(_L, True, "the vendor accepts the credential but is rate-limiting it"),
    Reason.QUOTA_EXHAUSTED: _Facts(_L, False, "the account's quota or spending limit is used up"),
    Reason.PAYMENT_REQUIRED: _Facts(_L, False, "the vendor requires a payment from this account"),
    Reason.INSUFFICIENT_PERMISSION: _Facts(_L, False, "the credential lacks the permission to list models"),
    Reason.NETWORK_RESTRICTED: _Facts(
        _L, False, "the credential may be used only from other network addresses, sites or apps"
    ),
    Reason.NOT_A_MEMBER: _Facts(_L, False, "the credential's user is not a member of any organization at the vendor"),
    Reason.SERVICE_NOT_ENABLED: _Facts(_L, False, "the vendor's service is not enabled for this account"),
    Reason.KEY_AUTH_DISABLED: _Facts(
        _L, False, "the resource or organization does not accept credentials of this kind"
    ),
    Reason.ACCOUNT_SUSPENDED: _Facts(_L, False, "the account is temporarily suspended"),
    Reason.WRONG_REGION: _Facts(
        _L,
        False,
        "its project belongs to another region: set base_url to that region's host, such as https://eu.api.openai.com/v1",
    ),
    Reason.CREDENTIAL_REJECTED: _Facts(_I, False, "it does not exist, is mistyped or was revoked"),
    Reason.CREDENTIAL_EXPIRED: _Facts(_I, False, "the credential has expired"),
    Reason.CREDENTIAL_SUSPENDED: _Facts(_I, False, "the vendor has suspended the credential"),
    Reason.CREDENTIAL_LEAKED: _Facts(_I, False, "the vendor revoked the credential because it was found in public"),
    Reason.ACCOUNT_DISABLED: _Facts(_I, False, "the vendor has disabled the account that the credential belongs to"),
    Reason.TIMEOUT: _Facts(_U, True, "the vendor did not respond in time"),
    Reason.DNS_FAILED: _Facts(_U, True, "the vendor's host name does not resolve"),
    Reason.CONNECTION_FAILED: _Facts(_U, True, "the vendor could not be reached"),
    Reason.CONNECTION_DROPPED: _Facts(_U, True, "the connection was lost before the response was complete"),
    Reason.TLS_FAILED: _Facts(_U, False, "a trusted TLS connection to the vendor could not be established"),
    Reason.ADDRESS_REFUSED: _Facts(_U, False, "the host name resolves to an address that is not public"),
    Reason.HTTP_5XX: _Facts(_U, True, "the vendor responded with a server error"),
    Reason.OVERLOADED: _Facts(_U, True, "the vendor is overloaded"),
    Reason.THROTTLED: _Facts(_U, True, "the vendor's edge is rate-limiting requests before it checks the key"),
    Reason.REDIRECTED: _Facts(_U, False, "the vendor responded with a redirect, which is not followed"),
    Reason.ANSWER_TOO_LARGE: _Facts(_U, False, "the vendor's response is too large for a list of models"),
    Reason.UNEXPECTED_ANSWER: _Facts(_U, False, "the vendor's response is not a known one, so it proves nothing"),
    Reason.WRONG_PATH: _Facts(_U, False, "the vendor's API was not found at this base_url"),
    Reason.LOCATION_NOT_SUPPORTED: _Facts(_U, False, "the vendor does not serve this system's location"),
    Reason.NETWORK_BLOCKED: _Facts(_U, False, "the vendor's network rules block this system's address"),
    Reason.CLOCK_SKEW: _Facts(_U, True, "the vendor's clock and ours differ too much for a signature"),
    Reason.REGION_NOT_ENABLED: _Facts(_U, False, "the region is not enabled for this account"),
    Reason.BASE_URL_NOT_ALLOWED: _Facts(
        _U, False, "this stack does not allow the host in its base_url, so nothing was sent"
    ),
    Reason.SEAL_BROKEN: _Facts(
        _U, False, "the stored credential cannot be decrypted: its items in DynamoDB were changed, so nothing was sent"
    ),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one verification.

    Args:
        reason: why it is not `valid`; None means valid. The outcome follows from it.
        request_id: the vendor's id of the request, checked to be a plain identifier, or None.
        account: the vendor's id of the account, if the response contains it, or None.
        retry_after_s: seconds that the vendor requires us to wait, or None.
        latency_ms: milliseconds from sending the last request to its complete response, or None without one.
    """

    reason: Reason | None = None
    request_id: str | None = None
    account: str | None = None
    retry_after_s: float | None = None
    latency_ms: int | None = None

    @property
    def outcome(self) -> Outcome:
        """One of the four outcomes."""
        return outcome_of(self.reason)

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later without a change by the caller."""
        return self.reason is not None and _FACTS[self.reason].retryable


def outcome_of(reason: Reason | None) -> Outcome:
    """Return the outcome for `reason`; None is valid."""
    return Outcome.VALID if reason is None else _FACTS[reason].outcome


def explain(reason: Reason) -> str:
    """Return a clause that explains `reason`, never quoting the vendor."""
    return _FACTS[reason].sentence
