"""Requests to vendors: a single request, a verification, a probe; and the count of verifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from providers_contract.vocabulary import Reason

if TYPE_CHECKING:
    from providers.model.vendor import Credential, ProbeRequest, ProbeResponse, Vendor
    from providers.model.verdict import Verdict


class TransportFailure(Exception):
    """The request to a vendor failed. Contains the reason, but no part of the request or the original exception."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Transport(Protocol):
    """Sends one request to a vendor."""

    async def send(self, request: ProbeRequest) -> ProbeResponse:
        """Return the complete response, with `latency_ms`. No redirects, no decompression, a capped body.

        Raises TransportFailure. The caller sets the deadline by cancelling.
        """
        ...


class Verifier(Protocol):
    """Verifies a credential with its vendor, within one total deadline."""

    def __call__(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """Return the verdict; a vendor's or network's failure is also a verdict, never an exception."""
        ...


class Prober(Protocol):
    """Probes a credential with its vendor: like a Verifier, as a coroutine."""

    async def __call__(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """Return the verdict, within the probes' deadline."""
        ...


class VerificationCounter(Protocol):
    """Counts verifications."""

    def count(self, org: str, minute: int, limit: int) -> tuple[int, int] | None:
        """Count a verification in `minute` (since 1970), unless the organization already has `limit` in it.

        Returns the organization's count and the whole stack's, this one included; None if it was not counted. Raises
        Unavailable.
        """
        ...
