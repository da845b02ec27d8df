"""Measure the time and read units of reads: health with a full week of samples and with one, and a list."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench.aws import LATENCY_S
from bench.stack import NOW, BenchDependencies, bench_ports, hours_of, long_healthy, store_hours
from providers.model.health import MINUTE, WINDOWS
from tests.kit.lambdas import ALL_SCOPES, Response, event

_TIMES = 15


@dataclass(frozen=True)
class Cost:
    """A response's median time in ms, and its calls and read units."""

    ms: float
    checks: int
    read_units: float
    calls: dict[str, int]


@contextmanager
def _without_waiting() -> Iterator[None]:
    """Remove the delay of canned responses, to measure the function's own time."""
    kept = dict(LATENCY_S)
    LATENCY_S.update(dict.fromkeys(LATENCY_S, 0.0))
    try:
        yield
    finally:
        LATENCY_S.update(kept)


def health_costs(dynamodb_url: str | None = None) -> tuple[Cost, Cost]:
    """Return the costs of `GET …/health` with 10,080 samples and with one."""
    from functions.get_provider_health.app import handler

    found = []
    for first in (NOW - WINDOWS["7d"] + MINUTE, NOW):
        with _without_waiting(), bench_ports(dynamodb_url=dynamodb_url) as ports:
            (provider,) = long_healthy(ports, 1)
            _clear(ports, provider.id)
            store_hours(ports, provider, hours_of(first, int((NOW - first) / MINUTE) + 1))
            given = event(path={"provider_id": provider.id}, org=provider.org, scopes=ALL_SCOPES)
            found.append(_cost(ports, handler, given, lambda data: int(data["windows"]["7d"]["checks"])))
    return found[0], found[1]


def list_cost(dynamodb_url: str | None = None) -> Cost:
    """Return the cost of `GET …/providers` with fifty providers."""
    from functions.list_providers.app import handler

    with _without_waiting(), bench_ports(dynamodb_url=dynamodb_url) as ports:
        long_healthy(ports, 50, org_size=50)
        return _cost(ports, handler, event(org="org_00000", scopes=ALL_SCOPES), len)


def _clear(ports: BenchDependencies, provider_id: str) -> None:
    """Delete the samples that `long_healthy` stored."""
    if not ports.real_dynamodb:
        return
    for hours in range(3):
        key = {"PK": {"S": f"HEALTH#{provider_id}"}, "SK": {"S": f"H#{NOW - timedelta(hours=hours):%Y-%m-%dT%H}"}}
        ports.dynamodb.delete_item(TableName=ports.settings.main_table, Key=key)


def _cost(ports: BenchDependencies, handler: Any, given: dict[str, Any], checks: Any) -> Cost:
    times = []
    for _ in range(_TIMES):
        ports.meter.reset()
        began = time.perf_counter()
        result = handler(given, None)
        times.append((time.perf_counter() - began) * 1000)
        assert result["statusCode"] == 200, result["body"]
    data = Response(200, {}, json.loads(result["body"]), result["body"]).data
    calls = {name.removeprefix("dynamodb."): count for name, count in sorted(ports.meter.calls.items())}
    return Cost(statistics.median(times), checks(data), ports.meter.read_units, calls)
