"""The clock, the cipher, and the way to vendors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from providers.model.sealed import DataKey, Destination, SealedCredential
from providers.model.vendor import Credential, ProbeAnswer, ProbeRequest, Vendor
from providers.model.verdict import Verdict
from providers_contract.secret import Secret
from providers_contract.vocabulary import Reason


class Clock(Protocol):
    """Time and identity."""

    def now(self) -> datetime:
        """The time in UTC, with a time zone."""
        ...

    def new_id(self) -> str:
        """A new ULID: 26 characters, later ones sort after earlier ones (to the millisecond)."""
        ...


class Cipher(Protocol):
    """Seals and opens credentials."""

    def seal(
        self, org: str, provider_id: str, version: int, destination: Destination, secret: Secret
    ) -> SealedCredential:
        """Seal `secret` for exactly this place and destination, with `created_at` now. Raises Unavailable."""
        ...

    def open(self, sealed: SealedCredential, destination: Destination) -> Secret:
        """The credential, to be sent to `destination`, which comes from the provider item.

        Raises `TamperedCredential` if the row is not what was sealed, or was sealed for another destination;
        Unavailable.
        """
        ...

    def data_keys(self, org: str) -> Sequence[DataKey]:
        """The organization's data keys, the newest first; the newest one seals. Raises Unavailable."""
        ...

    def add_data_key(self, org: str) -> DataKey:
        """Make another data key, under which this process seals from now on. Raises Unavailable.

        Other processes go on sealing under the one before for up to `DATA_KEY_CACHE`.
        """
        ...

    def destroy_data_key(self, org: str, key_id: str) -> None:
        """Delete a data key: what it sealed opens only with a copy of the key. Raises Unavailable."""
        ...


class TamperedCredential(Exception):
    """A sealed row does not open: it or its provider item was changed, or it was copied from another place."""


class Digests(Protocol):
    """Keyed digests under the stack's own key, each purpose apart from the others."""

    def digest(self, purpose: str, *parts: str) -> str:
        """A hex HMAC-SHA256 over an unambiguous encoding of `parts`. Raises Unavailable."""
        ...


class TransportFailure(Exception):
    """A vendor could not be asked. Carries our reason, and nothing of the request or of the underlying exception."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Transport(Protocol):
    """Sends one request to a vendor."""

    async def send(self, request: ProbeRequest) -> ProbeAnswer:
        """The complete answer, with `latency_ms`. No redirects, no decompression, a capped body.

        Raises TransportFailure. Whoever calls it sets the deadline by cancelling.
        """
        ...


class Verifier(Protocol):
    """Asks a vendor about a credential, within one total deadline."""

    def __call__(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """The verdict; a vendor's or network's failure is a verdict too, never an exception."""
        ...


class Prober(Protocol):
    """Asks a vendor about a credential in a health check: the same as a Verifier, as a coroutine."""

    async def __call__(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """The verdict, within the probes' deadline."""
        ...
