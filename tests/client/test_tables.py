"""Tables on a narrow terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from providers_client.cli.reporting import wrapped
from providers_client.cli.tables import Column, cell, show, table
from providers_client.cli.terminal import fitting
from providers_contract.examples import HEALTH
from tests.client.canned import PROVIDER, PROVIDER_ID, Script, one, page
from tests.client.conftest import Commands
from tests.client.test_calls import AUDIT, VERSION

LONG = PROVIDER | {"name": "A name of as many characters as the API takes, which a person may have pasted in"}
HINT = str(VERSION["hint"])
TIME = PROVIDER["created_at"]
ROUTE = {"slug": "@production", "strategy": "fallback", "created_at": TIME, "updated_at": TIME}
ROUTE |= {"attempts": [{"provider_id": PROVIDER_ID, "model": model} for model in ("gpt-5", "gpt-5-mini")]}
WHOLE: dict[str, tuple[list[httpx2.Response], list[str]]] = {
    "list": ([page([PROVIDER, LONG], None)], ["NAME", "STATE", "OpenAI Production", "healthy"]),
    f"versions {PROVIDER_ID}": ([one([VERSION])], ["VERSION", "KEY", "SAFE TO REVOKE", HINT]),
    f"health {PROVIDER_ID}": ([one(HEALTH)], ["WINDOW", "CHECKS", "SUCCESS", "FAILURES"]),
    "audit": ([page([AUDIT], None)], ["ACTION", "CHANGE", "provider.rotated"]),
    "routing list": ([page([ROUTE], None)], ["SLUG", "ATTEMPTS", PROVIDER_ID]),
    f"get {PROVIDER_ID}": ([one(PROVIDER)], [PROVIDER_ID, PROVIDER["key_hint"]]),
}


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("command", WHOLE)
def test_a_narrow_terminal(canned: Callable[..., tuple[Commands, Script]], command: str, width: int) -> None:
    """Every line fits; headings, ids, hints and states are whole, because columns are left out instead."""
    responses, whole = WHOLE[command]
    run, _ = canned(*responses)
    printed = run.ok(*command.split(), PROVIDERS_FORCE_TTY=str(width)).out
    assert max(map(len, printed.splitlines())) <= width
    assert [each for each in whole if each not in printed] == []
    assert printed.count("prov_") == printed.count(PROVIDER_ID)


def test_columns_are_left_out_in_their_order(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """A list loses the id first, then the chart; the name and the state stay."""
    shown = {}
    for width in (120, 80, 50, 30):
        run, _ = canned(page([PROVIDER], None))
        shown[width] = run.ok("list", PROVIDERS_FORCE_TTY=str(width)).out.splitlines()[0].split()
    assert shown == {
        120: ["NAME", "VENDOR", "STATE", "P50", "LAST", "HOUR", "ID"],
        80: ["NAME", "VENDOR", "STATE", "P50", "LAST", "HOUR"],
        50: ["NAME", "VENDOR", "STATE", "P50"],
        30: ["NAME", "STATE"],
    }


def test_only_free_text_takes_several_lines() -> None:
    """A column that folds counts with its longest word, others with their widest value."""
    found = table(Column("ID", drop=1), Column("TEXT", folds=True))
    found.add("i" * 30, "some words " * 20)
    assert fitting(found, 30 + 2 + 20) == [0, 1]
    assert fitting(found, 30 + 2 + 19) == [1]


PIPED: list[tuple[str, list[httpx2.Response], list[list[str]]]] = [
    (
        "list",
        [page([PROVIDER], None)],
        [["OpenAI Production", "openai", "healthy", "320 ms", PROVIDER_ID]],
    ),
    (
        f"versions {PROVIDER_ID}",
        [one([VERSION])],
        [["2", HINT, "2026-04-14 12:00Z", "2026-04-14 12:00Z", "", "yes"]],
    ),
]


@pytest.mark.parametrize(("command", "responses", "rows"), PIPED, ids=["list", "versions"])
def test_a_pipe_gets_values_and_tabs(
    canned: Callable[..., tuple[Commands, Script]], command: str, responses: list[Any], rows: list[list[str]]
) -> None:
    """A pipe gets a line for each row: no heading, rules, padding or chart, and nothing for an unknown value."""
    run, script = canned(*responses)
    printed = run.ok(*command.split(), PROVIDERS_FORCE_TTY="").out
    assert [line.split("\t") for line in printed.splitlines()] == rows
    assert "include" not in script.seen[0].url.params


def test_the_health_in_a_pipe(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """A pipe gets the state as names and values, and a line for each window."""
    run, _ = canned(one(HEALTH))
    lines = [line.split("\t") for line in run.ok("health", PROVIDER_ID, PROVIDERS_FORCE_TTY="").out.splitlines()]
    assert lines[0] == ["state", HEALTH["state"]]
    assert [line[0] for line in lines[-4:]] == ["5m", "1h", "24h", "7d"]
    assert {len(line) for line in lines[-4:]} == {8}


def test_a_value_cannot_add_a_cell_or_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """Tabs and line breaks in a value are replaced."""
    found = table(Column("A"), Column("B"))
    found.add("a\tb\nc\r", cell("d"))
    show(found)
    assert (
        capsys.readouterr().out == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}\td\n"
    )


def test_watching_needs_a_terminal(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """`health --watch` in a pipe says that it needs a terminal."""
    run, _ = canned(one(HEALTH))
    done = run("health", PROVIDER_ID, "--watch", PROVIDERS_FORCE_TTY="")
    assert (done.code, "needs a terminal" in done.err) == (2, True)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_chart_is_one_line(canned: Callable[..., tuple[Commands, Script]], width: int) -> None:
    """A chart of an hour is condensed on a narrow terminal, not wrapped."""
    point = {"at": TIME, "checks": 1, "success_rate": 1.0, "p50_ms": 120, "p95_ms": 140}
    run, _ = canned(one(HEALTH | {"history": [point] * 60}))
    *_, chart, scale = run.ok("health", PROVIDER_ID, PROVIDERS_FORCE_TTY=str(width)).out.splitlines()
    assert chart.startswith("last 1h  ██")
    assert "120 ms" in scale


def test_changes_of_state_are_listed(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """Below the chart are the latest five changes of state, unless there is only one, which the headline has."""
    change = {"at": TIME, "from": "healthy", "to": "unhealthy", "reason": "credential_rejected", "key_version": 1}
    run, _ = canned(one(HEALTH), one(HEALTH | {"changes": [change] * 7}))
    assert "SINCE" not in run.ok("health", PROVIDER_ID).out
    _, listed = run.ok("health", PROVIDER_ID).out.split("SINCE")
    rows = [line.split() for line in listed.splitlines()[2:]]
    assert [row[2:] for row in rows] == [["unhealthy", "healthy", "credential_rejected"]] * 5


def test_a_long_error_is_wrapped_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, an error is wrapped between words and an address stays whole; in a pipe it is one line."""
    address = f"https://api.example.com/{'x' * 50}"
    text = f"The link is shown only once, and it can be used by one person: {address}"
    assert wrapped(text) == text
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    assert wrapped(text).splitlines() == [
        "The link is shown only once, and it can",
        "  be used by one person:",
        f"  {address}",
    ]
