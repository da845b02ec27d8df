"""Changes for the proofs of exactly-once, each with its initial state."""

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
    """A request to a world that starts with `setup`."""

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
    """A change to which nothing happens: the calls that it makes, its response, and what is so afterwards.

    `cold`: the first process that gets it holds no data keys yet.
    """

    def __init__(self, world: World, change: Change, *, cold: bool = False, keyed: bool = True) -> None:
        self.world = world
        self.request = change.request if keyed else replace(change.request, key=None)
        self.cold = cold
        self.calls: list[Call] = []
        world.begin_with(change.setup)
        response = self.send(self._noting)
        assert response.status < 300, response.text
        self.response, self.facts = self.after(response)

    def _noting(self, call: Call, make: Callable[[], Any]) -> Any:
        self.calls.append(call)
        return make()

    def send(self, gate: Gate = at_once, *, attempt: int = 0, late: timedelta = timedelta()) -> Response:
        """Send the request to a new process, as attempt number `attempt`."""
        clock = self.world.clock(self.request.late + late)
        process = self.world.process(gate, clock=clock, cold=self.cold and attempt == 0)
        return self.world.send(replace(self.request, id=f"{self.request.id}-{attempt}"), process)

    def after(self, response: Response) -> tuple[tuple[int, str], dict[str, Any]]:
        """Return the response's facts and the state after the next sweep; fail if an invariant is violated."""
        self.world.sweep()
        found = state.read(self.world)
        assert not state.violations(found)
        assert not found.waiting, "events are left in the outbox"
        status, text, _ = state.response_facts(response, state.names_of(found))
        return (status, text), state.facts(found)

    def settle(self, attempt: int = 1, late: timedelta = timedelta()) -> Response:
        """Retry like a client until the outcome is known; return the response.

        Checks that the client waits at most one lease, that it gets the first response if that was
        recorded, that from then on it always gets the same, and that the change is made exactly once.
        """
        record = self.world.record(KEY)
        recorded = record["answer"]["body"] if record and "answer" in record else None
        response = self.send(attempt=attempt, late=late)
        now = BEGAN + self.request.late + late
        if record and recorded is None and now < datetime.fromisoformat(record["lease_until"]):
            assert (response.status, response.error["code"]) == (409, "idempotency_in_progress")
            late += LEASE_OVER
            response = self.send(attempt=attempt + 1, late=late)
        assert recorded in (None, response.text)
        assert ("Idempotency-Replayed" in response.headers) == (recorded is not None)
        again = self.send(attempt=attempt + 2, late=late)
        assert (again.status, again.text) == (response.status, response.text)
        assert "Idempotency-Replayed" in again.headers
        assert self.after(response) == (self.response, self.facts)
        return response
