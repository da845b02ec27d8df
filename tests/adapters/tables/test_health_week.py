"""A week of one-minute probes, as DynamoDB stores it, compared with a brute-force computation over the raw samples."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from providers.adapters.tables.health import DynamoHealth
from providers.adapters.tables.keys import hour_of
from providers.adapters.tables.samples import expiry_of, minute_bucket, pack
from providers.model.samples import Sample
from providers.usecases.health import Report, read_health
from providers_contract.vocabulary import Reason
from tests.kit.aws import Tables, moto_tables
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, added

NOON = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)
MINUTES = {"5m": 5, "1h": 60, "24h": 1440, "7d": 10080}


def a_week(until: datetime) -> list[Sample]:
    """Return nine days of probes up to `until`, with failures and a gap of some hours."""
    chance = random.Random(11)
    return [
        Sample(
            until - timedelta(minutes=back),
            1,
            chance.choices([None, Reason.RATE_LIMITED, Reason.TIMEOUT, Reason.HTTP_5XX], [96, 2, 1, 1])[0],
            round(chance.lognormvariate(5.5, 0.6)),
        )
        for back in range(9 * 24 * 60)
        if not 4000 < back < 4300
    ][::-1]


def write(tables: Tables, provider_id: str, samples: list[Sample]) -> None:
    """Write the hours as `DynamoHealth.record` would have, an hour at a time."""
    hours: dict[str, dict[str, Any]] = {}
    for sample in samples:
        item = hours.setdefault(hour_of(sample.at), {"PK": {"S": f"HEALTH#{provider_id}"}})
        item |= {"SK": {"S": hour_of(sample.at)}, "ttl": {"N": str(expiry_of(sample.at))}}
        item[minute_bucket(sample.at)] = {"B": pack(sample)}
    for item in hours.values():
        tables.client.put_item(TableName=tables.main, Item=item)


@pytest.fixture(scope="module")
def week() -> Iterator[tuple[FakePorts, str, list[Sample], list[str]]]:
    """A provider with its week in moto; calls to DynamoDB are recorded."""
    with moto_tables() as tables:
        ports = FakePorts()
        provider = added(ports)
        samples = a_week(NOON)
        write(tables, provider.id, samples)
        calls: list[str] = []
        tables.client.meta.events.register(
            "provide-client-params.dynamodb.*", lambda model, **_: calls.append(model.name)
        )
        ports.health = DynamoHealth(tables.client, tables.main)  # type: ignore[assignment]
        yield ports, provider.id, samples, calls


@pytest.mark.parametrize(
    "now",
    [NOON, NOON + timedelta(seconds=59), NOON - timedelta(minutes=1), NOON - timedelta(hours=12), NOON.replace(hour=0)],
    ids=str,
)
def test_a_week_equals_a_brute_force_computation(
    week: tuple[FakePorts, str, list[Sample], list[str]], now: datetime
) -> None:
    """Every window is correct at several moments, including hour and day edges, and takes one Query."""
    ports, provider_id, samples, calls = week
    ports.clock.at = now
    calls.clear()
    report: Report = read_health(ports, ORG, provider_id, "7d")
    assert calls == ["Query"]
    this = math.floor(now.timestamp() / 60)
    for name, width in MINUTES.items():
        raw = [each for each in samples if this - width < each.at.timestamp() / 60 <= this]
        good = [each for each in raw if each.reason in (None, Reason.RATE_LIMITED)]
        latencies = sorted(each.latency_ms or 0 for each in good)
        window = report.windows[name]
        assert (window.checks, window.success_rate) == (len(raw), len(good) / len(raw))
        ranks = {percent: math.ceil(Fraction(percent * len(latencies), 100)) for percent in (50, 90, 95, 99)}
        assert window.percentiles == {percent: latencies[rank - 1] for percent, rank in ranks.items()}
        assert sum(window.errors.values()) == len(raw) - len(good)
    assert report.last_check_at == now.replace(second=0)
