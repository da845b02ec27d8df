"""A string that does not show itself."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn


class Secret:
    """A credential in memory. `reveal()` is the only door; a test lists the files that may use it.

    It has no useful repr, str, format, hash or pickle, so that a log line, a traceback with locals or a
    serialized message cannot carry it by accident. Comparison takes constant time.
    """

    __slots__ = ("__value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: str) -> None:
        self.__value: Final = value

    def reveal(self) -> str:
        """The plaintext. Hand it to the cipher, the signer or the wire, and to nothing else."""
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
        raise TypeError("a Secret is not serialized")
