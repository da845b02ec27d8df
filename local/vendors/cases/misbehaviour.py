"""Misbehaviour of a host toward its callers, the same for every vendor."""

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

    `echo_headers` are the response headers that the vendor's module reads.
    """
    assert not isinstance(valid.body, str | bytes)
    member = next(name for name, value in valid.body.items() if isinstance(value, list))
    deep = f'{{"{member}": {"[" * _DEPTH}{"]" * _DEPTH}}}'
    html = {"content-type": "text/html; charset=utf-8"}
    unlisted = {"error": {"message": "I am a teapot", "type": "teapot", "code": "short_and_stout"}}
    return (
        slow(valid, SLOW_S),
        _valid_but(valid, Play.DROP, "closes the connection without a response", Reason.CONNECTION_DROPPED),
        _valid_but(valid, Play.DROP_MIDWAY, "closes the connection after half a body", Reason.CONNECTION_DROPPED),
        _valid_but(valid, Play.GARBAGE, "responds with bytes that are not HTTP", Reason.CONNECTION_DROPPED),
        _valid_but(valid, Play.ENDLESS, "responds with a body that never ends", Reason.ANSWER_TOO_LARGE),
        _valid_but(
            valid, Play.BOMB, "responds with 100 MB in a small gzip that was not requested", Reason.UNEXPECTED_ANSWER
        ),
        _valid_but(valid, Play.DRIP, "responds with one byte a second", Reason.TIMEOUT),
        _valid_but(valid, Play.HUGE, "responds with 50 MB", Reason.ANSWER_TOO_LARGE),
        Case(
            "redirect",
            "sends the caller, and the key with it, to another host",
            302,
            headers={"location": "https://elsewhere.example/v1/models"},
            reason=Reason.REDIRECTED,
        ),
        Case("html", "responds 200 with a web page", 200, _PAGE, html, Reason.UNEXPECTED_ANSWER),
        Case(
            "throttled-page",
            "is rate-limited by its edge, with a web page",
            429,
            _PAGE,
            html | {"retry-after": "300"},
            Reason.THROTTLED,
        ),
        Case(
            "deep",
            f"responds 200 with JSON nested {_DEPTH} deep",
            200,
            deep,
            {"content-type": "application/json"},
            Reason.UNEXPECTED_ANSWER,
        ),
        Case("teapot", "responds with an unlisted status", 418, unlisted, reason=Reason.UNEXPECTED_ANSWER),
        Case(
            "echo",
            "repeats the key in the body and in every header that the caller reads",
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
        title=f"responds after {delay_s:g} s",
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
