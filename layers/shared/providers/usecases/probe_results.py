"""Write the result of a probe: its sample, and the resulting health, back-off and status."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from providers.model.events import EventType, expiring_event, health_event, provider_event
from providers.model.health import next_health, replayed, stays_healthy, with_change
from providers.model.metrics import PROBE_LATENCY, PROBES, PROVIDERS_UNHEALTHY
from providers.model.provider import Provider, Verification
from providers.model.samples import Sample
from providers.model.verdict import Verdict
from providers.ports import Ports, StaleWrite
from providers.usecases.back_off import with_back_off
from providers.usecases.mutation import BY_SYSTEM
from providers.usecases.probe_batch import ProbeTask
from providers_contract.vocabulary import Action, HealthState, Status


def write_result(ports: Ports, task: ProbeTask, verdict: Verdict | BaseException | None) -> bool:
    """Record the sample and update the provider; return whether the task is done. Raises the probe's exception."""
    if isinstance(verdict, BaseException):
        raise verdict
    if verdict is None:
        if task.probed_before:
            _update_provider(ports, task, task.samples(), None)
        return task.probed_before
    sample = Sample(task.minute, task.provider.active.number, verdict.reason, verdict.latency_ms)
    if not ports.health.record(task.provider.id, sample):
        return True  # another delivery of the message recorded it first, and finishes the task
    vendor = task.provider.vendor
    ports.metrics.count(PROBES, vendor=vendor, outcome=verdict.outcome)
    if verdict.latency_ms is not None:
        ports.metrics.measure(PROBE_LATENCY, verdict.latency_ms, vendor=vendor, outcome=verdict.outcome)
    if not _changes_nothing(ports, task, sample):
        samples = list(task.samples())
        insort(samples, sample, key=lambda each: each.at)
        _update_provider(ports, task, samples, verdict)
    return True


def _changes_nothing(ports: Ports, task: ProbeTask, sample: Sample) -> bool:
    """Return whether a sample certainly leaves the provider unchanged, without a look at each earlier sample."""
    provider = task.provider
    return (
        provider.due_notice(task.minute) is None
        and provider.status is not Status.PENDING
        and (provider.probe_after, provider.throttled) == (None, 0)
        and stays_healthy(provider.health, task.recent, sample, ports.policy.thresholds)
    )


def _update_provider(ports: Ports, task: ProbeTask, samples: Sequence[Sample], verdict: Verdict | None) -> None:
    """Write the health, back-off and status that follow from `samples`, if they differ from the stored ones.

    `verdict` is this probe's. It is None if an earlier delivery of the message made the probe, and may have died before
    this point; the sample then has all of the verdict except the vendor's account and its Retry-After.
    """
    provider, minute, limits = task.provider, task.minute, ports.policy.thresholds
    newest = samples[-1] if samples and samples[-1].at == minute else None
    advance = next_health if verdict is not None and newest is not None else replayed
    health = advance(provider.health, samples, limits)
    changes = with_change(provider.health_changes, provider.health, health, minute)
    after = replace(provider, health=health, health_changes=changes)
    if verdict is not None and after.health.state is HealthState.UNHEALTHY:
        ports.metrics.count(PROVIDERS_UNHEALTHY)
    if verdict is None and newest is not None:
        verdict = Verdict(newest.reason, latency_ms=newest.latency_ms)
    pending = provider.status is Status.PENDING
    if verdict is not None and newest is not None:  # a late probe does not schedule the next one
        if pending and not verdict.outcome.promotes:
            after = replace(after, verification=Verification(verdict.outcome, verdict.reason, minute))
        after = with_back_off(after, verdict, minute)
    after = replace(after, expiry_notice=provider.due_notice(minute) or provider.expiry_notice)
    try:
        _write_health(ports, provider, after)
        if verdict is not None and pending and verdict.outcome.promotes:
            _activate(ports, provider, verdict)
        elif newest is not None and pending and minute >= provider.pending_until:
            _expire(ports, replace(provider, verification=after.verification))
    except StaleWrite:
        return  # rotated, deleted or updated by another delivery in the meantime: the next probe uses the new state


def _write_health(ports: Ports, before: Provider, after: Provider) -> None:
    if _probe_fields(before) == _probe_fields(after):
        return
    events = []
    if before.health.state is not after.health.state:
        events = [health_event(ports.clock.new_id(), ports.clock.now(), before, before.health, after.health)]
    if after.expiry_notice is not None and after.expiry_notice != before.expiry_notice:
        events.append(expiring_event(ports.clock.new_id(), ports.clock.now(), before, after.expiry_notice))
    ports.probes.set_health(before, after, events)


def _probe_fields(provider: Provider) -> tuple[Any, ...]:
    """Return the fields of the provider item that a probe may change; if none changes, the item is not written."""
    return provider.health, provider.probe_after, provider.throttled, provider.verification, provider.expiry_notice


def _activate(ports: Ports, provider: Provider, verdict: Verdict) -> None:
    now, active = ports.clock.now(), provider.active
    after = replace(
        provider,
        status=Status.ACTIVE,
        verification=Verification(verdict.outcome, verdict.reason, now),
        versions=(*provider.versions[:-1], replace(active, account=verdict.account or active.account)),
        updated_at=now,
        revision=provider.revision + 1,
    )
    entry = BY_SYSTEM.entry(ports, Action.VERIFIED, now, provider, after)
    ports.providers.change(provider, after, side_writes=BY_SYSTEM.with_entry(entry, None))


def _expire(ports: Ports, provider: Provider) -> None:
    """Disable a provider that stayed pending for too long. Raises StaleWrite if its owner has changed it."""
    now = ports.clock.now()
    after = replace(provider, status=Status.DISABLED, updated_at=now, revision=provider.revision + 1)
    events = [provider_event(ports.clock.new_id(), EventType.PENDING_EXPIRED, now, after)]
    entry = BY_SYSTEM.entry(ports, Action.PENDING_EXPIRED, now, provider, after)
    ports.providers.change(provider, after, side_writes=BY_SYSTEM.with_entry(entry, None, events))
