"""A process that dies between any two calls, and a client who sends the request again: the change is made once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.kit.figures import SOAK, Figure
from tests.proofs.changes import CHANGES, Change, Undisturbed
from tests.proofs.killing import Killed, Killer
from tests.proofs.world import LEASE_OVER, WORLDS, World

PROOF: Final = "Crash points"


@pytest.fixture(scope="module", params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Return a world of each kind."""
    with WORLDS[request.param]() as made:
        yield made


def points(undisturbed: Undisturbed) -> list[tuple[int, bool]]:
    """Yield the points before and after every call."""
    return [(number, after) for number in range(1, len(undisturbed.calls) + 1) for after in (False, True)]


def dies(undisturbed: Undisturbed, killer: Killer, **when: Any) -> bool:
    """Return whether the request is killed: it may finish in fewer calls."""
    try:
        undisturbed.send(killer, **when)
    except Killed:
        return True
    assert not killer.dead, "something caught the end of the process"
    return False


@pytest.mark.prove
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_that_dies_anywhere_is_made_once_when_it_is_sent_again(
    world: World, change: Change, figure: Figure
) -> None:
    """A change killed before or after any call to AWS or the vendor, and then retried, is made once.

    Seen to fail: with the response recorded right after the change instead of with it, a rotation is made twice; with
    events that are published and not committed, that of a deletion gets lost.
    """
    undisturbed = Undisturbed(world, change, cold=True)
    for number, after in points(undisturbed):
        world.reset()
        assert dies(undisturbed, Killer(number, after))
        undisturbed.settle()
    figure(PROOF, "kills before or after a call", len(points(undisturbed)))


@pytest.mark.prove
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_two_deaths_in_a_row_change_nothing_about_that(world: World, change: Change, figure: Figure) -> None:
    """If the second attempt, which takes over the expired lease, dies too, the change is still made once.

    Seen to fail: with the audit entry written right after the change instead of with it, a rename has none.
    """
    undisturbed = Undisturbed(world, change, cold=SOAK)
    pairs = 0
    for number, call in enumerate(undisturbed.calls, start=1):
        if not (call.writes or SOAK):
            continue
        second = 0
        while True:
            second += 1
            world.reset()
            assert dies(undisturbed, Killer(number, after=True))
            killer = Killer(second, after=True)
            if not dies(undisturbed, killer, attempt=1, late=LEASE_OVER):
                break
            undisturbed.settle(attempt=2, late=LEASE_OVER)
            pairs += 1
    figure(PROOF, "pairs of kills", pairs)
