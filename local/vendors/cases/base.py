"""Cases, and the responses made from them."""

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
"""In a body or a header, a placeholder for the key in the request: vendors do echo keys."""


class Play(StrEnum):
    """How a response is sent."""

    RESPOND = "respond"
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
    """One response of a vendor.

    Args:
        slug: its name in keys, on the control endpoint and in tests.
        title: what it means, in a few words.
        status, headers, body: the response; a body other than text or bytes becomes JSON. Header names are lower-case.
        reason: the reason that a verification should give; None means valid.
        form: the vendor's form of key that the case needs, "" for the usual one.
        play: how the response is sent.
        delay_s: seconds before the response.
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
    play: Play = Play.RESPOND
    delay_s: float = 0.0
    turns: tuple[Case, ...] = ()
    elsewhere: Mapping[str, Case] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """The outcome that a verification should have."""
        return Verdict(self.reason).outcome

    def on(self, route: str) -> Case:
        """Return the case to play on `route`."""
        return self.elsewhere.get(route, self)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A response that is ready to send."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def render(case: Case, key: str) -> Rendered:
    """Return the response of `case` to a request with `key`."""
    fixed, echoes = _rendered(case)
    if not echoes:
        return fixed
    return Rendered(
        fixed.status,
        {name: value.replace(ECHO, key) for name, value in fixed.headers.items()},
        fixed.body.replace(ECHO.encode(), key.encode()),
    )


@cache
def _rendered(case: Case) -> tuple[Rendered, bool]:
    """Return the response with `ECHO` not replaced yet, and whether it contains any; made once for each case."""
    if isinstance(case.body, bytes):
        kind, body = "application/octet-stream", case.body
    elif isinstance(case.body, str):
        kind, body = "text/plain", case.body.encode()
    else:
        kind, body = "application/json", json.dumps(case.body).encode()
    headers = {"content-type": kind, **case.headers}
    return Rendered(case.status, headers, body), ECHO.encode() in body or any(ECHO in each for each in headers.values())
