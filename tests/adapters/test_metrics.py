"""Metrics as CloudWatch reads them: EMF lines on stdout, within the format's limits."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import EndpointConnectionError

from providers.adapters.aws import count_failures, is_throttled
from providers.adapters.metrics import MAX_VALUES, EmfMetrics, NoMetrics
from providers.bootstrap import Dependencies, Settings
from providers.model.metrics import (
    DIMENSIONS,
    DYNAMODB_FAILURES,
    DYNAMODB_THROTTLES,
    EVENTS_QUARANTINED,
    KMS_FAILURES,
    KMS_THROTTLES,
    METRICS,
    PROBE_LATENCY,
    PROBES,
)
from providers_data_plane.clients import CLIENT_CONFIG
from tests.kit.fakes import FakeMetrics

ROOT = Path(__file__).parents[2]


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the EMF lines."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_one_line_of_emf(
    metric: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A metric has the namespace, the unit, the dimensions of the table and the service."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "providers-api")
    emf = EmfMetrics("stack")
    dimensions = {name: next(iter(DIMENSIONS[name])) for name in metric.dimensions}
    emf.measure(metric, 3, **dimensions)
    emf.flush()
    (line,) = written(capsys)
    (described,) = line["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == "stack"
    assert described["Metrics"] == [{"Name": metric.name, "Unit": metric.unit}]
    assert sorted(*described["Dimensions"]) == sorted([*metric.dimensions, "service"])
    assert line == {"_aws": line["_aws"], metric.name: [3.0], "service": "providers-api", **dimensions}
    assert isinstance(line["_aws"]["Timestamp"], int)


def test_a_minute_of_probes_is_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Two hundred and fifty probes of one vendor are one count and three lines of at most a hundred latencies."""
    emf = EmfMetrics("stack")
    for number in range(250):
        emf.count(PROBES, vendor="openai", outcome="valid")
        emf.measure(PROBE_LATENCY, number, vendor="openai", outcome="valid")
    emf.count(PROBES, vendor="groq", outcome="invalid")
    emf.flush()
    lines = written(capsys)
    assert [(line["vendor"], line.get("Probes")) for line in lines] == [
        ("openai", [250.0]),
        ("openai", None),
        ("openai", None),
        ("groq", [1.0]),
    ]
    latencies = [line["ProbeLatency"] for line in lines[:3]]
    assert [len(each) for each in latencies] == [MAX_VALUES, MAX_VALUES, 50]
    assert sum(latencies, []) == list(range(250))  # noqa: RUF017 - three short lists


def test_metrics_are_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    """An invocation's metrics are not written again by the next one; without metrics, nothing is written."""
    emf = EmfMetrics("stack")
    emf.count(EVENTS_QUARANTINED, 0)
    emf.flush()
    assert written(capsys) == []
    emf.count(EVENTS_QUARANTINED, 2)
    emf.flush()
    emf.flush()
    assert [line["EventsQuarantined"] for line in written(capsys)] == [[2.0]]


def test_threads_lose_no_count(capsys: pytest.CaptureFixture[str]) -> None:
    """The threads of a worker count into the same metric."""
    emf = EmfMetrics("stack")
    with ThreadPoolExecutor(8) as pool:
        for _ in range(2000):
            pool.submit(emf.count, EVENTS_QUARANTINED)
    emf.flush()
    assert [line["EventsQuarantined"] for line in written(capsys)] == [[2000.0]]


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"Error": {"Code": "ProvisionedThroughputExceededException"}}, True),
        ({"Error": {"Code": "ThrottlingException"}}, True),
        ({"Error": {"Code": "RequestLimitExceeded"}}, True),
        ({"Error": {"Code": "ConditionalCheckFailedException"}}, False),
        ({"CancellationReasons": [{"Code": "None"}, {"Code": "ThrottlingError"}]}, True),
        ({"CancellationReasons": [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}]}, False),
        ({"Responses": {}, "UnprocessedKeys": {"main": {}}}, True),
        ({"UnprocessedItems": {}}, False),
    ],
)
def test_throttled_responses_are_recognized(response: dict[str, Any], expected: bool) -> None:
    """Errors, actions of a transaction and parts of a batch can be throttled."""
    assert is_throttled(response) is expected


class Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield the whole body."""
        yield self.read()


def client_with_errors(service: str, *codes: str) -> Any:
    """Return a client of `service` whose attempts fail with these error codes, one after the other."""
    remaining = iter(codes)

    def send(**_: Any) -> Any:
        body = json.dumps({"__type": next(remaining), "message": "for a test"}).encode()
        return AWSResponse("https://aws.example", 400, HeadersDict({}), Raw(body))  # type: ignore[arg-type]

    client: Any = boto3.Session("testing", "testing", region_name="us-east-1").client(service)  # type: ignore[call-overload]
    client.meta.events.register_first("before-send", send)
    return client


@pytest.mark.parametrize(
    ("service", "operation", "throttles", "failures"),
    [
        ("dynamodb", "list_tables", DYNAMODB_THROTTLES, DYNAMODB_FAILURES),
        ("kms", "list_keys", KMS_THROTTLES, KMS_FAILURES),
    ],
)
def test_every_attempt_that_is_throttled_or_fails_is_counted(
    service: str, operation: str, throttles: Any, failures: Any
) -> None:
    """A retry with another error counts as one throttle and one failure."""
    metrics, client = FakeMetrics(), client_with_errors(service, "ThrottlingException", "AccessDeniedException")
    count_failures(client, service, metrics)
    with pytest.raises(client.exceptions.ClientError):
        getattr(client, operation)()
    assert metrics.of(throttles) == [(1,)]
    assert metrics.of(failures) == [(1,)]


def test_a_lost_race_is_not_a_failure() -> None:
    """A condition that is false because of another writer is part of normal operation."""
    metrics, client = FakeMetrics(), client_with_errors("dynamodb", "ConditionalCheckFailedException")
    count_failures(client, "dynamodb", metrics)
    with pytest.raises(client.exceptions.ClientError):
        client.list_tables()
    assert metrics.written == []


def test_calls_without_a_response_are_failures() -> None:
    """If DynamoDB cannot be reached, each attempt counts."""
    metrics = FakeMetrics()
    client: Any = boto3.Session("testing", "testing", region_name="us-east-1").client("dynamodb", config=CLIENT_CONFIG)

    def fail(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://aws.example")

    client.meta.events.register_first("before-send", fail)
    count_failures(client, "dynamodb", metrics)
    with pytest.raises(EndpointConnectionError):
        client.list_tables()
    assert metrics.of(DYNAMODB_FAILURES) == [(1,), (1,)]


def test_the_stack_on_one_machine_writes_no_metrics() -> None:
    """The local stack writes no metrics, because its console is for people."""
    assert isinstance(Dependencies(Settings("main", "secrets", "alias/key", local=True)).metrics, NoMetrics)
    assert isinstance(Dependencies(Settings("main", "secrets", "alias/key")).metrics, EmfMetrics)


def test_collecting_loads_no_powertools() -> None:
    """Powertools is imported when a metric is written: a gateway that only resolves credentials never loads it."""
    code = (
        "import sys; from providers.adapters.metrics import EmfMetrics; from providers.model.metrics import PROBES; "
        "emf = EmfMetrics('stack'); emf.flush(); emf.count(PROBES, vendor='openai', outcome='valid'); "
        "assert 'aws_lambda_powertools' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_dimension_is_unbounded() -> None:
    """Vendor and outcome are the only dimensions, and the page says how many metrics there can be."""
    assert set(DIMENSIONS) == {"vendor", "outcome"}
    assert {name for metric in METRICS for name in metric.dimensions} == set(DIMENSIONS)
    combinations = 0
    for metric in METRICS:
        number = 1
        for name in metric.dimensions:
            number *= len(DIMENSIONS[name])
        combinations += number
    assert f"at most {combinations} metrics" in (ROOT / "docs" / "metrics.md").read_text()


def test_the_page_lists_every_metric() -> None:
    """The page lists the metrics in the order of the table, with unit, dimensions and meaning."""
    rows = [
        f"| `{each.name}` | {each.unit} | {', '.join(f'`{name}`' for name in each.dimensions)} | {each.meaning} |"
        for each in METRICS
    ]
    page = (ROOT / "docs" / "metrics.md").read_text().splitlines()
    assert [line for line in page if line.startswith("| `")] == rows
