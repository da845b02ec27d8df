"""Equality of provider names."""

from __future__ import annotations

import unicodedata


def name_claim(name: str) -> str:
    """Return the form of a name that is unique in the organization: without case, width and repeated blanks."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.replace("\ufe0f", "").split())
