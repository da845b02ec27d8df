"""`providers events tail`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import httpx2
import pytest

from local.stack import Stack
from local.vendors.keys import fake_key
from tests.client.canned import PROVIDER, PROVIDER_ID, Script, error, page
from tests.client.conftest import Commands
from tests.client.test_calls import AUDIT

ONE, TWO = fake_key("openai"), fake_key("openai", serial=2)


@pytest.fixture
def while_it_waits(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterable[Callable[[], object]]], None]:
    """Do one thing at each wait, and press Ctrl-C at the next."""

    def prepare(steps: Iterable[Callable[[], object]]) -> None:
        left = [*steps]

        def sleep(_: float) -> None:
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        monkeypatch.setattr("providers_client.cli.events.sleep", sleep)

    return prepare


def test_changes_and_health_are_shown_as_they_come(
    providers: Commands, stack: Stack, while_it_waits: Callable[[Iterable[Callable[[], object]]], None]
) -> None:
    """It begins with the newest ten changes, and shows each later change, and each change of health, once."""
    added = providers.ok("add", "openai", "A", "--key-stdin", "--json", stdin=ONE).data["id"]
    for number in range(12):
        providers.ok("update", added, "--name", f"B{number}")

    def sweep() -> None:
        with httpx2.Client(base_url=stack.url, trust_env=False) as http:
            http.post("/_local/sweep", json={})

    def rotate() -> None:
        providers.ok("rotate", added, "--key-stdin", stdin=TWO)

    while_it_waits([rotate, lambda: None, sweep, sweep])
    lines = providers.ok("events", "tail", PROVIDERS_FORCE_TTY="").out.splitlines()
    rows = [line.split("\t") for line in lines]
    assert [row[4] for row in rows[:10]] == [f"name: B{number - 1} → B{number}" for number in range(2, 12)]
    assert [row[1] for row in rows[10:]] == ["provider.rotated", "health"]
    assert rows[11][2:] == [added, "B11", "unknown → healthy"]


def test_json_is_a_line_for_each(
    canned: Callable[..., tuple[Commands, Script]],
    while_it_waits: Callable[[Iterable[Callable[[], object]]], None],
) -> None:
    """With `--json`, every line is an object, with the audit entry or the provider as the API returns it."""
    bad = PROVIDER | {"health": PROVIDER["health"] | {"state": "unhealthy"}}
    run, _ = canned(page([AUDIT], None), page([PROVIDER], None), page([AUDIT], None), page([bad], None))
    while_it_waits([lambda: None])
    found = [json.loads(line) for line in run.ok("events", "tail", "--json").out.splitlines()]
    assert [each["type"] for each in found] == ["audit", "health"]
    assert found[0]["data"] == AUDIT
    assert (found[1]["data"]["before"], found[1]["data"]["provider"]) == ("healthy", bad)


def test_an_api_that_is_unavailable_is_asked_again(
    canned: Callable[..., tuple[Commands, Script]], while_it_waits: Callable[[Iterable[Callable[[], object]]], None]
) -> None:
    """While the API is unavailable it says so and goes on; a revoked key ends it."""
    down = error(503, "dependency_unavailable")
    run, _ = canned(page([], None), page([PROVIDER], None), *[down] * 3, page([AUDIT], None), page([], None))
    while_it_waits([lambda: None, lambda: None])
    done = run.ok("events", "tail")
    assert "trying again" in done.err
    assert PROVIDER_ID in done.out
    run, _ = canned(page([], None), page([], None), error(401, "invalid_api_key"))
    while_it_waits([lambda: None])
    assert run("events", "tail").code == 7
