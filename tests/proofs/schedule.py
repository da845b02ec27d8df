"""Every order in which the calls of a few concurrent requests can reach AWS, one after another.

Each request runs in a thread that stops before each of its calls to AWS; the scheduler lets one go at a time. The
orders are explored depth first, each from the beginning. Two calls that touch no common item, or only read it, can
change places without anybody noticing; of orders that differ in no more than that, one is run, and `covered` says for
how many it stands (sleep sets: P. Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996,
chapter 5).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Generic, TypeVar, cast

from boto3.dynamodb.types import TypeDeserializer

from tests.proofs.world import Call, Gate

T = TypeVar("T")
PATIENCE_S: Final = 60.0
Place = tuple[str, str, str]
"""Table, partition key, sort key; of a Query, what the sort keys begin with."""

_APART: Final = ("OUTBOX", "AUDIT#", "COUNT#", "VL#", "STACK")

_deserialize: Final = TypeDeserializer().deserialize


class Abandoned(BaseException):
    """Ends a request whose order is not followed any further."""


@dataclass(frozen=True)
class Footprint:
    """The items that a call reads or writes."""

    reads: frozenset[Place] = frozenset()
    ranges: frozenset[Place] = frozenset()
    writes: frozenset[Place] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.reads or self.ranges or self.writes)

    def meets(self, other: Footprint) -> bool:
        """Return whether the order of the two calls can matter."""
        return self._disturbs(other) or other._disturbs(self)

    def _disturbs(self, other: Footprint) -> bool:
        if self.writes & (other.reads | other.writes):
            return True
        return any(
            table == seen and pk == partition and sk.startswith(prefix)
            for table, pk, sk in self.writes
            for seen, partition, prefix in other.ranges
        )


def footprint(call: Call) -> Footprint:
    """Return the shared items that `call` reads or writes.

    Left out is what no two requests can meet in: the bus, which only takes; events and audit entries, whose ids are
    their writer's own; the stack's digest key, which nobody writes; and the counters, because additions commute and no
    limit is near.
    """
    given = call.arguments
    if call.service != "dynamodb":
        return Footprint()
    if call.operation == "Query":
        values = {name: _deserialize(value) for name, value in given["ExpressionAttributeValues"].items()}
        return Footprint(ranges=frozenset({(given["TableName"], values[":pk"], values.get(":prefix", ""))}))
    if call.operation == "GetItem":
        return Footprint(reads=_shared(given))
    if call.operation == "TransactWriteItems":
        actions = [action for each in given["TransactItems"] for action in each.values()]
        return Footprint(writes=_shared(*actions))
    if call.operation == "BatchWriteItem":  # of the outbox alone
        return Footprint()
    assert call.operation in ("PutItem", "UpdateItem", "DeleteItem"), call.operation
    return Footprint(writes=_shared(given))


def _shared(*actions: Mapping[str, Any]) -> frozenset[Place]:
    keys = [(action["TableName"], action.get("Key") or action["Item"]) for action in actions]
    places = [(table, key["PK"]["S"], key["SK"]["S"]) for table, key in keys]
    return frozenset(place for place in places if not place[1].startswith(_APART))


class Lane(Generic[T]):
    """A request in its own thread, which stops before each call."""

    def __init__(self, work: Callable[[Gate], T]) -> None:
        self.pending: Call | None = None
        self.result: T | None = None
        self._failure: BaseException | None = None
        self._abandoned = False
        self._stopped = threading.Semaphore(0)
        self._go = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()
        self._wait()

    def _run(self, work: Callable[[Gate], T]) -> None:
        try:
            self.result = work(self._gate)
        except Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 - raised where the lane is stepped
            self._failure = error
        self.pending = None
        self._stopped.release()

    def _gate(self, call: Call, make: Callable[[], Any]) -> Any:
        if call.service == "vendor":
            return make()
        self.pending = call
        self._stopped.release()
        self._go.acquire()
        if self._abandoned:
            raise Abandoned
        return make()

    def _wait(self) -> None:
        assert self._stopped.acquire(timeout=PATIENCE_S), "a request makes no progress"
        if self._failure is not None:
            raise self._failure

    def step(self) -> None:
        """Make the pending call, and wait for the next one or the end."""
        self._go.release()
        self._wait()

    def abandon(self) -> None:
        """End the thread immediately."""
        self._abandoned = True
        while self._thread.is_alive():
            self._go.release()
            self._thread.join(0.001)


@dataclass
class _Node:
    """A state on the way: who waits, whose turn may be tried, whose need not be (any more), and whose turn it is."""

    waiting: tuple[int, ...]
    choices: tuple[int, ...]
    asleep: set[int]
    turn: int


@dataclass(frozen=True)
class Schedule(Generic[T]):
    """One order: whose call came when, what each touched, and what the requests came to."""

    turns: tuple[int, ...]
    footprints: tuple[Footprint, ...]
    results: tuple[T, ...]

    def covered(self) -> int:
        """Return the number of orders that differ from this one only in calls that commute."""
        places: list[list[int]] = [[] for _ in self.results]
        for moment, lane in enumerate(self.turns):
            places[lane].append(moment)
        needs = {
            moment: [earlier for earlier in range(moment) if self.footprints[earlier].meets(self.footprints[moment])]
            for moment in range(len(self.turns))
        }
        index = {moment: (lane, number) for lane, moments in enumerate(places) for number, moment in enumerate(moments)}

        @cache
        def ways(done: tuple[int, ...]) -> int:
            total, ended = 0, True
            for lane, moments in enumerate(places):
                if done[lane] == len(moments):
                    continue
                ended = False
                if all(index[each][1] < done[index[each][0]] for each in needs[moments[done[lane]]]):
                    total += ways((*done[:lane], done[lane] + 1, *done[lane + 1 :]))
            return 1 if ended else total

        return ways((0,) * len(places))


@dataclass
class Explorer(Generic[T]):
    """Explores the orders of `works`; `begin` is called before each, so that all begin alike.

    With `prune` orders that differ only in calls that do not meet are run once. `given_up` counts the ones that turned
    out to be such an order after their start.
    """

    works: Sequence[Callable[[Gate], T]]
    begin: Callable[[], None]
    prune: bool = True
    given_up: int = 0
    _path: list[_Node] = field(default_factory=list)

    def schedules(self) -> Iterator[Schedule[T]]:
        """Yield every schedule once."""
        while True:
            self.begin()
            found = self._run()
            if found is None:
                self.given_up += 1
            else:
                yield found
            while self._path:
                node = self._path[-1]
                node.asleep.add(node.turn)
                awake = [lane for lane in node.choices if lane not in node.asleep]
                if awake:
                    node.turn = awake[0]
                    break
                self._path.pop()
            else:
                return

    def _run(self) -> Schedule[T] | None:
        lanes: list[Lane[T]] = []
        turns: list[int] = []
        footprints: list[Footprint] = []
        asleep: set[int] = set()
        try:
            lanes += [Lane(work) for work in self.works]
            while True:
                pending = {n: footprint(lane.pending) for n, lane in enumerate(lanes) if lane.pending}
                if not pending:
                    break
                if len(turns) == len(self._path):
                    awake = [lane for lane in pending if lane not in asleep]
                    if not awake:
                        return None
                    alone = [lane for lane in awake if self.prune and not pending[lane]][:1]  # meets nothing, ever
                    self._path.append(_Node(tuple(pending), tuple(alone or pending), set(asleep), (alone or awake)[0]))
                node = self._path[len(turns)]
                assert node.waiting == tuple(pending), "the same order did not lead to the same state"
                touched = pending[node.turn]
                asleep = {
                    lane
                    for lane in node.asleep
                    if self.prune and lane != node.turn and not pending[lane].meets(touched)
                }
                turns.append(node.turn)
                footprints.append(touched)
                lanes[node.turn].step()
        finally:
            for lane in lanes:
                lane.abandon()
        return Schedule(tuple(turns), tuple(footprints), tuple(cast("T", lane.result) for lane in lanes))
