"""The errors of a write that was not made."""

from __future__ import annotations


class StaleWrite(Exception):
    """The condition of a write no longer holds. Nothing was written; read again and decide."""


class NameTaken(Exception):
    """Another provider of the organization has claimed the name. Nothing was written."""


class LimitReached(Exception):
    """The organization, or a provider, has reached a limit. Nothing was written.

    Args:
        what: the field of `Limits`.
        count: how many exist.
        provider_id: the provider, for `configs_per_provider`.
    """

    def __init__(self, what: str, count: int, provider_id: str | None = None) -> None:
        super().__init__("limit reached")
        self.what = what
        self.count = count
        self.provider_id = provider_id


class MissingProvider(Exception):
    """Providers that a routing config names do not exist. Nothing was written."""

    def __init__(self, provider_ids: frozenset[str]) -> None:
        super().__init__("missing providers")
        self.provider_ids = provider_ids


class LeaseLost(Exception):
    """The request outlived its lease, and another with the same Idempotency-Key took over. Nothing was written."""


class UploadUsed(Exception):
    """The upload link was already used, or is gone. Nothing was written."""
