"""Storage of providers and their sealed credentials."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from providers.model.policy import LIMITS, Limits
from providers.ports.side_writes import NO_SIDE_WRITES, SideWrites
from providers_contract.frozen import dataclass
from providers_contract.vocabulary import HealthState, Status
from providers_data_plane.sealed import SealedCredential

if TYPE_CHECKING:
    from providers.model.provider import Provider

READ_AT_MOST: Final = 500
"""Number of items that a filtered list reads in one request: at most a megabyte, one Query."""


@dataclass(frozen=True, slots=True)
class ProviderFilter:
    """Filters of a list; None means any. `name` is a part of the name in its compared form (`name_claim`)."""

    vendor: str | None = None
    status: Status | None = None
    health: HealthState | None = None
    name: str | None = None
    tag: str | None = None


class ProviderStore(Protocol):
    """Providers, their sealed credentials and the claims that go with them. Every write is one transaction.

    Every method raises `Unavailable` (model.errors) if the database is unavailable. Every write raises LeaseLost and
    UploadUsed if its side writes cannot be made.
    """

    def get(self, org: str, provider_id: str) -> Provider | None:
        """Return the current provider item (a consistent read)."""
        ...

    def named(self, org: str, name: str) -> str | None:
        """Return the id of the provider that has claimed `name`, ignoring case (a consistent read)."""
        ...

    def list(
        self, org: str, wanted: ProviderFilter, limit: int, before: str | None
    ) -> tuple[Sequence[Provider], str | None]:
        """Return up to `limit` provider items, newest (greatest id) first, with ids below `before` if given.

        Also returns the id after which to continue, None at the end. A filtered list reads `READ_AT_MOST` provider
        items at a time, so a page before the end can have fewer than `limit`, or none.
        """
        ...

    def create(
        self,
        provider: Provider,
        sealed: SealedCredential,
        side_writes: SideWrites = NO_SIDE_WRITES,
        limits: Limits = LIMITS,
    ) -> None:
        """Write provider item, name claim, fingerprint and first version. Raises NameTaken, LimitReached."""
        ...

    def change(
        self,
        before: Provider,
        after: Provider,
        sealed: SealedCredential | None = None,
        side_writes: SideWrites = NO_SIDE_WRITES,
    ) -> None:
        """Change `before` into `after`, if its revision and active version are still `before`'s.

        `after.revision` must be `before.revision + 1`. The name claim, the fingerprint and the versions to add, retire
        and remove follow from the difference; `sealed` is the row of a new active version. `refs` stays unchanged. A
        new active version resets health and throttling. Raises StaleWrite, NameTaken.
        """
        ...

    def delete(self, provider: Provider, side_writes: SideWrites = NO_SIDE_WRITES) -> None:
        """Delete provider item, claims and every version if it is unchanged and no routing config uses it.

        Raises StaleWrite if it was changed, is used, or is gone: read again to see which.
        """
        ...

    def sealed(self, org: str, provider_id: str, version: int) -> SealedCredential | None:
        """Return one version's row, expired or not (a consistent read)."""
        ...

    def reseal(self, before: SealedCredential, after: SealedCredential) -> None:
        """Replace data key, nonce and ciphertext of a row if they are still `before`'s. Raises StaleWrite."""
        ...

    def record_use(self, sealed: SealedCredential, at: datetime) -> None:
        """Record that a version was read, at most once a minute."""
        ...

    def last_used(self, org: str, provider_id: str) -> dict[int, datetime]:
        """Return when each stored version was last read (to the minute), without unused ones; reads no credential."""
        ...

    def with_fingerprint(self, org: str, fingerprint: str) -> Sequence[str]:
        """Return the ids of the organization's providers whose active credential has this fingerprint."""
        ...
