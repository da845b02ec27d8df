"""What a case is, and how it becomes an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Final

from providers.model.verdict import Verdict
from providers_contract.vocabulary import Outcome, Reason

ECHO: Final = "<KEY>"
"""Stands, in a body or a header, for the key that the request carried: vendors do that, and so must be expected to."""


class Play(StrEnum):
    """How an answer goes over the wire."""

    ANSWER = "answer"
    SLOW = "slow"
    DROP = "drop"
    DROP_MIDWAY = "drop-midway"
    GARBAGE = "garbage"
    ENDLESS = "endless"
    BOMB = "bomb"
    DRIP = "drip"
    HUGE = "huge"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One thing that a vendor can answer.

    Args:
        slug: its name in keys, on the control endpoint and in tests.
        title: what it means, in a few words.
        status, headers, body: the answer; a body that is no text or bytes is sent as JSON. Header names are lower-case.
        reason: what a verification should make of it; None means valid.
        form: which of the vendor's forms of key the case needs, "" for its usual one.
        play: how the answer is sent.
        delay_s: seconds before the answer.
        turns: cases that are played in turn instead of this one, from one request to the next.
        elsewhere: cases that are played instead of this one on other routes (routes.py).
    """

    slug: str
    title: str
    status: int
    body: Mapping[str, Any] | str | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: Reason | None = None
    form: str = ""
    play: Play = Play.ANSWER
    delay_s: float = 0.0
    turns: tuple[Case, ...] = ()
    elsewhere: Mapping[str, Case] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """What a verification should come to."""
        return Verdict(self.reason).outcome

    def on(self, route: str) -> Case:
        """The case that is played on `route`."""
        return self.elsewhere.get(route, self)


@dataclass(frozen=True, slots=True)
class Answer:
    """A case as it is sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def render(case: Case, key: str) -> Answer:
    """The answer of `case` to a request that carried `key`."""
    fixed, echoes = _rendered(case)
    if not echoes:
        return fixed
    return Answer(
        fixed.status,
        {name: value.replace(ECHO, key) for name, value in fixed.headers.items()},
        fixed.body.replace(ECHO.encode(), key.encode()),
    )


@cache
def _rendered(case: Case) -> tuple[Answer, bool]:
    """The answer with `ECHO` still in it, and whether it is; made once for each case."""
    if isinstance(case.body, bytes):
        kind, body = "application/octet-stream", case.body
    elif isinstance(case.body, str):
        kind, body = "text/plain", case.body.encode()
    else:
        kind, body = "application/json", json.dumps(case.body).encode()
    headers = {"content-type": kind, **case.headers}
    return Answer(case.status, headers, body), ECHO.encode() in body or any(ECHO in each for each in headers.values())
