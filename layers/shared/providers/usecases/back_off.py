"""Decides when to probe a provider again after a failed or throttled probe."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from providers.model.health import floor_minute
from providers.model.provider import Provider
from providers.model.verdict import Verdict
from providers_contract.vocabulary import HealthState, Reason, Status

LONGEST_BACK_OFF_MINUTES: Final = 60

LONG_UNHEALTHY: Final = timedelta(minutes=10)
"""After being unhealthy for this long, a provider is probed less and less often, until a probe succeeds."""


def with_back_off(provider: Provider, verdict: Verdict, minute: datetime) -> Provider:
    """Return the provider with its next probe in 2, 4, 8 … minutes (max 60) or after Retry-After, or due at once.

    Probes must not use up the owner's remaining rate limit, and the sweep must not keep calling a host that never
    accepts the credential. The first successful probe ends a back-off. Idempotent: a later `probe_after` was set by an
    earlier delivery of this probe.
    """
    if not _asks_for_back_off(provider, verdict, minute):
        return replace(provider, probe_after=None, throttled=0)
    if provider.probe_after is not None and provider.probe_after > minute:
        return provider
    throttled = provider.throttled + 1
    minutes = min(2**throttled, LONGEST_BACK_OFF_MINUTES)
    wait = max(timedelta(minutes=minutes), timedelta(seconds=min(verdict.retry_after_s or 0.0, 86_400.0)))
    probe_after = floor_minute(minute + wait)
    if provider.status is Status.PENDING:  # its last probe is when its 24 hours end
        probe_after = min(probe_after, max(minute, floor_minute(provider.pending_until)) + timedelta(minutes=1))
    return replace(provider, probe_after=probe_after, throttled=throttled)


def _asks_for_back_off(provider: Provider, verdict: Verdict, minute: datetime) -> bool:
    """Return whether a probe with this verdict delays the next one; `provider.health` includes the verdict."""
    if verdict.reason in (Reason.RATE_LIMITED, Reason.THROTTLED):
        return True
    if verdict.outcome.promotes:
        return False
    health = provider.health
    long_unhealthy = (
        health.state is HealthState.UNHEALTHY and health.since is not None and minute - health.since >= LONG_UNHEALTHY
    )
    return long_unhealthy or provider.status is Status.PENDING
