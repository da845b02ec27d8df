"""Compare `Credentials.use` with Secrets Manager through AWS's own caching library, on the same embedded AWS."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from aws_secretsmanager_caching import SecretCache, SecretCacheConfig

from local.vendors.keys import fake_key
from providers_contract.secret import Secret
from providers_data_plane import Credentials
from providers_data_plane.cache import Entry, Held
from providers_data_plane.clock import SystemClock
from tests.kit.data_plane import Deployment, deployment
from tests.kit.requests import ORG, key

CACHED: Final = 100_000
CHECKED: Final = 300
HELD: Final = 10_000

OURS: Final = "`use`, from memory"
THEIRS: Final = "Secrets Manager's cache, from memory"
OURS_CHECKED: Final = "`use`, which checks that nothing changed"
THEIRS_CHECKED: Final = "Secrets Manager's cache, which checks"


@dataclass(frozen=True)
class Speed:
    """Reads a second of one thread, their latencies, the CPU of one, and the calls to AWS that one makes."""

    rate: float
    p50_us: float
    p99_us: float
    cpu_us: float
    calls: float


def speeds(cached: int = CACHED, checked: int = CHECKED) -> dict[str, Speed]:
    """Return the speeds from memory, and of learning that nothing has changed: ours and Secrets Manager's."""
    with deployment() as deployed:
        made = deployed.add()
        calls: list[str] = deployed.calls
        secrets = deployed.client("secretsmanager")
        name = secrets.create_secret(Name="openai-production", SecretString=key("one").reveal())["Name"]
        fresh, stale = (_credentials(deployed, max_age) for max_age in (3000.0, 0.0))
        kept, asked = (
            SecretCache(SecretCacheConfig(secret_refresh_interval=seconds), secrets) for seconds in (3600, 0)
        )
        found = {}
        for title, times, read in (
            (OURS, cached, _use(fresh, made.id)),
            (THEIRS, cached, lambda: kept.get_secret_string(name)),
            (OURS_CHECKED, checked, _use(stale, made.id)),
            (THEIRS_CHECKED, checked, lambda: asked.get_secret_string(name)),
        ):
            assert read() == key("one").reveal()
            found[title] = _speed(read, times, calls)
        return found


def _credentials(deployed: Deployment, max_age_s: float) -> Credentials:
    deployed.settings = deployed.settings.__class__(
        "MainTable", "SecretsTable", deployed.settings.kms_key_id, 3600, max_age_s, ORG
    )
    made = Credentials(deployed.settings, client=deployed.client)
    deployed.opened.append(made)
    return made


def _use(credentials: Credentials, provider_id: str) -> Callable[[], str]:
    def read() -> str:
        with credentials.use(provider_id) as found:
            return found.api_key

    return read


def _speed(read: Callable[[], Any], times: int, calls: list[str]) -> Speed:
    calls.clear()
    taken = []
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        before = time.perf_counter()
        read()
        taken.append(time.perf_counter() - before)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    cuts = statistics.quantiles(taken, n=100)
    counted = len([call for call in calls if call != "UpdateItem"])
    return Speed(times / seconds, cuts[49] * 1e6, cuts[98] * 1e6, cpu_s / times * 1e6, counted / times)


def memory_mb(count: int = HELD) -> float:
    """Return the memory of `count` cached credentials."""
    now = SystemClock().elapsed()
    entries: dict[Any, Entry] = {}
    gc.collect()
    tracemalloc.start()
    for number in range(count):
        secret = Secret(fake_key("openai", "valid", number))
        provider_id = f"prov_{number:026d}"
        held = Held(ORG, provider_id, "openai", None, 1, secret, None)
        entries[ORG, provider_id, None] = Entry(held, now, now + 25, now + 30, now + 3595)
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(entries) == count
    return held_bytes / 1e6


def section(found: dict[str, Speed], megabytes: float) -> Iterator[str]:
    """Yield the section."""
    yield "## Use of a credential\n"
    yield (
        "One thread, one credential, on the same embedded AWS (moto, in this process, whose own CPU is in the rows that"
        " check). Beside it, Secrets Manager through AWS's `aws-secretsmanager-caching`, which checks with"
        " DescribeSecret. Our own checks run in another thread, which requests wait for only if there was no use for a"
        " while; here each does.\n"
    )
    yield "| | reads/s | p50 µs | p99 µs | CPU µs/read | calls to AWS/read |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for title, speed in found.items():
        figures = (
            f"{speed.rate:,.0f} | {speed.p50_us:,.1f} | {speed.p99_us:,.1f} | {speed.cpu_us:,.1f} | {speed.calls:g}"
        )
        yield f"| {title} | {figures} |"
    yield f"\n{HELD:,} cached credentials take {megabytes:.1f} MB.\n"
