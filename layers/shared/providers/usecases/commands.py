"""Callers' requests: the provider to add, and the change to make. Fields are named as in the request bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any, Final

from providers.model.provider import Provider
from providers_contract.frozen import dataclass
from providers_contract.secret import Secret
from providers_contract.vocabulary import Status


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""Leaves a field unchanged if None is a value: the vendor's own host, an unknown expiry."""


@dataclass(frozen=True, slots=True)
class NewProvider:
    """The provider to add. With `on_unavailable` = "store_pending", it is stored unverified if the vendor is down."""

    vendor: str
    name: str
    api_key: Secret
    base_url: str | None = None
    key_expires_at: datetime | None = None
    on_unavailable: str = "fail"
    tags: Sequence[str] = ()

    @property
    def editable(self) -> dict[str, Any]:
        """The fields that are stored as the caller sent them."""
        return {"name": self.name, "tags": tuple(self.tags)}


@dataclass(frozen=True, slots=True)
class Change:
    """The requested change. None leaves a field unchanged, and so does UNSET if None is a value."""

    name: str | None = None
    api_key: Secret | None = None
    base_url: str | Unset | None = UNSET
    status: Status | None = None
    key_expires_at: datetime | Unset | None = UNSET
    tags: Sequence[str] | None = None

    def edited(self, provider: Provider) -> Provider:
        """Return `provider` with the fields that are stored as the caller sent them."""
        return replace(
            provider,
            name=provider.name if self.name is None else self.name,
            tags=provider.tags if self.tags is None else tuple(self.tags),
        )
