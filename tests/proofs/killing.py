"""Kill a process between any two of its calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.proofs.world import Call


class Killed(BaseException):
    """Ends a process immediately. Nothing catches it."""


@dataclass
class Killer:
    """A gate that kills a process before or after its `number`-th call; what is dead makes no call any more."""

    number: int
    after: bool
    made: int = 0
    dead: bool = False

    def __call__(self, call: Call, make: Callable[[], Any]) -> Any:
        self.made += 1
        if self.dead or (self.made == self.number and not self.after):
            self.dead = True
            raise Killed
        response = make()
        if self.made == self.number:
            self.dead = True
            raise Killed
        return response
