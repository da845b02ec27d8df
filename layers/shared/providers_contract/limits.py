"""Sizes that the API accepts."""

from __future__ import annotations

from typing import Final

MAX_BODY_BYTES: Final = 64 * 1024
MAX_NAME_CHARS: Final = 80
MAX_TAGS: Final = 20
MAX_TAG_CHARS: Final = 40
MAX_URL_CHARS: Final = 2048
MAX_PAGE: Final = 100
"""Maximum number of entries on a page of a list."""
DEFAULT_PAGE: Final = 50
WHOLE_PAGE: Final = 1000
"""Maximum number of providers on a page with sparklines, if no `limit` is given."""
