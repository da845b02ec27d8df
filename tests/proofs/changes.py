"""Changes that are made once, whatever happens on the way: each with the state of things that it begins with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from tests.kit.lambdas import Response
from tests.proofs import state
from tests.proofs.world import (
    BEGAN,
    LEASE_OVER,
    Call,
    Gate,
    Sent,
    World,
    add,
    at_once,
    attach,
    delete,
    detach,
    rename,
    rollback,
    rotate,
)


@dataclass(frozen=True)
class Change:
    """A request to a world that began with `setup`."""

    name: str
    setup: tuple[Sent, ...]
    request: Sent


KEY: Final = "key-1"
_ONE: Final = (add("A"),)
_TWICE: Final = (*_ONE, rotate("A", "two"))
_ROUTED: Final = (*_ONE, add("B"), attach("old", "A"))

CHANGES: Final = tuple(
    Change(name, setup, replace(request, key=KEY))
    for name, setup, request in (
        ("add", _ONE, add("B")),
        ("add the first", (), add("A")),
        ("rotate", _ONE, rotate("A", "two")),
        ("rotate when a version has expired", _TWICE, replace(rotate("A", "three"), late=timedelta(hours=2))),
        ("rename", _ONE, rename("A", "B")),
        ("rename to the same", _ONE, rename("A", "A")),
        ("roll back", _TWICE, rollback("A")),
        ("delete", _TWICE, delete("A")),
        ("delete, to see whether it could be", _ONE, replace(delete("A"), query={"dry_run": "true"})),
        ("put a routing config", _ONE, attach("new", "A")),
        ("replace a routing config", _ROUTED, attach("old", "B")),
        ("delete a routing config", _ROUTED, detach("old")),
    )
)


class Undisturbed:
    """A change to which nothing happens: the calls that it makes, its answer, and what is so afterwards.

    `cold`: the first process that gets it holds no data keys yet.
    """

    def __init__(self, world: World, change: Change, *, cold: bool = False, keyed: bool = True) -> None:
        self.world = world
        self.request = change.request if keyed else replace(change.request, key=None)
        self.cold = cold
        self.calls: list[Call] = []
        world.begin_with(change.setup)
        answer = self.send(self._noting)
        assert answer.status < 300, answer.text
        self.answer, self.facts = self.after(answer)

    def _noting(self, call: Call, make: Callable[[], Any]) -> Any:
        self.calls.append(call)
        return make()

    def send(self, gate: Gate = at_once, *, attempt: int = 0, late: timedelta = timedelta()) -> Response:
        """Send the request for the `attempt`-th time, to a new process."""
        clock = self.world.clock(self.request.late + late)
        process = self.world.process(gate, clock=clock, cold=self.cold and attempt == 0)
        return self.world.send(replace(self.request, id=f"{self.request.id}-{attempt}"), process)

    def after(self, answer: Response) -> tuple[tuple[int, str], dict[str, Any]]:
        """What the answer says, and what is so after the next sweep; fails where it is what must never be so."""
        self.world.sweep()
        found = state.read(self.world)
        assert not state.violations(found)
        assert not found.waiting, "events are left in the outbox"
        status, text, _ = state.answer_facts(answer, state.names_of(found))
        return (status, text), state.facts(found)

    def settle(self, attempt: int = 1, late: timedelta = timedelta()) -> Response:
        """The answer of a client who sends the request again until it is told the outcome.

        Checks that the client has to wait for no longer than a lease, that it gets the first answer where that was
        recorded, that from then on it always gets the same, and that the change is made exactly once.
        """
        record = self.world.record(KEY)
        recorded = record["answer"]["body"] if record and "answer" in record else None
        answer = self.send(attempt=attempt, late=late)
        now = BEGAN + self.request.late + late
        if record and recorded is None and now < datetime.fromisoformat(record["lease_until"]):
            assert (answer.status, answer.error["code"]) == (409, "idempotency_in_progress")
            late += LEASE_OVER
            answer = self.send(attempt=attempt + 1, late=late)
        assert recorded in (None, answer.text)
        assert ("Idempotency-Replayed" in answer.headers) == (recorded is not None)
        again = self.send(attempt=attempt + 2, late=late)
        assert (again.status, again.text) == (answer.status, answer.text)
        assert "Idempotency-Replayed" in again.headers
        assert self.after(answer) == (self.answer, self.facts)
        return answer
