"""Settings of a whole stack, made by its operator."""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta
from typing import Final

from providers_contract.frozen import dataclass

VERIFICATION_DEADLINE_S: Final = 10.0
"""Maximum seconds of one verification, including retries; a health probe has `PROBE_DEADLINE_S`."""

PROBE_DEADLINE_S: Final = 5.0

SHARDS: Final = 60
"""Shards of the index of providers to probe; divisible by every interval, so that a minute has whole shards."""

OUTBOX_SHARDS: Final = 16
"""Partitions of the outbox. DynamoDB writes about 330 events a second to one partition, in transactions."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The maximum that one organization may store; a request beyond it gets 409 `limit_exceeded`.

    Args:
        providers: providers of an organization.
        routing_configs: routing configs of an organization.
        configs_per_provider: routing configs that use one provider; their slugs are kept on the provider item, which
            every probe reads.
        upload_links: links created in ten minutes, which is the lifetime of a link.
        management_keys: management keys of an organization that are not revoked.
    """

    providers: int = 1000
    routing_configs: int = 1000
    configs_per_provider: int = 100
    upload_links: int = 100
    management_keys: int = 100


LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The evidence that a state needs.

    Args:
        unhealthy_after: consecutive failures that make a provider unhealthy.
        recovered_after: consecutive successes that make it healthy again, and consecutive valid probes that end a
            degradation.
        degraded_below: success rate over the last hour below which a provider is degraded.
        interval_minutes: minutes between two probes.
    """

    unhealthy_after: int = 3
    recovered_after: int = 2
    degraded_below: float = 0.95
    interval_minutes: int = 1

    @property
    def enough(self) -> int:
        """Minimum number of probes in an hour for its success rate to count.

        Twenty, the fewest with which one failure is not below 95 %; or the hour's maximum, if the interval allows
        fewer.
        """
        return min(20, 60 // self.interval_minutes)


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings that use cases depend on.

    Args:
        grace: how long a replaced key version stays readable (api.md: one hour by default).
        rate_limit: requests a minute for each management key.
        thresholds: interval of the health probes, and the evidence that a state needs.
        verifications_per_org: verifications a minute for one organization.
        verifications: verifications a minute for all organizations together.
        allowed_base_url_hosts: additional hosts that a base_url may have, written like `Vendor.hosts`.
        limits: the maximum that one organization may store.
        local: whether the stack runs on one machine; it then allows http and loopback addresses.
    """

    grace: timedelta = timedelta(hours=1)
    rate_limit: int = 60
    thresholds: Thresholds = field(default_factory=Thresholds)
    verifications_per_org: int = 30
    verifications: int = 300
    allowed_base_url_hosts: tuple[str, ...] = ()
    limits: Limits = LIMITS
    local: bool = False
