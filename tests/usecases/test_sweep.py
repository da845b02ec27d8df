"""The sweep: who is asked, what is recorded, and that deliveries may be lost, doubled and disordered."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.edge.background import queue_worker
from providers.model.events import EventType
from providers.model.health import Recent, Sample, Thresholds
from providers.model.policy import Policy
from providers.model.provider import Provider, Verification
from providers.model.verdict import Verdict
from providers.usecases.events import drain_outbox
from providers.usecases.health import health_summaries, read_health
from providers.usecases.probe import probe_messages
from providers.usecases.probe_batch import Batch
from providers.usecases.sweep import dispatch, run_minute
from providers.usecases.update import Change, update_provider
from providers_contract.vocabulary import HealthState, Outcome, Reason, Status
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import Invocation
from tests.kit.requests import ORG, added, rotate


def deliver(ports: FakePorts, bodies: Sequence[str], left_ms: int = 60_000) -> list[int]:
    """Hand messages to a worker; the positions of those that are to come again."""
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    failures = queue_worker(lambda: ports, probe_messages)({"Records": records}, Invocation(left_ms))
    return [int(each["itemIdentifier"]) for each in failures["batchItemFailures"]]


def sweep(ports: FakePorts) -> list[str]:
    """One minute's sweep, delivered once; what was queued."""
    ports.clock.pass_time(minutes=1)
    ports.queue.sent.clear()
    dispatch(ports, ports.clock.now())
    sent = list(ports.queue.sent)
    assert deliver(ports, sent) == []
    return sent


def stored(ports: FakePorts, provider: Provider) -> Provider:
    found = ports.providers.get(ORG, provider.id)
    assert found is not None
    return found


def health_events(ports: FakePorts) -> list[tuple[str, str]]:
    return [
        (event.detail["from"], event.detail["to"])
        for event in ports.publisher.published
        if event.type is EventType.HEALTH_CHANGED
    ]


def test_a_sweep_sets_one_slot_for_each_provider() -> None:
    """Every provider is asked once, and its outcome, latency and version are kept under the minute."""
    ports = FakePorts()
    providers = [added(ports, str(number)) for number in range(120)]
    ports.verify.verdict = Verdict(latency_ms=250)
    ports.verify.asked.clear()
    assert len(sweep(ports)) == 3
    assert len(ports.verify.asked) == 120
    for provider in providers:
        (sample,) = ports.db.samples[provider.id].values()
        assert (sample.at, sample.version, sample.reason, sample.latency_ms) == (ports.clock.now(), 1, None, 250)
        assert stored(ports, provider).health.state is HealthState.HEALTHY


def test_messages_hold_ids_only() -> None:
    """What is queued is a minute, organizations and provider ids."""
    ports = FakePorts()
    provider = added(ports)
    (body,) = sweep(ports)
    assert Batch.from_json(body).targets == ((ORG, provider.id),)
    assert set(body) <= set('{}[]",:-+_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789')
    assert len(body) < 130


def test_disabled_providers_are_not_asked() -> None:
    """Neither those that were disabled before the sweep nor those disabled between queue and worker."""
    ports = FakePorts()
    off, late = added(ports, "off"), added(ports, "late")
    update_provider(ports, ORG, off.id, Change(status=Status.DISABLED))
    dispatch(ports, ports.clock.now())
    assert Batch.from_json(ports.queue.sent[0]).targets == ((ORG, late.id),)
    update_provider(ports, ORG, late.id, Change(status=Status.DISABLED))
    ports.verify.asked.clear()
    assert deliver(ports, ports.queue.sent) == []
    assert (ports.verify.asked, ports.db.samples) == ([], {})


def test_a_deleted_provider_harms_nobody() -> None:
    """A message that names it is done for the others, and writes nothing for it."""
    ports = FakePorts()
    gone, there = added(ports, "gone"), added(ports, "there")
    dispatch(ports, ports.clock.now())
    ports.providers.delete(gone)
    assert deliver(ports, ports.queue.sent) == []
    assert list(ports.db.samples) == [there.id]


@pytest.mark.parametrize(("interval", "each"), [(1, 1), (5, 5), (15, 15)])
def test_every_provider_is_due_once_in_an_interval(interval: int, each: int) -> None:
    """With longer intervals a minute's share is some of the shards."""
    ports = FakePorts(Policy(thresholds=Thresholds(interval_minutes=interval), verifications_per_org=60))
    for number in range(60):
        added(ports, str(number))
    counts = []
    for _ in range(2 * interval):
        counts.append(dispatch(ports, ports.clock.now()))
        ports.clock.pass_time(minutes=1)
    assert sum(counts[:interval]) == sum(counts[interval:]) == 60
    assert counts[:interval] == counts[interval:]
    assert len(counts) == 2 * each


def test_pending_providers_become_active_when_their_vendor_answers() -> None:
    """A vendor that still cannot be asked, or refuses, leaves them pending."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    provider = added(ports, store_pending=True)
    for reason in (Reason.TIMEOUT, Reason.CREDENTIAL_REJECTED):
        ports.verify.verdict = Verdict(reason)
        sweep(ports)
        assert stored(ports, provider).status is Status.PENDING
    ports.verify.verdict = Verdict(account="org-1")
    sweep(ports)
    after = stored(ports, provider)
    assert (after.status, after.verification.outcome.value, after.active.account) == (Status.ACTIVE, "valid", "org-1")
    assert after.revision == provider.revision + 1


def test_three_refusals_two_good_ones_one_event_each() -> None:
    """Unhealthy with the reason, and back, each told once."""
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


def test_a_rotation_to_a_good_key_is_healthy_at_its_first_check() -> None:
    """And unknown until then, whatever the old key had come to; the old key's checks are not in its windows."""
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


def test_an_old_checks_verdict_does_not_touch_the_new_version() -> None:
    """A check that began before a rotation and ends after it writes its slot, and not the new version's state."""
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


@pytest.mark.parametrize("reason", [Reason.RATE_LIMITED, Reason.THROTTLED])
def test_a_throttled_provider_is_left_alone_for_longer_and_longer(reason: Reason) -> None:
    """2, 4, 8 … minutes, an hour at most, or what the vendor asks for; at once again when it is over."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.verdict = Verdict(reason)
    minutes = [minute for minute in range(200) if sweep(ports)]
    assert [later - earlier for earlier, later in itertools.pairwise(minutes)] == [2, 4, 8, 16, 32, 60, 60]
    ports.verify.verdict = Verdict(reason, retry_after_s=7200)
    while not sweep(ports):
        pass
    after = stored(ports, provider).probe_after
    assert after == ports.clock.now() + timedelta(hours=2)
    ports.verify.verdict = Verdict()
    while not sweep(ports):
        pass
    assert (stored(ports, provider).probe_after, len(sweep(ports))) == (None, 1)


def test_a_long_unhealthy_provider_is_checked_less_and_less_often() -> None:
    """After ten minutes: 2, 4, 8 … minutes, an hour at most. One success, and it is asked every minute again."""
    ports = FakePorts()
    provider = added(ports)
    sweep(ports)
    ports.verify.verdict = Verdict(Reason.CONNECTION_FAILED)
    minutes = [minute for minute in range(220) if sweep(ports)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(minutes)]
    assert gaps == [1] * 12 + [2, 4, 8, 16, 32, 60, 60]  # three to become unhealthy, and ten minutes of that
    ports.verify.verdict = Verdict()
    while not sweep(ports):
        pass
    after = stored(ports, provider)
    assert (after.health.state, after.probe_after, after.throttled) == (HealthState.UNHEALTHY, None, 0)
    assert sweep(ports)
    assert stored(ports, provider).health.state is HealthState.HEALTHY
    assert health_events(ports)[-2:] == [("healthy", "unhealthy"), ("unhealthy", "healthy")]


def test_a_short_outage_costs_no_check() -> None:
    """Nine minutes unhealthy, and every minute has its slot."""
    ports = FakePorts()
    provider = added(ports)
    sweep(ports)
    ports.verify.verdict = Verdict(Reason.HTTP_5XX)
    for _ in range(12):
        assert sweep(ports)
    assert (stored(ports, provider).health.state, len(ports.db.samples[provider.id])) == (HealthState.UNHEALTHY, 13)


def pending(ports: FakePorts, mark: str = "one") -> Provider:
    """A provider that was stored although its vendor did not answer."""
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    return added(ports, mark, store_pending=True)


def test_a_pending_provider_is_checked_less_and_less_often_and_shows_the_latest_verdict() -> None:
    """2, 4, 8 … minutes from its first check on; outcome, reason and time are those of the last one."""
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
    """Once, with an audit entry of the system and an event; then it is not asked any more."""
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
    told = [event for event in ports.publisher.published if event.type is EventType.PENDING_EXPIRED]
    assert [(event.provider_id, event.detail["status"]) for event in told] == [(provider.id, "disabled")]
    assert sweep(ports) == []


def test_a_pending_provider_that_is_good_at_last_becomes_active_instead() -> None:
    """Its last check decides, also when that comes after its day."""
    ports = FakePorts()
    provider = pending(ports)
    ports.clock.pass_time(hours=30)
    ports.verify.verdict = Verdict()
    sweep(ports)
    assert stored(ports, provider).status is Status.ACTIVE


def test_an_expired_provider_that_is_enabled_again_has_another_day() -> None:
    """It is pending then, because no vendor has ever accepted its credential."""
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


def test_a_check_that_meets_a_change_does_not_overwrite_it() -> None:
    """The owner changes a pending provider while it is checked for the last time: nothing is undone."""
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


@pytest.mark.parametrize("reason", [Reason.RATE_LIMITED, Reason.HTTP_5XX])
def test_a_back_off_is_the_same_however_often_its_message_comes(reason: Reason) -> None:
    """Redelivered at once, or after the next check: the next check's time stays."""
    ports = FakePorts()
    provider = added(ports)
    ports.verify.verdict = Verdict(reason)
    messages: list[str] = []
    while stored(ports, provider).throttled < 3:
        messages += sweep(ports)
    before = stored(ports, provider)
    assert before.probe_after == ports.clock.now() + timedelta(minutes=8)
    for body in messages[-3:] * 3:
        assert deliver(ports, [body]) == []
    assert stored(ports, provider) == before


def test_a_late_check_says_nothing_of_when_to_check_next() -> None:
    """The vendor was fine a minute ago, and rate-limits now: the back-off stays."""
    ports = FakePorts()
    provider = added(ports)
    dispatch(ports, ports.clock.now())
    late = list(ports.queue.sent)
    ports.verify.verdict = Verdict(Reason.RATE_LIMITED)
    sweep(ports)
    backed_off = stored(ports, provider).probe_after
    assert backed_off == ports.clock.now() + timedelta(minutes=2)
    ports.verify.verdict = Verdict()
    assert deliver(ports, late) == []
    assert stored(ports, provider).probe_after == backed_off


def test_a_poison_message_keeps_nobody_from_being_checked() -> None:
    """It alone comes again, whatever is wrong with it."""
    ports = FakePorts()
    provider = added(ports)
    dispatch(ports, ports.clock.now())
    poison = [
        "",
        "{",
        "[]",
        "null",
        '{"minute": 1}',
        '{"minute": "2026-04-14T12:00:30+00:00", "providers": []}',
        "é" * 999,
    ]
    assert deliver(ports, [*poison[:3], *ports.queue.sent, *poison[3:]]) == [0, 1, 2, 4, 5, 6, 7]
    assert len(ports.db.samples[provider.id]) == 1


def test_a_provider_that_explodes_costs_its_neighbours_nothing() -> None:
    """Its message comes again; the others' slots are set, and not asked for again then."""
    ports = FakePorts()
    bad, good = added(ports, "bad", vendor="groq"), added(ports, "good")
    dispatch(ports, ports.clock.now())
    real = ports.verify.__call__

    class Exploding:
        def __call__(self, vendor: Any, *rest: Any) -> Verdict:
            if vendor.name == "groq":
                raise RuntimeError("a bug in one vendor")
            return real(vendor, *rest)

    ports.verify, asked = Exploding(), ports.verify.asked  # type: ignore[assignment]
    asked.clear()
    assert deliver(ports, ports.queue.sent) == [0]
    assert deliver(ports, ports.queue.sent) == [0]
    assert (list(ports.db.samples), len(asked)) == ([good.id], 1)
    assert bad.id not in ports.db.samples


def test_what_does_not_fit_is_handed_back() -> None:
    """A worker without time begins nothing and loses nothing."""
    ports = FakePorts()
    provider = added(ports)
    dispatch(ports, ports.clock.now())
    ports.verify.asked.clear()
    assert deliver(ports, ports.queue.sent, left_ms=1_000) == [0]
    assert (ports.verify.asked, ports.db.samples) == ([], {})
    assert deliver(ports, ports.queue.sent) == []
    assert len(ports.db.samples[provider.id]) == 1


def test_an_old_message_is_dropped() -> None:
    """What was queued before an outage of the workers says nothing about now."""
    ports = FakePorts()
    added(ports)
    dispatch(ports, ports.clock.now())
    ports.clock.pass_time(minutes=16)
    ports.verify.asked.clear()
    assert deliver(ports, ports.queue.sent) == []
    assert ports.verify.asked == []


def answers(minute: int) -> Verdict:
    """A vendor's mood by the minute: good, a refusal streak, good, a limited patch."""
    if 5 <= minute < 12:
        return Verdict(Reason.CREDENTIAL_REJECTED, latency_ms=40)
    return Verdict(Reason.INSUFFICIENT_PERMISSION if 20 <= minute < 23 else None, latency_ms=100 + minute)


def test_three_deliveries_in_any_order_are_as_good_as_one() -> None:
    """Every message three times, shuffled, poison among them: slots, windows and state are those of one delivery."""

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
            ports.verify.verdict = answers(minute)
            assert deliver(ports, [body, "poison"] if shuffled else [body]) == ([1] if shuffled else [])
        assert ports.clock.now() == began + timedelta(minutes=12)
        reports = [read_health(ports, ORG, provider.id, "1h") for provider in providers]
        return [(each.provider.health, each.windows, each.history, each.last_check_at) for each in reports]

    assert run(shuffled=True) == run(shuffled=False)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_short_way_ends_as_the_long_one(data: st.DataObject) -> None:
    """Whatever vendors answer, slots, states, back-off and events are those of judging every check by all evidence."""
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
        head = stored(ports, provider)
        told = (head.health, head.probe_after, head.throttled, head.status)
        return told, [tuple(slots.items()) for slots in ports.db.samples.values()], health_events(ports)

    short = run()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("providers.usecases.probe_results.stays_healthy", lambda *_: False)
        assert run() == short


def test_a_check_that_changes_nothing_makes_no_samples_of_the_ones_before() -> None:
    """A provider that stays healthy costs a sweep its slot, and not the unpacking of two hours."""
    ports = FakePorts()
    provider = added(ports)
    for _ in range(3):
        sweep(ports)

    def made() -> list[Sample]:
        raise AssertionError("the samples were made")

    newest = ports.clock.now()
    unmade = {provider.id: Recent(made, newest, 1)}
    ports.health.recent = lambda provider_ids, now: unmade  # type: ignore[method-assign]
    sweep(ports)
    assert len(ports.db.samples[provider.id]) == 4


@pytest.mark.parametrize("point", ["load", "recent", "record", "set_health", "publish", "forget"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_worker_killed_at_any_point_loses_nothing_and_counts_nothing_twice(point: str, after: bool) -> None:
    """Its message comes again; at the end slots, state and published events are those of a worker that lived."""

    class Killed(BaseException):
        pass

    ports = FakePorts()
    provider = added(ports)
    ports.clock.pass_time(minutes=1)
    dispatch(ports, ports.clock.now())
    owners: dict[str, Any] = {"load": ports.probes, "set_health": ports.probes, "forget": ports.outbox}
    owner = owners.get(point, ports.publisher if point == "publish" else ports.health)
    real = getattr(owner, point)

    def killed(*given: Any) -> Any:
        setattr(owner, point, real)
        if after:
            real(*given)
        raise Killed

    setattr(owner, point, killed)
    with pytest.raises(Killed):
        asyncio.run(probe_messages(ports, ports.queue.sent, 1, 1e12))
    assert deliver(ports, ports.queue.sent) == []
    ports.clock.pass_time(minutes=1)
    drain_outbox(ports, ports.clock.now() + timedelta(minutes=1))
    assert len(ports.db.samples[provider.id]) == 1
    assert stored(ports, provider).health.state is HealthState.HEALTHY
    assert set(health_events(ports)) == {("unknown", "healthy")}
    ids = [event.id for event in ports.publisher.published if event.type is EventType.HEALTH_CHANGED]
    assert len(set(ids)) == 1
    assert ports.db.outbox == {}


@pytest.mark.parametrize("deliveries", [1, 3])
def test_what_a_worker_left_behind_a_slot_is_done_by_the_next_delivery_once(deliveries: int) -> None:
    """A pending provider becomes active, and a throttled one is left alone for as long as after one delivery."""
    ports = FakePorts()
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    pending, throttled = added(ports, "one", store_pending=True), added(ports, "two", store_pending=True)
    dispatch(ports, ports.clock.now())
    ports.health.record(pending.id, Sample(ports.clock.now(), 1, None, 90))
    ports.health.record(throttled.id, Sample(ports.clock.now(), 1, Reason.RATE_LIMITED, 90))
    ports.verify.asked.clear()
    for _ in range(deliveries):
        assert deliver(ports, ports.queue.sent) == []
    assert ports.verify.asked == []
    assert [stored(ports, each).status for each in (pending, throttled)] == [Status.ACTIVE, Status.ACTIVE]
    after = stored(ports, throttled)
    assert (after.throttled, after.probe_after) == (1, ports.clock.now() + timedelta(minutes=2))


def test_an_event_that_could_not_be_published_is_published_by_the_next_sweep() -> None:
    """The change is made and answered all the same; the event waits in the outbox."""
    ports = FakePorts()
    ports.publisher.broken = True
    provider = added(ports)
    assert len(ports.db.outbox) == 1
    ports.publisher.broken = False
    until = ports.clock.now() + timedelta(minutes=1)
    run_minute(ports, ports.clock.now(), until)
    assert ports.publisher.published == []  # the process that committed it may be about to publish it
    ports.clock.pass_time(seconds=30)
    assert run_minute(ports, ports.clock.now(), until) == {"due": 1, "published": 1, "quarantined": 0}
    assert [(event.type, event.provider_id) for event in ports.publisher.published] == [
        (EventType.CREATED, provider.id)
    ]
    assert ports.db.outbox == {}


def test_summaries_show_the_last_hour() -> None:
    """p50 over an hour, and when it was checked last; nothing for one that never was."""
    ports = FakePorts()
    provider = added(ports)
    assert health_summaries(ports, [stored(ports, provider)])[provider.id].p50_ms is None
    for latency in (900, 100, 200, 300):
        ports.verify.verdict = Verdict(latency_ms=latency)
        sweep(ports)
    summary = health_summaries(ports, [stored(ports, provider)])[provider.id]
    assert (summary.p50_ms, summary.last_check_at) == (200, ports.clock.now())
    ports.clock.pass_time(minutes=61)
    assert health_summaries(ports, [stored(ports, provider)])[provider.id].p50_ms is None


def test_a_row_that_does_not_open_is_unhealthy_and_not_sent() -> None:
    """A tampered credential never goes to a vendor."""
    ports = FakePorts()
    provider = added(ports)
    place = (ORG, provider.id, 1)
    ports.db.rows[place] = replace(ports.db.rows[place], nonce=b"moved")
    ports.verify.asked.clear()
    for _ in range(3):
        sweep(ports)
    assert ports.verify.asked == []
    assert stored(ports, provider).health.state is HealthState.UNHEALTHY


def test_a_stored_key_that_a_later_release_refuses_is_unhealthy_and_keeps_no_other_from_being_checked() -> None:
    """What `parse` knows of credentials grows; a key that it took before must not fail its whole message."""
    ports = FakePorts()
    refused, other = added(ports), added(ports, "two")
    place = (ORG, refused.id, 1)
    ports.db.rows[place] = replace(ports.db.rows[place], ciphertext=b"sk-admin-FAKE-" + b"0" * 40)
    ports.verify.asked.clear()
    for _ in range(3):
        sweep(ports)
    assert len(ports.verify.asked) == 3
    assert stored(ports, refused).health.reason is Reason.CREDENTIAL_REJECTED
    assert stored(ports, other).health.state is HealthState.HEALTHY
