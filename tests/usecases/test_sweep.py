"""The sweep: which providers are queued, and that messages contain only ids."""

from __future__ import annotations

import pytest

from providers.model.policy import Policy, Thresholds
from providers.usecases.commands import Change
from providers.usecases.probe_batch import Batch
from providers.usecases.sweep import dispatch
from providers.usecases.update import update_provider
from providers_contract.vocabulary import Status
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added
from tests.kit.sweeps import deliver, sweep


def test_messages_contain_ids_only() -> None:
    """Messages contain a minute, organizations and provider ids only."""
    ports = FakePorts()
    provider = added(ports)
    (body,) = sweep(ports)
    assert Batch.from_json(body).targets == ((ORG, provider.id),)
    assert set(body) <= set('{}[]",:-+_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789')
    assert len(body) < 130


def test_disabled_providers_are_not_probed() -> None:
    """Providers disabled before the sweep or after queueing are not probed."""
    ports = FakePorts()
    off, late = added(ports, "off"), added(ports, "late")
    update_provider(ports, ORG, off.id, Change(status=Status.DISABLED))
    dispatch(ports, ports.clock.now())
    assert Batch.from_json(ports.queue.sent[0]).targets == ((ORG, late.id),)
    update_provider(ports, ORG, late.id, Change(status=Status.DISABLED))
    ports.verify.asked.clear()
    assert deliver(ports, ports.queue.sent) == []
    assert (ports.verify.asked, ports.db.samples) == ([], {})


@pytest.mark.parametrize(("interval", "each"), [(1, 1), (5, 5), (15, 15)])
def test_every_provider_is_due_once_in_an_interval(interval: int, each: int) -> None:
    """Every provider is due once per interval; with longer intervals, each minute handles some shards."""
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
