"""What each vendor can answer: one table a vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from local.vendors.cases import anthropic, azure, bedrock, fireworks, google, groq, openai
from local.vendors.cases.base import Case

CASES: Final[Mapping[str, tuple[Case, ...]]] = {
    "anthropic": anthropic.CASES,
    "azure": azure.CASES,
    "bedrock": bedrock.CASES,
    "fireworks": fireworks.CASES,
    "google": google.CASES,
    "groq": groq.CASES,
    "openai": openai.CASES,
}
"""Every case, by vendor. Each vendor has `valid`, `invalid`, `missing-key` and `wrong-path` at least."""

_BY_SLUG: Final = {vendor: {case.slug: case for case in cases} for vendor, cases in CASES.items()}


def case_named(vendor: str, slug: str) -> Case:
    """The case of `vendor` called `slug`. Raises KeyError for an unknown one."""
    return _BY_SLUG[vendor][slug]
