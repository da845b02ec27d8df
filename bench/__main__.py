"""`python -m bench [SECTION …]`: measure, print the tables, and write them into docs/bench.md. Default: all sections.

With `--quick`, less is measured and nothing is written; `--only NAME` measures the functions whose names contain NAME.
"""

from __future__ import annotations

import argparse
import json
import os
import re
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

SECTIONS: Final = ("runtime", "sweep", "reads", "percentiles", "use", "peers", "cli")
"""The sections, which are methods of `Bench`, in the order of the page."""

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

    def __init__(self, *, quick: bool, only: str) -> None:
        self._quick = quick
        self._only = only
        self._dynamodb_url = os.environ.get("DYNAMODB_LOCAL_URL")
        self._targets: list[tuple[str, str, bool]] = []

    def section(self, name: str) -> str:
        """Return a section of the page, with its targets."""
        lines = list(getattr(self, name)())
        if self._targets:
            lines += ["", row("target", "measured", ""), row("---", "---", "---")]
            lines += [row(text, measured, "yes" if met else "**no**") for text, measured, met in self._targets]
            self._targets.clear()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"

    def runtime(self) -> Iterator[str]:
        """Yield cold and warm starts on Lambda's runtime."""
        rounds, warm = (1, 10) if self._quick else (runtime.ROUNDS, runtime.WARM)
        found = runtime.measure(rounds, warm, self._only)
        yield from runtime.section(found)
        for target in runtime.targets(found):
            self._target(*target)

    def use(self) -> Iterator[str]:
        """Yield reads of credentials, from memory and with a check, compared with Secrets Manager's cache."""
        found = use.speeds(*((10_000, 50) if self._quick else (use.CACHED, use.CHECKED)))
        yield from use.section(found, use.memory_mb())
        ours, theirs, checked = found[use.OURS], found[use.THEIRS], found[use.OURS_CHECKED]
        times = theirs.p50_us / ours.p50_us
        self._target("reads from memory are faster than Secrets Manager's cache", f"{times:.0f} times", times > 1)
        self._target("no call to AWS while a credential is fresh", f"{ours.calls:g}", ours.calls == 0)
        self._target("one call to AWS to learn that nothing changed", f"{checked.calls:g}", checked.calls == 1)

    def cli(self) -> Iterator[str]:
        """Yield the times of the command line."""
        yield "## Command line\n"
        yield cli.measure()

    def _target(self, text: str, measured: str, met: bool) -> None:
        self._targets.append((text, measured, met))

    def sweep(self) -> Iterator[str]:
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

    def peers(self) -> Iterator[str]:
        """Yield the time of storing, reading and rotating a credential, compared with other stores."""
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

    def percentiles(self) -> Iterator[str]:
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


def written(page: str, section: str) -> str:
    """Return the page with this section instead of the one with its heading, or at the end."""
    heading = re.escape(section.partition("\n")[0])
    found = re.search(rf"^{heading}\n.*?(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    if found is None:
        return f"{page.rstrip()}\n\n{section}"
    return f"{page[: found.start()]}{section}\n{page[found.end() :]}".rstrip() + "\n"


def main() -> None:
    """Read the command line, measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure less, and write nothing")
    parser.add_argument("--only", default="", help="for runtime: the functions whose names contain this")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    given = parser.parse_args()
    if unknown := {*given.sections} - {*SECTIONS}:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    bench = Bench(quick=given.quick, only=given.only)
    for name in given.sections or SECTIONS:
        section = bench.section(name)
        print(section, flush=True)
        if not (given.quick or given.only):
            DOCUMENT.write_text(written(DOCUMENT.read_text(), section))


if __name__ == "__main__":
    main()
