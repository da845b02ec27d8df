"""The result of a probe: changes of health and status, for results in any order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.model.events import EventType
from providers.model.provider import Verification
from providers.model.samples import Sample, Samples, minute_of
from providers.model.verdict import Verdict
from providers.usecases.commands import Change
from providers.usecases.health import read_health
from providers.usecases.sweep import dispatch
from providers.usecases.update import update_provider
from providers_contract.vocabulary import HealthState, Outcome, Reason, Status
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added, rotate
from tests.kit.sweeps import deliver, health_events, pending, stored, sweep


def test_pending_providers_become_active_when_their_vendor_responds() -> None:
    """A pending provider becomes active only when its vendor accepts the credential."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    provider = added(ports, on_unavailable="store_pending")
    for reason in (Reason.TIMEOUT, Reason.CREDENTIAL_REJECTED):
        ports.verify.verdict = Verdict(reason)
        sweep(ports)
        assert stored(ports, provider).status is Status.PENDING
    ports.verify.verdict = Verdict(account="org-1")
    sweep(ports)
    after = stored(ports, provider)
    assert (after.status, after.verification.outcome.value, after.active.account) == (Status.ACTIVE, "valid", "org-1")
    assert after.revision == provider.revision + 1


def test_an_outage_and_its_recovery_cause_one_event_each() -> None:
    """Three refusals make a provider unhealthy, two successes healthy, with one event each."""
    ports = FakePorts()
    provider = added(ports)
    sweep(ports)
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    for _ in range(5):
        sweep(ports)
    health = stored(ports, provider).health
    assert (health.state, health.reason) == (HealthState.UNHEALTHY, Reason.CREDENTIAL_REJECTED)
    ports.verify.verdict = Verdict()
    for _ in range(4):
        sweep(ports)
    assert stored(ports, provider).health.state is HealthState.HEALTHY
    assert health_events(ports) == [("unknown", "healthy"), ("healthy", "unhealthy"), ("unhealthy", "healthy")]


def test_the_latest_changes_of_state_are_kept() -> None:
    """Each change of state is kept with its minute, reason and key version; of more than twenty, the newest."""
    ports = FakePorts()
    provider = added(ports)
    for _ in range(12):
        for verdict in [Verdict()] * 2 + [Verdict(Reason.TIMEOUT)] * 3:
            ports.verify.verdict = verdict
            sweep(ports)
    kept = stored(ports, provider).health_changes
    assert [(each.before, each.after) for each in reversed(kept)] == health_events(ports)[-20:]
    newest = kept[0]
    assert newest.at == stored(ports, provider).health.since
    assert (newest.after, newest.reason, newest.version) == (HealthState.UNHEALTHY, Reason.TIMEOUT, 1)
    assert [each.at for each in kept] == sorted((each.at for each in kept), reverse=True)


def test_a_rotation_to_a_valid_key_is_healthy_at_its_first_probe() -> None:
    """After a rotation, health is unknown until the first successful probe; the old key's samples do not count."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    for _ in range(4):
        sweep(ports)
    ports.verify.verdict = Verdict(latency_ms=90)
    rotated = rotate(ports, provider, "two")
    assert rotated.health.state is stored(ports, provider).health.state is HealthState.UNKNOWN
    sweep(ports)
    assert stored(ports, provider).health.state is HealthState.HEALTHY
    report = read_health(ports, ORG, provider.id, "1h")
    assert (report.windows["1h"].checks, report.windows["1h"].success_rate) == (1, 1.0)
    assert health_events(ports)[-1] == ("unknown", "healthy")


def test_an_old_probes_verdict_does_not_change_the_new_version() -> None:
    """A probe that overlaps a rotation is stored as a sample and does not change the new version's state."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    for _ in range(2):
        sweep(ports)

    def rotate_meanwhile() -> None:
        ports.verify.meanwhile = None
        ports.verify.verdict = Verdict()
        rotate(ports, provider, "two")
        ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)

    ports.verify.meanwhile = rotate_meanwhile
    sweep(ports)
    assert stored(ports, provider).health.state is HealthState.UNKNOWN
    assert [sample.version for sample in ports.db.samples[provider.id].values()] == [1, 1, 1]


def test_a_pending_provider_is_probed_less_often_and_shows_the_latest_verdict() -> None:
    """Pending providers are probed after 2, 4, 8 … minutes, and show the latest outcome, reason and time."""
    ports = FakePorts()
    provider = pending(ports)
    minutes = []
    for minute in range(200):
        reason = (Reason.CREDENTIAL_REJECTED, Reason.DNS_FAILED)[minute % 2]
        ports.verify.verdict = Verdict(reason)
        if sweep(ports):
            minutes.append(minute)
            found = stored(ports, provider).verification
            assert found == Verification(Verdict(reason).outcome, reason, ports.clock.now())
    assert [later - earlier for earlier, later in itertools.pairwise(minutes)] == [2, 4, 8, 16, 32, 60, 60]
    assert stored(ports, provider).revision == provider.revision
    ports.verify.verdict = Verdict()
    while not sweep(ports):
        pass
    after = stored(ports, provider)
    assert (after.status, after.verification.outcome, after.probe_after) == (Status.ACTIVE, Outcome.VALID, None)


def test_a_pending_provider_is_disabled_after_a_day() -> None:
    """After a day, a pending provider is disabled once, with audit entry and event, and not probed again."""
    ports = FakePorts()
    provider = pending(ports)
    began = ports.clock.now()
    while stored(ports, provider).status is Status.PENDING:
        sweep(ports)
    assert timedelta(hours=24) <= ports.clock.now() - began <= timedelta(hours=24, minutes=2)
    after = stored(ports, provider)
    assert (after.status, after.revision, after.updated_at) == (Status.DISABLED, 2, ports.clock.now())
    assert after.verification == Verification(Outcome.INDETERMINATE, Reason.TIMEOUT, ports.clock.now())
    entry = ports.db.trail[-1]
    assert (entry.actor.type, entry.action.value, entry.resource_id) == (
        "system",
        "provider.pending_expired",
        provider.id,
    )
    assert (entry.before, entry.after) == ({"status": "pending"}, {"status": "disabled"})
    events = [event for event in ports.events if event.type is EventType.PENDING_EXPIRED]
    assert [(event.provider_id, event.detail["status"]) for event in events] == [(provider.id, "disabled")]
    assert sweep(ports) == []


def test_a_pending_provider_that_is_verified_at_last_becomes_active() -> None:
    """A success of the last probe activates a pending provider, even after its day."""
    ports = FakePorts()
    provider = pending(ports)
    ports.clock.pass_time(hours=30)
    ports.verify.verdict = Verdict()
    sweep(ports)
    assert stored(ports, provider).status is Status.ACTIVE


def test_an_expired_provider_that_is_enabled_again_has_another_day() -> None:
    """An expired provider is pending for another day after it is enabled."""
    ports = FakePorts()
    provider = pending(ports)
    ports.clock.pass_time(hours=24)
    sweep(ports)
    assert stored(ports, provider).status is Status.DISABLED
    update_provider(ports, ORG, provider.id, Change(status=Status.ACTIVE))
    assert sweep(ports)
    assert stored(ports, provider).status is Status.PENDING
    ports.clock.pass_time(hours=24)
    sweep(ports)
    assert stored(ports, provider).status is Status.DISABLED


def test_a_probe_does_not_overwrite_a_concurrent_change() -> None:
    """A probe does not overwrite a concurrent change of a pending provider."""
    ports = FakePorts()
    provider = pending(ports)
    ports.clock.pass_time(hours=25)

    def rename() -> None:
        ports.verify.meanwhile = None
        update_provider(ports, ORG, provider.id, Change(name="Renamed"))

    ports.verify.meanwhile = rename
    sweep(ports)
    after = stored(ports, provider)
    assert (after.status, after.name, after.verification) == (Status.PENDING, "Renamed", provider.verification)


def verdict_at(minute: int) -> Verdict:
    """Return a vendor's outcomes by minute: valid, refused, valid, limited."""
    if 5 <= minute < 12:
        return Verdict(Reason.CREDENTIAL_REJECTED, latency_ms=40)
    return Verdict(Reason.INSUFFICIENT_PERMISSION if 20 <= minute < 23 else None, latency_ms=100 + minute)


def test_three_deliveries_in_any_order_equal_one() -> None:
    """Repeated, shuffled and malformed messages lead to the same buckets, windows and state as one delivery."""

    def run(shuffled: bool) -> Any:
        ports = FakePorts()
        providers = [added(ports, str(number)) for number in range(3)]
        minutes: list[tuple[int, str]] = []
        began = ports.clock.now()
        for minute in range(12):
            ports.clock.pass_time(minutes=1)
            ports.queue.sent.clear()
            dispatch(ports, ports.clock.now())
            minutes += [(minute + 3, body) for body in ports.queue.sent]
        chance = random.Random(7)
        order = chance.sample(minutes * 3, len(minutes) * 3) if shuffled else minutes
        for minute, body in order:
            ports.verify.verdict = verdict_at(minute)
            assert deliver(ports, [body, "poison"] if shuffled else [body]) == ([1] if shuffled else [])
        assert ports.clock.now() == began + timedelta(minutes=12)
        reports = [read_health(ports, ORG, provider.id, "1h") for provider in providers]
        return [(each.provider.health, each.windows, each.history, each.last_check_at) for each in reports]

    assert run(shuffled=True) == run(shuffled=False)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_shortcut_has_the_same_result(data: st.DataObject) -> None:
    """The fast path leads to the same buckets, states, back-off and events as the full classification."""
    moods = [None, None, None, Reason.CREDENTIAL_REJECTED, Reason.INSUFFICIENT_PERMISSION, Reason.RATE_LIMITED]
    minutes = data.draw(st.lists(st.sampled_from(moods), min_size=1, max_size=40))
    rotated = data.draw(st.integers(0, 40))

    def run() -> Any:
        ports = FakePorts()
        provider = added(ports)
        for minute, reason in enumerate(minutes):
            ports.verify.verdict = Verdict()
            if minute == rotated:
                rotate(ports, provider, "two")
            ports.verify.verdict = Verdict(reason, latency_ms=minute)
            sweep(ports)
        after = stored(ports, provider)
        state = (after.health, after.probe_after, after.throttled, after.status)
        return state, [tuple(buckets.items()) for buckets in ports.db.samples.values()], health_events(ports)

    short = run()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("providers.usecases.probe_results.stays_healthy", lambda *_: False)
        assert run() == short


def test_a_probe_that_changes_nothing_decodes_no_earlier_sample() -> None:
    """A probe of a provider that stays healthy does not decode earlier samples."""
    ports = FakePorts()
    provider = added(ports)
    for _ in range(3):
        sweep(ports)

    class Unmade(Samples):
        def __iter__(self) -> Iterator[Sample]:
            raise AssertionError("the samples were made")

    minute = minute_of(ports.clock.now())
    unmade: dict[str, Samples] = {provider.id: Unmade([minute], [1], [Reason.TIMEOUT], [1])}
    ports.health.recent = lambda provider_ids, now: unmade  # type: ignore[method-assign]
    sweep(ports)
    assert len(ports.db.samples[provider.id]) == 4
