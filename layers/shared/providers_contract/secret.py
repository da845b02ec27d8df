"""A string that is never shown by accident, and a function that trims invisible characters."""

from __future__ import annotations

import hmac
import unicodedata
from typing import Final, NoReturn


class Secret:
    """A credential in memory. Only `reveal()` returns it; a test lists the files that may call it.

    It has no useful repr, str, format, hash or pickle, so that no log line, traceback with locals or serialized message
    contains it by accident. Comparison takes constant time.
    """

    __slots__ = ("__value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: str) -> None:
        self.__value: Final = value

    def reveal(self) -> str:
        """Return the plaintext. Pass it only to the cipher, the signer or the HTTP request."""
        return self.__value

    def __len__(self) -> int:
        return len(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be serialized")


_BLANK_CATEGORIES: Final = ("Cf", "Zs", "Zl", "Zp")
_BLANK_CHARACTERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(selector) for selector in range(0xFE00, 0xFE10)
}
"""Invisible characters of other categories: joiners, fillers, variation selectors (Unicode's
Default_Ignorable_Code_Point), and the blank Braille pattern."""


def trimmed(text: str) -> str:
    """Return `text` without surrounding white space and invisible characters, which are copied along with a key.

    Those are byte order marks, zero-width and no-break spaces, soft hyphens and marks of the writing direction.
    """
    seen = [index for index, character in enumerate(text) if not _blank(character)]
    return text[seen[0] : seen[-1] + 1] if seen else ""


def _blank(character: str) -> bool:
    if character.isspace() or character in _BLANK_CHARACTERS:
        return True
    return unicodedata.category(character) in _BLANK_CATEGORIES
