"""Cursors of lists: a position, and a digest of its list and filters.

A cursor is not signed and needs no key. It can be forged, but only within the forger's own list: the partition always
comes from the caller's organization, and the form of the position keeps it within the list's sort keys.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from providers.model.errors import InvalidRequest
from providers_data_plane.encoding import encode

_DIGEST_CHARS: Final = 32


def make_cursor(position: str, *scope: str) -> str:
    """Return the opaque cursor that continues the list `scope` after `position`."""
    digest = hashlib.sha256(encode(*scope)).hexdigest()[:_DIGEST_CHARS]
    return base64.urlsafe_b64encode(f"{digest}{position}".encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, form: re.Pattern[str], *scope: str) -> str | None:
    """Return the position in `cursor`; None if it is None.

    Raises InvalidRequest (`invalid_cursor`) unless `make_cursor` returns exactly this cursor for `scope`, with a
    position of this form.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")[_DIGEST_CHARS:]
    except ValueError:
        position = ""
    if not form.fullmatch(position) or make_cursor(position, *scope) != cursor:
        raise InvalidRequest("invalid_cursor", "cursor is not valid for this list and these filters", param="cursor")
    return position
