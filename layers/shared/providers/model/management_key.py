"""Management keys, which authenticate requests to the API."""

from __future__ import annotations

from datetime import datetime

from providers_contract.frozen import dataclass
from providers_contract.vocabulary import Scope
from providers_data_plane.encoding import time_text


@dataclass(frozen=True, slots=True)
class ManagementKey:
    """A management key as stored: the digest of its secret, never the secret.

    `mac` authenticates all other fields except `last_used_at` (usecases/authenticity.py).
    """

    id: str
    digest: str
    org: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    mac: str = ""

    @property
    def authenticated(self) -> tuple[str, ...]:
        """The fields that the MAC covers."""
        times = (self.created_at, self.expires_at, self.revoked_at)
        return (self.id, self.digest, self.org, self.name, *map(time_text, times), *sorted(self.scopes))

    def usable(self, now: datetime) -> bool:
        """Return whether it may still authenticate a request at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
