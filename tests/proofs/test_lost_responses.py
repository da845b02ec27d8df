"""Writes whose responses are lost: no retry makes them twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import pytest
from botocore.exceptions import ConnectionClosedError

from providers_data_plane.clients import CLIENT_CONFIG
from tests.kit.aws import dynamodb_local
from tests.kit.figures import Figure
from tests.proofs.changes import CHANGES, Change, Undisturbed
from tests.proofs.dropping import Dropping, dropping
from tests.proofs.world import Call, World, dynamodb_local_world, moto_world

PROOF: Final = "Lost responses"

each_change: Final = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)


@dataclass
class Loser:
    """A gate that loses the response to the `number`-th write.

    botocore tries a call twice. With `repeated` the second try gets its response through, else that is lost too.
    """

    number: int
    repeated: bool
    writes: int = 0

    def __call__(self, call: Call, make: Callable[[], Any]) -> Any:
        self.writes += call.writes
        if not call.writes or self.writes != self.number:
            return make()
        make()
        if self.repeated:
            return make()
        raise ConnectionClosedError(endpoint_url="https://example.com")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Return a world in moto."""
    with moto_world() as made:
        yield made


@pytest.mark.prove
@each_change
def test_a_write_whose_response_is_lost_is_made_once_when_the_client_sends_the_request_again(
    world: World, change: Change, figure: Figure
) -> None:
    """A write whose response is lost, so that botocore gives up, is made once when the client retries.

    Seen to fail: with a lease that is released although it has a response, a rotation is made twice.
    """
    undisturbed = Undisturbed(world, change)
    writes = [call for call in undisturbed.calls if call.writes]
    for number in range(1, len(writes) + 1):
        world.reset()
        undisturbed.send(Loser(number, repeated=False))
        undisturbed.settle()
    figure(PROOF, "writes without a response, then the request again", len(writes))


@pytest.mark.prove
@each_change
def test_a_single_write_that_botocore_repeats_is_made_once(world: World, change: Change, figure: Figure) -> None:
    """A write that botocore repeats is made once. moto ignores tokens: DynamoDB Local tests transactions.

    Seen to fail: without a check of the owner of an existing lease, the request has to wait for itself.
    """
    undisturbed = Undisturbed(world, change)
    writes = [call for call in undisturbed.calls if call.writes]
    single = [n for n, call in enumerate(writes, start=1) if call.operation != "TransactWriteItems"]
    for number in single:
        world.reset()
        response = undisturbed.send(Loser(number, repeated=True))
        assert undisturbed.after(response) == (undisturbed.response, undisturbed.facts)
        undisturbed.settle()
    figure(PROOF, "writes that botocore repeats", len(single))


@pytest.fixture(scope="module")
def between() -> Iterator[tuple[World, Dropping]]:
    """Return a world over DynamoDB Local, behind a proxy that drops responses; botocore does not pause."""
    with ExitStack() as opened:
        patched = opened.enter_context(pytest.MonkeyPatch.context())
        patched.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
        servers: list[Dropping] = []

        def through(url: str) -> Any:
            servers.append(opened.enter_context(dropping(url)))
            client = dynamodb_local(servers[0].url, CLIENT_CONFIG)
            opened.callback(client.close)
            return client

        made = opened.enter_context(dynamodb_local_world(through))
        yield made, servers[0]


@pytest.mark.prove
@pytest.mark.parametrize("keyed", [True, False], ids=["key", "no key"])
@each_change
def test_what_botocore_repeats_over_a_broken_connection_is_made_once(
    between: tuple[World, Dropping], change: Change, keyed: bool, figure: Figure
) -> None:
    """If the connection closes instead of the first response to a write, the caller sees no fault.

    Seen to fail: with another ClientRequestToken for each try, a rotation is refused for the sake of itself.
    """
    world, server = between
    server.drop(0, 0)
    undisturbed = Undisturbed(world, change, keyed=keyed)
    writes = len(server.writes)
    for number in range(1, writes + 1):
        world.reset()
        server.drop(number, times=1)
        response = undisturbed.send()
        assert server.dropped == 1
        assert undisturbed.after(response) == (undisturbed.response, undisturbed.facts)
    figure(PROOF, "connections closed in place of a response, once", writes)


@pytest.mark.prove
@each_change
def test_what_gets_no_response_at_all_is_made_once_when_the_client_sends_the_request_again(
    between: tuple[World, Dropping], change: Change, figure: Figure
) -> None:
    """A change is made once when both responses to a write are lost and the client retries.

    Seen to fail: with a lease that is released although it has a response, a rotation is made twice.
    """
    world, server = between
    server.drop(0, 0)
    undisturbed = Undisturbed(world, change)
    writes = len(server.writes)
    for number in range(1, writes + 1):
        world.reset()
        server.drop(number, times=2)
        undisturbed.send()
        assert server.dropped == 2
        server.drop(0, 0)
        undisturbed.settle()
    figure(PROOF, "connections closed in place of a response, twice", writes)
