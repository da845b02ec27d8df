"""One process of the sweep's bench, run by lines on stdin: `worker` is the real code, `bare` the HTTP client alone.

`python -m bench.sweep worker|bare <providers> <emulator's URL> [DynamoDB Local's URL]`
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx2

from bench.stack import NOW, BenchDependencies, bench_ports, long_healthy, recorded
from local.template import Template
from local.vendors.keys import fake_key
from providers import vendors
from providers.edge import background
from providers.model.health import MINUTE, nearest_rank
from providers.model.vendor import ProbeRequest, VerifyContext
from providers_contract.secret import Secret

Prepared = tuple[str, httpx2.URL, dict[str, str]]

WORKER_TIMEOUT_S: Final = 60


@dataclass(frozen=True)
class Invocation:
    """The part of Lambda's context that a worker uses."""

    until: float

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda would stop the function."""
        return int((self.until - time.monotonic()) * 1000)


def peak_mb() -> float:
    """Return the peak resident memory of this process in MB; 0 on systems other than Linux."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


class Worker:
    """The real code, over providers that have been healthy for a long time."""

    def __init__(self, ports: BenchDependencies, count: int) -> None:
        self._ports = ports
        self._providers = long_healthy(ports, count)
        self._before_mb = peak_mb()
        (source,) = Template().of_type("AWS::Lambda::EventSourceMapping").values()
        self._at_once = source["BatchSize"]
        self._minute = NOW

    def run(self, kind: str) -> dict[str, Any]:
        """Sweep one minute: dispatch it, then process the messages in batches as Lambda's poller does.

        If `kind` is `cold`, every invocation is a worker's first, which has no data key in its cache.
        """
        from functions.dispatch_probes.app import handler as dispatch
        from functions.run_probes.app import handler as run_probes

        ports, minute, count = self._ports, self._minute, len(self._providers)
        ports.set_clock.at = minute
        ports.canned.queued.clear()
        context = Invocation(time.monotonic() + WORKER_TIMEOUT_S)
        assert dispatch({"time": minute.isoformat()}, context)["due"] == count
        records = [{"messageId": str(n), "body": body} for n, body in enumerate(ports.canned.queued)]
        ports.meter.reset()
        with Watch() as watch:
            for start in range(0, len(records), self._at_once):
                if kind == "cold":
                    ports.forget_data_keys()
                context = Invocation(time.monotonic() + WORKER_TIMEOUT_S)
                result = run_probes({"Records": records[start : start + self._at_once]}, context)
                assert result == {"batchItemFailures": []}, result
        figures = {
            "writes": ports.meter.write_units / count,
            "reads": ports.meter.read_units / count,
            "kms": ports.meter.total("kms") / count,
            "dynamodb": ports.meter.total("dynamodb") / count,
            "peak_mb": peak_mb(),
            "before_mb": self._before_mb,
        }
        samples = recorded(ports, self._providers, minute)
        assert len(samples) == count
        assert all(sample.reason is None for sample in samples), {sample.reason for sample in samples}
        latencies = [sample.latency_ms for sample in samples if sample.latency_ms is not None]
        self._minute += MINUTE
        return watch.result(count, latencies) | figures


class Bare:
    """The same requests over the same HTTP client, and nothing else."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self._count = count
        self._runner = asyncio.Runner()
        self._transport = httpx2.AsyncHTTPTransport(
            verify=httpx2.create_ssl_context(trust_env=False),
            trust_env=False,
            limits=httpx2.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=5),
        )

    def run(self, _: str) -> dict[str, Any]:
        """Send every request once."""
        prepared = [prepare(self._url, number) for number in range(self._count)]
        with Watch() as watch:
            latencies = self._runner.run(_send_all(self._transport, prepared))
        return watch.result(self._count, latencies)


def prepare(url: str, number: int) -> Prepared:
    """Return the request that probes provider `number`."""
    vendor = vendors.vendor(vendors.NAMES[number % len(vendors.NAMES)])
    base_url = "https://fake-resource.openai.azure.com" if vendor.name == "azure" else None
    secret = Secret(fake_key(vendor.name, serial=1 + number // len(vendors.NAMES)))
    exchange = vendor.verify(vendor.parse(secret, base_url), base_url, VerifyContext(datetime.now(UTC)))
    request: ProbeRequest = next(exchange)
    to, own = httpx2.URL(request.url), httpx2.URL(url)
    headers = {name: value.reveal() if isinstance(value, Secret) else value for name, value in request.headers.items()}
    headers |= {"accept": "application/json", "accept-encoding": "identity", "user-agent": "providers-api"}
    headers["host"] = to.netloc.decode("ascii")
    return request.method, to.copy_with(scheme=own.scheme, host=own.host, port=own.port), headers


async def _send_all(transport: httpx2.AsyncHTTPTransport, prepared: Sequence[Prepared]) -> list[int]:
    latencies: list[int] = []
    waiting = iter(prepared)

    async def send() -> None:
        for method, url, headers in waiting:
            began = time.perf_counter()
            response = await transport.handle_async_request(httpx2.Request(method, url, headers=headers))
            await response.aread()
            await response.aclose()
            latencies.append(round((time.perf_counter() - began) * 1000))
            assert response.status_code == 200, response.status_code

    await asyncio.gather(*(send() for _ in range(background.CONCURRENCY)))
    return latencies


class Watch:
    """Measures the wall and CPU time of a block."""

    def __enter__(self) -> Watch:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self._wall, self._cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu

    def result(self, count: int, latencies: Sequence[int]) -> dict[str, Any]:
        """Return the figures for `count` probes."""
        ordered = sorted(latencies)
        return {
            "rate": count / self._wall,
            "seconds": self._wall,
            "cpu_ms": self._cpu / count * 1000,
            "p50_ms": nearest_rank(ordered, 50),
            "p95_ms": nearest_rank(ordered, 95),
        }


def _serve(process: Worker | Bare) -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(process.run(line.strip())), flush=True)


def main(kind: str, count: int, url: str, dynamodb_url: str | None = None) -> None:
    """Run once for every line on stdin, and print a line of JSON."""
    if kind == "bare":
        _serve(Bare(url, count))
        return
    with bench_ports(url, dynamodb_url) as ports:
        _serve(Worker(ports, count))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
