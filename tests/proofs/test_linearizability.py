"""Concurrent rotators and readers: a reader gets a version that was active during its read, or `max_age` before it."""

from __future__ import annotations

import bisect
import itertools
import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest
from botocore.config import Config

from providers.model.errors import Conflict, NotFound
from providers.model.policy import Policy
from providers.model.provider import MAX_LIVE_VERSIONS
from providers.usecases.add import add_provider
from providers.usecases.commands import Change, NewProvider
from providers.usecases.resolve import resolve
from providers.usecases.retirement import reap
from providers.usecases.update import update_provider
from providers_contract.secret import Secret
from providers_data_plane import Credentials, Settings, VersionNotFound
from tests.kit.aws import dynamodb_local
from tests.kit.fakes import PROXIES
from tests.kit.figures import SOAK, Figure
from tests.proofs.world import BEGAN, ORG, Process, World, dynamodb_local_world, fake_key

PROOF: Final = "Linearizability"
ROTATORS: Final = 8
READERS: Final = 8
PROVIDERS: Final = 6
ROTATIONS: Final = 20_000 if SOAK else 2_000
CACHED_ROTATIONS: Final = 5_000 if SOAK else 500
GRACE: Final = timedelta(seconds=400)
"""On the counted clock: long enough that rotators meet the limit of live versions, short enough that windows end."""
MAX_AGE: Final = timedelta(seconds=150)
"""Of cached credentials, on the counted clock, which advances with each look at the cache."""


class CountedClock:
    """A shared clock that advances one second on every read, so that it also orders events in quick succession."""

    def __init__(self) -> None:
        self._seconds = itertools.count(1)
        self._ids = itertools.count(1)

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=next(self._seconds))

    def elapsed(self) -> float:
        return (self.now() - BEGAN).total_seconds()

    def new_id(self) -> str:
        return f"{next(self._ids):026d}"


class Uncounted:
    """Stands for the counters of verifications, which are calls without a part in this."""

    def count(self, org: str, minute: int, limit: int) -> tuple[int, int] | None:
        return 1, 1


@dataclass(frozen=True)
class Rotation:
    """An acknowledged rotation: its start and end, the stored credential, and the time until it can be read."""

    began: datetime
    ended: datetime
    provider_id: str
    version: int
    credential: str
    base_url: str
    replaced_retires_at: datetime | None


@dataclass(frozen=True)
class Read:
    """A read: its request, result and times; `version` is None if the requested version was gone."""

    began: datetime
    ended: datetime
    reader: int
    provider_id: str
    pinned: int | None
    version: int | None
    credential: str = ""
    base_url: str | None = None
    max_age: timedelta = timedelta(0)

    @property
    def known(self) -> datetime:
        """The time of the oldest state that it may show."""
        return self.began - self.max_age


@dataclass
class History:
    """All rotations and reads of a run."""

    rotations: list[Rotation] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def early(self) -> int:
        """Return the number of versions retired before their grace window ended, because five later ones were live."""
        by_version = {(each.provider_id, each.version): each for each in self.rotations}
        pairs = [
            (by_version[place].replaced_retires_at, by_version.get((place[0], place[1] + MAX_LIVE_VERSIONS - 1)))
            for place in by_version
        ]
        return sum(later is not None and retires is not None and later.ended < retires for retires, later in pairs)

    def was_replaced(self, read: Read) -> bool:
        """Return whether a read of the active version began after the rotation that replaced it was acknowledged."""
        later = (each for each in self.rotations if each.provider_id == read.provider_id and each.ended < read.began)
        return read.pinned is None and any(each.version > (read.version or 0) for each in later)

    def broken(self) -> list[str]:
        """Yield events that are impossible in any single order of all rotations and reads."""
        by_version = {(each.provider_id, each.version): each for each in self.rotations}
        found = [] if len(by_version) == len(self.rotations) else ["a version was acknowledged twice"]
        for provider_id in {each.provider_id for each in self.rotations}:
            numbers = sorted(version for each, version in by_version if each == provider_id)
            if numbers != list(range(1, len(numbers) + 1)):
                found.append("version numbers have gaps: a rotation was lost, or made without being acknowledged")
        latest: dict[tuple[int, str], int] = {}
        for read in self.reads:
            found += self._wrong(read, by_version)
            if read.pinned is None and read.version is not None:
                seen = latest.get((read.reader, read.provider_id), 0)
                if read.version < seen:
                    found.append(f"a reader saw version {read.version} after {seen}")
                latest[read.reader, read.provider_id] = read.version
        return [*found, *self._stale()]

    def _wrong(self, read: Read, by_version: dict[tuple[str, int], Rotation]) -> Iterator[str]:
        """Yield the faults of one read by itself."""
        if read.version is None:
            replaced = by_version.get((read.provider_id, (read.pinned or 0) + 1))
            retired = replaced.replaced_retires_at if replaced else None
            evicting = by_version.get((read.provider_id, (read.pinned or 0) + MAX_LIVE_VERSIONS))
            evicted = evicting is not None and evicting.began <= read.ended
            if read.pinned is None or not (evicted or (retired is not None and read.ended >= retired)):
                yield f"version {read.pinned} could not be read before its grace window ended"
            return
        made = by_version.get((read.provider_id, read.version))
        if made is None:
            yield f"version {read.version} was read, and was never acknowledged"
            return
        if (read.credential, read.base_url) != (made.credential, made.base_url):
            yield f"version {read.version} was read with what belongs to another"
        if read.ended < made.began:
            yield f"version {read.version} was read before its rotation began"
        replaced = by_version.get((read.provider_id, read.version + 1))
        retired = replaced.replaced_retires_at if replaced else None
        if replaced and retired and read.began >= max(retired, replaced.ended):
            yield f"version {read.version} was read after its grace window"
        evicting = by_version.get((read.provider_id, read.version + MAX_LIVE_VERSIONS))
        if evicting and read.known >= evicting.ended:
            yield f"version {read.version} was read after a sixth live version had retired it"

    def _stale(self) -> Iterator[str]:
        """Yield reads of the active version that returned an older version than one acknowledged before the read."""
        for provider_id in {each.provider_id for each in self.rotations}:
            rotations = [each for each in self.rotations if each.provider_id == provider_id]
            acknowledged = sorted((each.ended, each.version) for each in rotations)
            times = [ended for ended, _ in acknowledged]
            highest = list(itertools.accumulate((version for _, version in acknowledged), max))
            for read in self.reads:
                if read.provider_id == provider_id and read.pinned is None and read.version is not None:
                    known = bisect.bisect_left(times, read.known)
                    if known and read.version < highest[known - 1]:
                        yield f"version {read.version} was read when {highest[known - 1]} was active"


class Run:
    """A run of rotators, readers and the reaper on one stack."""

    def __init__(self, world: World) -> None:
        self.clock = CountedClock()
        self.history = History()
        self.rotations = ROTATIONS
        self._world = world
        self._begun = itertools.count(1)
        self._done = threading.Event()
        self.providers = [self._added(number) for number in range(PROVIDERS)]

    def process(self) -> Process:
        """Return a new process on the shared clock, for one rotator or reader."""
        made = self._world.process(clock=self.clock)
        made.policy = Policy(grace=GRACE, allowed_base_url_hosts=PROXIES)
        made.verifications = Uncounted()
        return made

    def _added(self, number: int) -> str:
        began, credential, url = self.clock.now(), fake_key(f"{number}"), f"https://{number}.example.com/v1"
        new = NewProvider("openai", f"Provider {number}", Secret(credential), base_url=url)
        added, _ = add_provider(self.process(), ORG, new)
        self.history.rotations.append(Rotation(began, self.clock.now(), added.id, 1, credential, url, None))
        return added.id

    def rotate(self, rotator: int) -> None:
        """Rotate one provider after another until there were enough; each credential has a host of its own."""
        ports, chance = self.process(), random.Random(rotator)
        try:
            for number in itertools.takewhile(lambda number: number <= self.rotations, self._begun):
                while not self._rotated(ports, chance.choice(self.providers), number):
                    pass
        finally:
            self._done.set()

    def _rotated(self, ports: Process, provider_id: str, number: int) -> bool:
        credential, url = fake_key(f"r{number}"), f"https://r{number}.example.com/v1"
        began = self.clock.now()
        try:
            change = Change(api_key=Secret(credential), base_url=url)
            after, _ = update_provider(ports, ORG, provider_id, change)
        except Conflict as error:
            self.history.refused[error.code] += 1
            return False
        retires_at = after.versions[-2].retires_at
        made = Rotation(began, self.clock.now(), provider_id, after.active.number, credential, url, retires_at)
        self.history.rotations.append(made)
        return True

    def read(self, reader: int) -> None:
        """Read the active version, the same one again, and one that an earlier request began with."""
        ports, chance = self.process(), random.Random(1000 + reader)
        begun: deque[tuple[str, int]] = deque(maxlen=40)
        while not self._done.wait(0.01):
            provider_id = chance.choice(self.providers)
            active = self._read(ports, reader, provider_id, None)
            self.history.reads.append(active)
            if active.version is not None:
                begun.append((provider_id, active.version))
                self.history.reads.append(self._read(ports, reader, *begun[-1]))
                self.history.reads.append(self._read(ports, reader, *chance.choice(begun)))

    def _read(self, ports: Process, reader: int, provider_id: str, pinned: int | None) -> Read:
        began = self.clock.now()
        try:
            found = resolve(ports, ORG, provider_id, pinned)
        except NotFound:
            return Read(began, self.clock.now(), reader, provider_id, pinned, None)
        ended = self.clock.now()
        secret = found.secret.reveal()
        return Read(began, ended, reader, provider_id, pinned, found.version, secret, found.base_url)

    def read_cached(self, reader: int) -> None:
        """Read as `read` does, through the cache of a data plane."""
        process, chance = self.process(), random.Random(2000 + reader)
        settings = Settings(
            process.settings.main_table,
            process.settings.secrets_table,
            process.settings.kms_key_id,
            GRACE.total_seconds(),
            MAX_AGE.total_seconds(),
            ORG,
            allowed_base_url_hosts=PROXIES,
        )
        credentials = Credentials(settings, client=process.client, clock=self.clock)
        begun: deque[tuple[str, int]] = deque(maxlen=40)
        try:
            while not self._done.wait(0.002):
                provider_id = chance.choice(self.providers)
                active = self._read_cached(credentials, reader, provider_id, None)
                self.history.reads.append(active)
                begun.append((provider_id, active.version or 0))
                self.history.reads.append(self._read_cached(credentials, reader, *chance.choice(begun)))
        finally:
            credentials.close()

    def _read_cached(self, credentials: Credentials, reader: int, provider_id: str, pinned: int | None) -> Read:
        began = self.clock.now()
        try:
            with credentials.use(provider_id, version=pinned) as found:
                ended = self.clock.now()
                what = (found.version, found.api_key, found.base_url)
        except VersionNotFound:
            return Read(began, self.clock.now(), reader, provider_id, pinned, None)
        return Read(began, ended, reader, provider_id, pinned, *what, max_age=MAX_AGE)

    def reap(self) -> None:
        """Delete expired versions repeatedly."""
        ports = self.process()
        while not self._done.wait(0.05):
            self.history.refused["reaped"] += reap(ports, self.clock.now())


@pytest.fixture
def run() -> Iterator[Run]:
    """Run the stack on DynamoDB Local; moto's transactions are not atomic between threads."""
    config = Config(max_pool_connections=32, read_timeout=30, parameter_validation=False)
    with ExitStack() as opened:

        def client(url: str) -> Any:
            made = dynamodb_local(url, config)
            opened.callback(made.close)
            return made

        yield Run(opened.enter_context(dynamodb_local_world(client)))


@pytest.mark.prove
def test_every_read_fits_into_one_order_of_all_rotations(run: Run, figure: Figure) -> None:
    """No version is lost, mixed, stale or read too early, and each can be read until its grace window ends.

    Seen to fail: without the conditions on the provider item and on the new version's row, a number is acknowledged
    twice; with the provider item's base_url for every version, they come mixed; with the provider item as it was at the
    read before, stale; without the check of the row's expiry, after their grace window.
    """
    work: list[Callable[[], None]] = [run.reap]
    work += [partial(run.rotate, number) for number in range(ROTATORS)]
    work += [partial(run.read, number) for number in range(READERS)]
    with ThreadPoolExecutor(len(work)) as pool:
        for each in [pool.submit(task) for task in work]:
            each.result()
    history = run.history
    assert history.broken()[:5] == []
    assert len(history.rotations) == PROVIDERS + ROTATIONS
    pinned = [read for read in history.reads if read.pinned is not None]
    gone = sum(read.version is None for read in pinned)
    assert gone, "no reader came after the end of a grace window"
    figure(PROOF, "rotations acknowledged, by 8 rotators", ROTATIONS)
    figure(PROOF, "rotations refused, because another one won", history.refused["rotation_conflict"])
    figure(PROOF, "versions retired early by a sixth", history.early)
    assert history.early
    figure(PROOF, "reads of the active version, by 8 readers", len(history.reads) - len(pinned))
    figure(PROOF, "reads of a version that a request began with", len(pinned) - gone)
    figure(PROOF, "refused reads of a version past its grace", gone)


@pytest.mark.prove
def test_every_cached_read_is_as_old_as_max_age_at_most(run: Run, figure: Figure) -> None:
    """Through the cache of a data plane, no version is older than `max_age`, and none is used after its grace window.

    Seen to fail: with entries that stay fresh for three times `max_age`, and with a retired version that stays usable
    for as long as an active one, versions are used after their grace window.
    """
    run.rotations = CACHED_ROTATIONS
    work: list[Callable[[], None]] = [run.reap]
    work += [partial(run.rotate, number) for number in range(ROTATORS)]
    work += [partial(run.read_cached, number) for number in range(READERS)]
    with ThreadPoolExecutor(len(work)) as pool:
        for each in [pool.submit(task) for task in work]:
            each.result()
    history = run.history
    assert history.broken()[:5] == []
    old = sum(map(history.was_replaced, history.reads))
    gone = sum(read.version is None for read in history.reads)
    assert old, "no reader got a version from its cache after it was replaced"
    assert gone, "no reader came after the end of a grace window"
    figure(PROOF, "cached reads, by 8 readers", len(history.reads) - gone)
    figure(PROOF, "cached reads of a version that was just replaced", old)
    figure(PROOF, "refused cached reads of a version past its grace", gone)
