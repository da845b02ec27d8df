"""A batch of the sweep: the targets of one message, and a task for each of them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from providers.model.health import floor_minute
from providers.model.provider import Provider
from providers.model.samples import Samples
from providers_contract.frozen import dataclass
from providers_contract.secret import Secret
from providers_data_plane.messages import probe_message

BATCH: Final = 50
"""Maximum number of targets in one message."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A message: probe these targets, each an (org, provider id), for this minute. It contains ids only."""

    minute: datetime
    targets: tuple[tuple[str, str], ...]

    def to_json(self) -> str:
        """Return the message's body."""
        return probe_message(self.minute, self.targets)

    @classmethod
    def from_json(cls, body: str) -> Batch:
        """Return the batch in a body. Raises ValueError if the body is malformed."""
        try:
            found = json.loads(body)
            minute = datetime.fromisoformat(found["minute"])
            targets = tuple((str(org), str(provider_id)) for org, provider_id in found["providers"])
        except (KeyError, TypeError) as error:
            raise ValueError("not a batch of providers") from error
        if minute.tzinfo is None or minute != floor_minute(minute):
            raise ValueError("not a minute in UTC")
        return cls(minute, targets)


@dataclass(frozen=True, slots=True)
class ProbeTask:
    """A provider to probe for a minute.

    `secret` is None if the stored credential cannot be opened; `recent` has the samples of the last 1–2 hours, of every
    key version.
    """

    provider: Provider
    secret: Secret | None
    recent: Samples
    minute: datetime

    @property
    def probed_before(self) -> bool:
        """Whether an earlier delivery of the message has recorded a sample; it may have died before it finished."""
        newest = self.recent.newest
        if newest is None or newest < self.minute:
            return False
        return bool(self.samples().between(self.minute, self.minute))

    def samples(self) -> Samples:
        """Return the active version's samples, oldest first."""
        return self.recent.of_version(self.provider.active.number)
