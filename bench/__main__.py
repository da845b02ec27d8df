"""`python -m bench [--quick]`: measure, and write the tables to stdout and docs/bench.md.

`python -m bench runtime [NAME]` prints only the section on cold starts, for the functions whose names contain NAME;
`python -m bench use` only the one on using a credential; `python -m bench reads` only the one on health and lists.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench import cli, peers, percentiles, reading, runtime, use
from bench.aws import LATENCY_S
from bench.stack import ORG_SIZE
from local.vendors.server import running_emulator
from providers.edge.background import CONCURRENCY

ROOT: Final = Path(__file__).parent.parent
DOCUMENT: Final = ROOT / "docs" / "bench.md"
LATENCY_MS: Final = 50
ROUNDS: Final = 5
MEMORY_MB: Final = 512

Result = dict[str, float]
Run = Callable[[str], Result]


@contextmanager
def emulator() -> Iterator[str]:
    """Run the vendor emulator in its own process; yield its URL."""
    command = [sys.executable, "-m", "local.vendors", "--port", "0", "--latency-ms", str(LATENCY_MS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.terminate()


@contextmanager
def runner(kind: str, count: int, *urls: str) -> Iterator[Run]:
    """Start a process of `bench.sweep`; yield a function that runs it once."""
    command = [sys.executable, "-m", "bench.sweep", kind, str(count), *urls]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        go, said = process.stdin, process.stdout

        def run(how: str) -> Result:
            go.write(f"{how}\n")
            go.flush()
            found: Result = json.loads(said.readline())
            return found

        try:
            yield run
        finally:
            go.close()


class Pairs:
    """Results of the worker and of the bare loop; they run alternately, and each pair starts with the other one."""

    def __init__(self, count: int, rounds: int, *urls: str, warm_up: bool = True) -> None:
        with ExitStack() as closing:
            worker, bare = (closing.enter_context(runner(kind, count, *urls)) for kind in ("worker", "bare"))
            if warm_up:
                worker("warm"), bare("warm")
            self.workers: list[Result] = []
            self.bares: list[Result] = []
            both = [(worker, self.workers), (bare, self.bares)]
            for number in range(rounds):
                for run, results in both if number % 2 else reversed(both):
                    results.append(run("warm"))
            self.cold = worker("cold")

    def of(self, name: str) -> tuple[float, float]:
        """Return the medians of a figure: the worker's and the bare loop's."""
        worker, bare = ([result[name] for result in results] for results in (self.workers, self.bares))
        return statistics.median(worker), statistics.median(bare)

    def ratio(self, name: str) -> float:
        """Return the median of the pairs' ratios."""
        both = zip(self.workers, self.bares, strict=True)
        return statistics.median(worker[name] / bare[name] for worker, bare in both)

    def row(self, title: str) -> str:
        """Return a row of the sweep's table."""
        rate, cpu, seconds, p50, p95 = map(self.of, ("rate", "cpu_ms", "seconds", "p50_ms", "p95_ms"))
        cells = [
            title,
            f"{rate[0]:.0f}",
            f"{rate[1]:.0f}",
            f"**{self.ratio('rate'):.2f}**",
            f"{cpu[0]:.2f}",
            f"{cpu[1]:.2f}",
            f"{self.ratio('cpu_ms'):.1f}",
            f"{seconds[0]:.1f} / {seconds[1]:.1f}",
            f"{p50[0]:.0f} / {p50[1]:.0f}",
            f"{p95[0]:.0f} / {p95[1]:.0f}",
        ]
        return row(*cells)


def row(*cells: str) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


def unit_row(title: str, result: Result) -> str:
    """Return a row of the table of units."""
    figures = (f"{result['writes']:.2f}", f"{result['reads']:.2f}", f"{result['kms']:.3f}", f"{result['dynamodb']:.2f}")
    return row(title, *figures)


class Bench:
    """All measurements, section by section, and the design's targets for them."""

    def __init__(self, *, quick: bool) -> None:
        self._quick = quick
        self._dynamodb_url = os.environ.get("DYNAMODB_LOCAL_URL")
        self._targets: list[tuple[str, str, bool]] = []

    def document(self) -> Iterator[str]:
        """Yield the lines of the whole page."""
        yield "# Bench\n"
        yield (
            f"Written by `python -m bench` on {os.cpu_count()} cores with Python {platform.python_version()}. The"
            " machine may have been busy: rely on the ratios, since both sides used the same machine at the same"
            " time.\n"
        )
        yield from self.runtime()
        yield from self._sweep()
        yield from self.reads()
        yield from self._percentiles()
        yield from self._peers()
        yield from self.use()
        yield "## Command line\n"
        yield cli.measure()
        yield "## Targets\n"
        yield from self.targets()

    def targets(self) -> Iterator[str]:
        """Yield the table of targets for what was measured."""
        yield "| target | measured | |"
        yield "| --- | --- | --- |"
        for text, measured, met in self._targets:
            yield row(text, measured, "yes" if met else "**no**")

    def runtime(self, only: str = "") -> Iterator[str]:
        """Yield cold and warm starts on Lambda's runtime."""
        rounds, warm = (1, 10) if self._quick else (runtime.ROUNDS, runtime.WARM)
        found = runtime.measure(rounds, warm, only)
        yield from runtime.section(found)
        for target in runtime.targets(found):
            self._target(*target)

    def use(self) -> Iterator[str]:
        """Yield reads of credentials, from memory and with a check, beside Secrets Manager's cache."""
        found = use.speeds(*((10_000, 50) if self._quick else (use.CACHED, use.CHECKED)))
        yield from use.section(found, use.memory_mb())
        ours, theirs, checked = found[use.OURS], found[use.THEIRS], found[use.OURS_CHECKED]
        times = theirs.p50_us / ours.p50_us
        self._target("reads from memory are faster than Secrets Manager's cache", f"{times:.0f} times", times > 1)
        self._target("no call to AWS while a credential is fresh", f"{ours.calls:g}", ours.calls == 0)
        self._target("one call to AWS to learn that nothing changed", f"{checked.calls:g}", checked.calls == 1)

    def _target(self, text: str, measured: str, met: bool) -> None:
        self._targets.append((text, measured, met))

    def _sweep(self) -> Iterator[str]:
        """Yield probes per second, CPU, latency, units, calls and memory."""
        with emulator() as url:
            thousand = Pairs(1_000, ROUNDS, url)
            many = None if self._quick else Pairs(10_000, 1, url, warm_up=False)
            real = Pairs(1_000, 3, url, self._dynamodb_url) if self._dynamodb_url else None
        yield "## A sweep\n"
        yield (
            f"One worker, {CONCURRENCY} providers at once, of seven vendors and organizations of {ORG_SIZE}, against"
            f" the emulator in its own process, which waits {LATENCY_MS} ms before each response. *Bare* is httpx2's"
            " transport in a loop: the same requests, as many at once; no cipher, no database, no verdict.\n"
        )
        yield row(
            "",
            "probes/s",
            "bare",
            "ratio",
            "CPU ms/probe",
            "bare",
            "ratio",
            "seconds, both",
            "p50 ms, both",
            "p95 ms, both",
        )
        yield row("---", *["---:"] * 9)
        yield thousand.row(f"1,000 providers, medians of {ROUNDS} pairs")
        if many:
            yield many.row("10,000 providers, one pair from cold connections")
        if real:
            yield real.row("1,000 providers over DynamoDB Local, medians of 3 pairs")
        yield ""
        yield (
            "The worker is `functions/run_probes`, called with the messages that `functions/dispatch_probes`"
            " queued, in batches of the template's size. All of it is the real code: AES-GCM, and"
            " botocore with its serialization, signing and parsing. DynamoDB's responses come from botocore's"
            f" `before-send` hook after {LATENCY_S['dynamodb'] * 1000:.0f} ms, so no server competes for the cores;"
            " urllib3, sockets and TLS are not included. DynamoDB Local does compete.\n"
        )
        if many:
            peak, before = many.workers[0]["peak_mb"], many.workers[0]["before_mb"]
            yield (
                f"Memory for 10,000 providers: {peak:.0f} MB at most, of which {before:.0f} MB were in use before the"
                " sweep began (imports, and the bench's own tables).\n"
            )
            self._target(f"a worker fits into {MEMORY_MB} MB", f"{peak:.0f} MB", peak < MEMORY_MB)
            seconds = many.workers[0]["seconds"]
            self._target("10,000 probes within one minute", f"{seconds:.1f} s", seconds < 60)
        yield row("for each probe", "write units", "read units", "KMS calls", "DynamoDB calls")
        yield row("---", *["---:"] * 4)
        yield unit_row("data keys warm", thousand.workers[-1])
        yield unit_row(f"every invocation on a new worker ({thousand.cold['rate']:.0f} probes/s)", thousand.cold)
        if real:
            yield unit_row("DynamoDB Local, which reports the units itself", real.workers[-1])
        yield ""
        ratio, p50, units = thousand.ratio("rate"), thousand.of("p50_ms")[0], thousand.workers[-1]
        self._target("at least 0.8 of the speed of the bare loop", f"{ratio:.2f}", ratio >= 0.8)
        self._target(f"recorded p50 below 60 ms when vendors take {LATENCY_MS}", f"{p50:.0f} ms", p50 < 60)
        self._target("one write unit a probe", f"{units['writes']:.2f}", units["writes"] == 1)
        self._target("at most two read units a probe", f"{units['reads']:.2f}", units["reads"] <= 2)
        self._target("no KMS call with warm data keys", f"{units['kms']:.3f}", units["kms"] == 0)

    def reads(self) -> Iterator[str]:
        """Yield the time and read units of the health and list endpoints."""
        yield "## Reads\n"
        yield (
            "The functions' own CPU time, the least of many runs in turn. A week of one-minute samples is 10,080."
            " *Bare* is a handler that makes the list's two calls and returns the provider items as JSON.\n"
        )
        yield row("", "CPU ms", "read units", "calls")
        yield row("---", "---:", "---:", "---")
        backends = {"canned": None} | ({"DynamoDB Local": self._dynamodb_url} if self._dynamodb_url else {})
        for name, url in backends.items():
            full, empty = reading.health_costs(url)
            listed, plain, quick = reading.list_costs(url)
            for title, cost in (
                (f"health, {full.checks:,} samples", full),
                (f"health, {empty.checks} sample", empty),
                (f"list of {listed.checks} providers", listed),
                ("*bare* over botocore as it is", plain),
                ("*bare* over this project's client", quick),
            ):
                calls = ", ".join(f"{count} {operation}" for operation, count in cost.calls.items())
                yield row(f"{title} ({name})", f"{cost.ms:.1f}", f"{cost.read_units:g}", calls)
            times, units = full.ms / empty.ms, full.read_units / empty.read_units
            yield row(f"*full week : one sample* ({name})", f"{times:.1f} : 1", f"{units:.1f} : 1", "")
            for title, bare in (("bare", plain), ("bare with this project's client", quick)):
                yield row(f"*list : {title}* ({name})", f"{listed.ms / bare.ms:.1f} : 1", "", "")
            self._target(
                f"health of a week takes at most 5 times that of one sample ({name})", f"{times:.1f}", times <= 5
            )
            ratio = listed.ms / plain.ms
            self._target(f"a list takes at most 1.3 times a bare handler's CPU ({name})", f"{ratio:.2f}", ratio <= 1.3)
            self._target(
                f"a list is one Query and one BatchGetItem ({name})",
                ", ".join(listed.calls),
                listed.calls == {"BatchGetItem": 1, "Query": 1},
            )
        yield ""

    def _peers(self) -> Iterator[str]:
        """Yield the time of storing, reading and rotating a credential beside other stores."""
        with running_emulator() as vendors:
            found = peers.compare(vendors.url, self._dynamodb_url)
        where = "DynamoDB Local and moto" if self._dynamodb_url else "moto"
        yield "## Beside other stores\n"
        yield (
            f"Milliseconds of one operation against {where}, medians of {peers.ROUNDS} rounds of {peers.COUNT}, and"
            " ours as a multiple. *Store* and *rotate* include the vendor's verification, the audit trail and events,"
            " which the others do not have; *read again* is from memory. Secrets Manager is moto's, which only copies a"
            " string.\n"
        )
        yield row("", *peers.OPERATIONS)
        yield row("---", *["---:"] * len(peers.OPERATIONS))
        ours = found.pop("ours")
        yield row("ours", *(f"{ours[each]:.2f}" for each in peers.OPERATIONS))
        for side, times in found.items():
            yield row(side, *(f"{times[each]:.2f} ({ours[each] / times[each]:.2f})" for each in peers.OPERATIONS))
            for each in peers.OPERATIONS:
                ratio, most = ours[each] / times[each], peers.TARGETS[side]
                self._target(f"{each}: at most {most} of {side}'s time", f"{ratio:.2f}", ratio <= most)
        yield ""

    def _percentiles(self) -> Iterator[str]:
        """Yield the comparison with numpy, and the time for a week of samples."""
        found = percentiles.agreement()
        alone, everything = percentiles.week_ms()
        yield "## Percentiles\n"
        yield (
            f"{found.compared:,} percentiles (p50, p90, p95, p99) of lognormal latencies in windows of 1 to 10,080"
            f' samples, compared with numpy\'s `method="inverted_cdf"`: {found.different} differ. Summarizing the 7-day'
            f" window of 10,080 samples takes {alone:.1f} ms; all four windows and the history {everything:.1f} ms.\n"
        )
        self._target("percentiles equal numpy's", f"{found.different} differ", found.different == 0)


def main() -> None:
    """Read the command line, measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 providers only; do not write docs/bench.md")
    parser.add_argument(
        "section", nargs="?", choices=["runtime", "use", "reads"], help="measure only this, and write nothing"
    )
    parser.add_argument("only", nargs="?", default="", help="of the functions whose names contain this")
    given = parser.parse_intermixed_args()
    quick = given.quick
    if given.section:
        bench = Bench(quick=quick)
        section = {"use": bench.use, "reads": bench.reads}.get(given.section, lambda: bench.runtime(given.only))()
        print(*section, *bench.targets(), sep="\n")
        return
    lines = []
    for line in Bench(quick=quick).document():
        print(line, flush=True)
        lines.append(line)
    if not quick:
        DOCUMENT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
