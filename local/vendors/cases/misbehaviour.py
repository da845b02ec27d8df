"""What any host can do to a caller, whichever vendor it claims to be."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any, Final

from local.vendors.cases.base import ECHO, Case, Play
from providers.model.policy import VERIFICATION_DEADLINE_S
from providers_contract.vocabulary import Reason

SLOW_S: Final = 30.0
_PAGE: Final = "<!doctype html><title>Welcome</title><p>This is a page for people.</p>"
_DEPTH: Final = 100_000


def misbehaviours(valid: Case, fault: Case, *, echo_headers: tuple[str, ...] = ()) -> tuple[Case, ...]:
    """Return the cases, for a vendor whose good and bad responses are `valid` and `fault`.

    `echo_headers` are the headers of which the vendor's answers are believed something.
    """
    assert not isinstance(valid.body, str | bytes)
    member = next(name for name, value in valid.body.items() if isinstance(value, list))
    deep = f'{{"{member}": {"[" * _DEPTH}{"]" * _DEPTH}}}'
    html = {"content-type": "text/html; charset=utf-8"}
    unlisted = {"error": {"message": "I am a teapot", "type": "teapot", "code": "short_and_stout"}}
    return (
        slow(valid, SLOW_S),
        _valid_but(valid, Play.DROP, "closes the connection without an answer", Reason.CONNECTION_DROPPED),
        _valid_but(valid, Play.DROP_MIDWAY, "closes the connection after half a body", Reason.CONNECTION_DROPPED),
        _valid_but(valid, Play.GARBAGE, "answers with bytes that are no HTTP", Reason.CONNECTION_DROPPED),
        _valid_but(valid, Play.ENDLESS, "answers with a body that never ends", Reason.ANSWER_TOO_LARGE),
        _valid_but(valid, Play.BOMB, "answers with 100 MB in a small gzip, unasked", Reason.UNEXPECTED_ANSWER),
        _valid_but(valid, Play.DRIP, "answers with one byte a second", Reason.TIMEOUT),
        _valid_but(valid, Play.HUGE, "answers with 50 MB", Reason.ANSWER_TOO_LARGE),
        Case(
            "redirect",
            "sends the caller, and the key with it, to another host",
            302,
            headers={"location": "https://elsewhere.example/v1/models"},
            reason=Reason.REDIRECTED,
        ),
        Case("html", "answers 200 with a web page", 200, _PAGE, html, Reason.UNEXPECTED_ANSWER),
        Case(
            "throttled-page",
            "is throttled by what stands in front of it, with a web page",
            429,
            _PAGE,
            html | {"retry-after": "300"},
            Reason.THROTTLED,
        ),
        Case(
            "deep",
            f"answers 200 with JSON nested {_DEPTH} deep",
            200,
            deep,
            {"content-type": "application/json"},
            Reason.UNEXPECTED_ANSWER,
        ),
        Case("teapot", "answers with a status that nobody has listed", 418, unlisted, reason=Reason.UNEXPECTED_ANSWER),
        Case(
            "echo",
            "repeats the key in the body and in every header that could be believed",
            418,
            {"error": {"message": f"no use for {ECHO}", "key": ECHO}},
            {"x-echo": ECHO, **dict.fromkeys(echo_headers, ECHO)},
            Reason.UNEXPECTED_ANSWER,
        ),
        Case(
            "flaky",
            "is valid and then a server error, by turns",
            valid.status,
            valid.body,
            valid.headers,
            turns=(valid, fault),
        ),
    )


@cache
def slow(valid: Case, delay_s: float) -> Case:
    """Return `valid` after `delay_s` seconds: `slow` for the usual time, else `slow-2` or `slow-200ms`."""
    milliseconds = round(delay_s * 1000)
    name = f"{milliseconds // 1000}" if milliseconds % 1000 == 0 else f"{milliseconds}ms"
    return _variant(
        valid,
        slug="slow" if delay_s == SLOW_S else f"slow-{name}",
        title=f"answers after {delay_s:g} s",
        reason=Reason.TIMEOUT if delay_s >= VERIFICATION_DEADLINE_S else None,
        play=Play.SLOW,
        delay_s=delay_s,
        form="",
    )


def _valid_but(valid: Case, play: Play, title: str, reason: Reason) -> Case:
    return _variant(valid, slug=play.value, title=title, reason=reason, play=play)


def _variant(valid: Case, **changes: Any) -> Case:
    """Return `valid` with `changes`, on each of its routes."""
    elsewhere = {route: replace(case, **changes) for route, case in valid.elsewhere.items()}
    return replace(valid, **changes, elsewhere=elsewhere)


def padded(case: Case) -> tuple[bytes, bytes]:
    """Return what precedes and follows padding that makes the JSON of `case` longer without changing its meaning."""
    head = json.dumps(case.body).removesuffix("}")
    return f'{head}, "padding": "'.encode(), b'"}'
