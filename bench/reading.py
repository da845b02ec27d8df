"""Measure the CPU time and read units of reads: health with a full week of samples and with one, and a list."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from bench.aws import LATENCY_S
from bench.stack import NOW, BenchDependencies, bench_ports, hours_of, long_healthy, store_hours
from providers.adapters.tables.attributes import marshal
from providers.adapters.tables.keys import health_key
from providers.model.health import MINUTE, WINDOWS
from providers.model.provider import Provider
from providers_data_plane.stored import org_key
from tests.kit.lambdas import ALL_SCOPES, Response, event

_GET = {"httpMethod": "GET"}
_TURNS = 12
_TIMES = 6


@dataclass(frozen=True)
class Cost:
    """A response's CPU time in ms, the least of many runs, and its calls and read units."""

    ms: float
    checks: int
    read_units: float
    calls: dict[str, int]


@dataclass(frozen=True)
class Subject:
    """A read to measure.

    Args:
        read: returns the response.
        checks: returns from its `data` what the row shows: the number of samples or providers.
        prepare: runs before its turn, outside the measurement.
    """

    read: Callable[[], Mapping[str, Any]]
    checks: Callable[[Any], int] = len
    prepare: Callable[[], None] = lambda: None


@contextmanager
def _without_waiting() -> Iterator[None]:
    """Remove the delay of canned responses, to measure the function's own time."""
    kept = dict(LATENCY_S)
    LATENCY_S.update(dict.fromkeys(LATENCY_S, 0.0))
    try:
        yield
    finally:
        LATENCY_S.update(kept)


def health_costs(dynamodb_url: str | None = None) -> Sequence[Cost]:
    """Return the costs of `GET …/health` with 10,080 samples and with one."""
    from functions.get_provider_health.app import handler

    subjects = []
    with _without_waiting(), bench_ports(dynamodb_url=dynamodb_url) as ports:
        for provider, first in zip(long_healthy(ports, 2), (NOW - WINDOWS["7d"] + MINUTE, NOW), strict=True):
            _clear(ports, provider.id)
            hours = hours_of(first, int((NOW - first) / MINUTE) + 1)
            store_hours(ports, provider, hours)
            given = _GET | event(path={"provider_id": provider.id}, org=provider.org, scopes=ALL_SCOPES)
            subjects.append(Subject(partial(handler, given, None), _week_checks, partial(ports.canned.history, hours)))
        return _costs(ports, subjects)


def _week_checks(data: Any) -> int:
    return int(data["windows"]["7d"]["checks"])


def list_costs(dynamodb_url: str | None = None) -> Sequence[Cost]:
    """Return the costs of `GET …/providers` with fifty providers, and of two bare handlers that make the same calls.

    The first bare handler is what a program without this project would be: botocore as it is. The second one has this
    project's client, which parses items faster.
    """
    from functions.list_providers.app import handler

    with _without_waiting(), bench_ports(dynamodb_url=dynamodb_url) as ports:
        providers = long_healthy(ports, 50, org_size=50)
        bares = [_bare_list(client, ports, providers) for client in (ports.plain_dynamodb(), ports.dynamodb)]
        given = _GET | event(org="org_00000", scopes=ALL_SCOPES)
        return _costs(ports, [Subject(partial(handler, given, None)), *map(Subject, bares)])


def _bare_list(client: Any, ports: BenchDependencies, providers: Sequence[Provider]) -> Callable[[], dict[str, Any]]:
    """Return a handler that makes a list's two calls and returns the provider items, as they are, as JSON."""
    table = ports.settings.main_table
    query = {
        "TableName": table,
        "KeyConditionExpression": "PK = :pk AND begins_with(SK, :prefix)",
        "ExpressionAttributeValues": marshal({":pk": org_key(providers[0].org), ":prefix": "PROV#"}),
        "ScanIndexForward": False,
        "ConsistentRead": True,
        "Limit": len(providers) + 1,
    }
    hours = (NOW - timedelta(hours=1), NOW)
    keys = [marshal(health_key(provider.id, hour)) for provider in providers for hour in hours]

    def handler() -> dict[str, Any]:
        found = client.query(**query)["Items"]
        samples = client.batch_get_item(RequestItems={table: {"Keys": keys}})["Responses"][table]
        assert len(samples) == len(keys)
        return {"statusCode": 200, "body": json.dumps({"data": found})}

    return handler


def _clear(ports: BenchDependencies, provider_id: str) -> None:
    """Delete the samples that `long_healthy` stored."""
    if not ports.real_dynamodb:
        return
    for hours in range(3):
        key = {"PK": {"S": f"HEALTH#{provider_id}"}, "SK": {"S": f"H#{NOW - timedelta(hours=hours):%Y-%m-%dT%H}"}}
        ports.dynamodb.delete_item(TableName=ports.settings.main_table, Key=key)


def _costs(ports: BenchDependencies, subjects: Sequence[Subject]) -> Sequence[Cost]:
    """Return the costs of `subjects`, which run in turn, so that the load of the machine is the same for all."""
    times: list[list[float]] = [[] for _ in subjects]
    for _ in range(_TURNS):
        for subject, own in zip(subjects, times, strict=True):
            subject.prepare()
            for _ in range(_TIMES):  # the first one finds the caches full of another subject's data
                began = time.process_time()
                subject.read()
                own.append((time.process_time() - began) * 1000)
    return [_cost(ports, subject, min(own)) for subject, own in zip(subjects, times, strict=True)]


def _cost(ports: BenchDependencies, subject: Subject, ms: float) -> Cost:
    subject.prepare()
    ports.meter.reset()
    result = subject.read()
    assert result["statusCode"] == 200, result["body"]
    data = Response(200, {}, json.loads(result["body"]), result["body"]).data
    calls = {name.removeprefix("dynamodb."): count for name, count in sorted(ports.meter.calls.items())}
    return Cost(ms, subject.checks(data), ports.meter.read_units, calls)
