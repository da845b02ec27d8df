"""Search for credentials: the forms that a leaked one can have, and the texts to search."""

from __future__ import annotations

import base64
import logging
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

SHOWN_AT_THE_END: Final = 4
"""Number of characters of a key in its hint."""


def forms(secret: bytes) -> set[str]:
    """Return `secret` and its encodings: base64 at each alignment, URL-encoded, hex, escaped, reversed."""
    found = {secret.hex(), secret.hex().upper(), urllib.parse.quote(secret, safe="")}
    for text in (secret.decode("latin-1"), repr(secret)[2:-1]):
        found |= {text, text[::-1]}
    for before in range(3):
        first, last = -(-8 * before // 6), 8 * (before + len(secret)) // 6  # the digits that nothing else decides
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(bytes(before) + secret)[first:last].decode())
    return found


def pieces(key: str) -> set[str]:
    """Return the parts of a key that must not appear: two windows of each, so that a truncated key is found too."""
    parts = key.split("::")
    secret = {parts[1], *parts[3:]} if len(parts) > 2 else {parts[0]}
    return {piece for each in secret for piece in (each[8:24], each[-18:-SHOWN_AT_THE_END])}


@dataclass
class Evidence:
    """All output of a run, and the canaries that must not be in it."""

    canaries: set[str] = field(default_factory=set)
    data_keys: set[bytes] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    responses: list[str] = field(default_factory=list)
    handed_over: list[str] = field(default_factory=list)
    aws_requests: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    records: list[logging.LogRecord] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def needles(self, *, links: bool = True) -> set[str]:
        """Return every form of every canary; `links` includes the tokens of upload links."""
        texts = self.canaries | (self.links if links else set())
        plain = {piece.encode() for text in texts for piece in pieces(text)} | self.data_keys
        return {form for each in plain for form in forms(each)}

    def found(self, texts: Iterable[str], *, links: bool = True) -> list[tuple[str, str]]:
        """Return each needle in one of `texts`, with the text around it."""
        haystack = "\n".join(texts)
        places = ((needle, haystack.find(needle)) for needle in self.needles(links=links))
        return [(needle, haystack[max(0, at - 200) : at + 100]) for needle, at in places if at >= 0]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Return `error` and all errors chained to it, including those that a traceback hides."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]
        waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()


def of_error(error: BaseException | None) -> Iterator[str]:
    """Return the full text of an error and of the errors chained to it."""
    for each in chain(error):
        yield f"{each} {each!r} {each.args!r} {getattr(each, '__notes__', [])!r}"


def of_record(record: logging.LogRecord) -> Iterator[str]:
    """Return the full content of a log record, independent of the formatter."""
    yield record.getMessage()
    yield repr({name: value for name, value in vars(record).items() if name != "exc_info"})
    yield f"{record.args} {record.msg}"
    if record.exc_info:
        yield from of_error(record.exc_info[1])


def of_item(value: Any) -> str:
    """Return a DynamoDB item as text: keys, strings, sets; bytes as text and in hex."""
    if isinstance(value, dict):
        return " ".join(f"{of_item(name)}={of_item(each)}" for name, each in value.items())
    if isinstance(value, list | tuple | set):
        return " ".join(of_item(each) for each in value)
    if isinstance(value, bytes | bytearray):
        return f"{bytes(value).decode('latin-1')} {bytes(value).hex()}"
    return str(value)
