"""One-time links at which a person enters a credential, so that it never passes through a model's context or a chat."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from providers_contract.frozen import dataclass
from providers_data_plane.encoding import time_text

LIFETIME: Final = timedelta(minutes=10)
"""The lifetime of a link."""

TRIES: Final = 5
"""Maximum number of credentials that may be entered with one link until one is accepted."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A link that has not been used yet: to rotate `provider_id`, or to add a provider if that is None.

    `key_id` is the management key that created it; the link can do no more than this key. `mac` authenticates all other
    fields except `tries` (usecases/authenticity.py). `key_name` is not stored: an opened link has the key's.
    """

    id: str
    org: str
    key_id: str
    vendor: str
    name: str
    base_url: str | None
    provider_id: str | None
    created_at: datetime
    expires_at: datetime
    tries: int = 0
    mac: str = ""
    key_name: str = ""

    @property
    def authenticated(self) -> tuple[str, ...]:
        """The fields that the MAC covers."""
        identity = (self.id, self.org, self.key_id, self.vendor, self.name, self.base_url or "", self.provider_id or "")
        return (*identity, time_text(self.created_at), time_text(self.expires_at))
