"""The calls to AWS that a change makes, beyond those of the authorizer (docs/decisions/0020)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.proofs.world import Call, Sent, World, add, delete, moto_world, rename, rollback, rotate

READ, COUNT, LOOK_UP, COMMIT = "GetItem", "UpdateItem", "Query", "TransactWriteItems"

CHANGES: Final[list[tuple[Sent, list[str]]]] = [
    (add("New"), [COUNT, LOOK_UP, COMMIT]),
    (rotate("Prod", "three"), [READ, COUNT, LOOK_UP, COMMIT]),
    (rollback("Prod"), [READ, READ, COUNT, LOOK_UP, COMMIT]),
    (rename("Prod", "Production"), [READ, COMMIT]),
    (delete("Prod"), [READ, COMMIT]),
]
"""Changes, and their calls to DynamoDB in a process that has the data keys. They call nothing else."""

KEYS: Final = ["dynamodb.GetItem", "kms.Decrypt", "dynamodb.Query", "kms.Decrypt"]
"""What a new process also calls: it reads and unwraps the digest key and the organization's data key."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Return a world with a provider that has two versions."""
    with moto_world() as made:
        made.begin_with([add("Prod"), rotate("Prod", "two")])
        yield made


def calls(world: World, sent: Sent, *, cold: bool = False) -> list[str]:
    """Return the calls that a request makes to AWS."""
    made: list[str] = []

    def gate(call: Call, make: Callable[[], Any]) -> Any:
        if call.service != "vendor":
            made.append(f"{call.service}.{call.operation}")
        return make()

    world.reset()
    response = world.send(sent, world.process(gate, cold=cold))
    assert response.status < 300, response.text
    return made


@pytest.mark.parametrize(("sent", "expected"), CHANGES, ids=[sent.function for sent, _ in CHANGES])
def test_a_change_makes_few_calls(world: World, sent: Sent, expected: list[str]) -> None:
    """Adding a provider takes three calls, a rotation four; events and their removal from the outbox take none."""
    assert calls(world, sent) == [f"dynamodb.{operation}" for operation in expected]


@pytest.mark.parametrize(("sent", "expected"), CHANGES, ids=[sent.function for sent, _ in CHANGES])
def test_an_idempotency_key_costs_one_call(world: World, sent: Sent, expected: list[str]) -> None:
    """An Idempotency-Key is leased by one write; the response is stored with the change."""
    lease = ["PutItem", *expected]
    assert sorted(calls(world, replace(sent, key="key-1"))) == sorted(f"dynamodb.{operation}" for operation in lease)


@pytest.mark.parametrize("sent", [add("New"), rotate("Prod", "three")], ids=lambda sent: sent.function)
def test_a_new_process_reads_each_key_once(world: World, sent: Sent) -> None:
    """A process's first change also reads and unwraps the digest key and the data key."""
    warm = calls(world, sent)
    assert sorted(calls(world, sent, cold=True)) == sorted([*warm, *KEYS])
