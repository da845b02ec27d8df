"""Replace a data key during requests: in every order of their calls, and killed at every call."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final

import pytest

from providers.usecases.data_keys import Resealed, reseal, rotate_data_key
from tests.kit.figures import Figure
from tests.proofs import state
from tests.proofs.killing import Killed, Killer
from tests.proofs.schedule import Explorer
from tests.proofs.world import (
    ORG,
    WORLDS,
    Gate,
    Sent,
    World,
    add,
    delete,
    rename,
    rollback,
    rotate,
)

PROOF: Final = "Data keys"
SETUP: Final = (add("A"), rotate("A", "two"), add("B"))
MEANWHILE: Final = (rotate("A", "three"), rollback("A"), rename("A", "C"), delete("A"), add("C"))


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Return a world of each kind, with three stored versions under the first data key."""
    with WORLDS[request.param]() as made:
        made.begin_with(SETUP)
        yield made


def sound(world: World) -> set[str]:
    """Return the data keys in use; check that every stored version can be decrypted and no invariant is violated."""
    after = state.read(world)
    assert state.violations(after) == []
    return {row.data_key_id for row in after.rows.values()}


@pytest.mark.prove
@pytest.mark.parametrize("sent", MEANWHILE, ids=lambda sent: sent.id)
def test_a_pass_disturbs_no_request_in_any_order_of_calls(world: World, sent: Sent, figure: Figure) -> None:
    """In every order the request succeeds, each version decrypts, and another pass leaves nothing under the old key.

    The request's process has the old key in memory and seals under it.

    Seen to fail: with a pass that puts the whole row, a version that a rotation retires meanwhile never expires.
    """
    before, function, operator = world.items(), world.auditor, world.process(cold=True)
    world.act(rotate_data_key, operator)
    keys = {place: item for place, item in world.items().items() if place[2].startswith("KEY#")}
    world._begin = before | keys  # the new key is there, and all is sealed under the first
    world.auditor = operator

    def ask(gate: Gate) -> Any:
        response = world.send(sent, world.process(gate, cold=True).knows_keys_of(function))
        assert response.status < 300, response.text
        return response.status

    def pass_over(gate: Gate) -> Resealed:
        return world.act(reseal, world.process(gate, cold=True).knows_keys_of(operator))

    orders = 0
    for schedule in Explorer[Any]([ask, pass_over], world.reset).schedules():
        assert schedule.results[1].broken == []
        sound(world)
        world.act(reseal, world.process())
        assert sound(world) <= {"00000002"}
        orders += 1
    figure(PROOF, "orders of a request and a pass", orders)


@pytest.mark.prove
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_rotation_of_the_data_key_that_dies_anywhere_is_finished_by_another_pass(
    world: World, after: bool, figure: Figure
) -> None:
    """Every stored version can always be decrypted, and in the end all use the newest data key."""
    for number in itertools.count(1):
        world.reset()
        world.auditor = world.process(cold=True)  # the new key of the run before is forgotten
        killer = Killer(number, after)
        try:
            world.act(rotate_data_key, world.process(killer, cold=True))
        except Killed:
            sound(world)
        else:
            break
        if "00000002" in [key.id for key in world.auditor.cipher.data_keys(ORG)]:
            world.act(reseal, world.process(cold=True))
            assert sound(world) == {"00000002"}
    assert number > 10
    figure(PROOF, "kills of a rotation of the data key", number - 1)
