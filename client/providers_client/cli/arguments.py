"""Arranges the arguments before click parses them: global options may stand anywhere, and `--json` may name fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice, takewhile
from typing import Final

GLOBAL: Final = ("--url", "--management-key-file", "--profile")
"""Global options, each with a value."""
_FIELDS: Final = re.compile(r"(?=.*,)[a-z_.,]+")
_EXEC: Final = "exec"
"""The command whose arguments are another program's."""


def arranged(given: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the arguments with the global options first, and the fields in `--json=FIELD,…` or `--json FIELD,…`."""
    ours = own(given)
    first: list[str] = []
    rest: list[str] = []
    fields: str | None = None
    words = iter(ours)
    for word in words:
        name, equals, value = word.partition("=")
        if name in GLOBAL:
            following = [] if equals else [*islice(words, 1)]
            first += [word, *following]
            if not (equals or following):
                return first, None  # click says that the option needs a value
        elif name == "--json" and equals:
            rest.append(name)
            fields = value
        elif rest[-1:] == ["--json"] and fields is None and _FIELDS.fullmatch(word):
            fields = word
        else:
            rest.append(word)
    return [*first, *rest, *given[len(ours) :]], fields


def own(given: Sequence[str]) -> list[str]:
    """Return the arguments before `--` and before those of `exec`, which can be another program's."""
    before = [*takewhile(lambda word: word != "--", given)]
    is_value = False
    for at, word in enumerate(before):
        if is_value:
            is_value = False
        elif word in GLOBAL:
            is_value = True
        elif not word.startswith("-"):
            return before[: at + 1] if word == _EXEC else before
    return before


def wants_json(given: Sequence[str]) -> bool:
    """Return whether the arguments have `--json`."""
    return any(word.partition("=")[0] == "--json" for word in own(given))
