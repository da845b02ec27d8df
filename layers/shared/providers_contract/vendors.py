"""The vendors, from `vendors.json`, which `python -m tests.kit.vendors_json` writes from the server's modules."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from providers_contract.ids import MANAGEMENT_KEY_PREFIX

if TYPE_CHECKING:
    from providers_contract.vendor import VendorFacts

with open(__file__.removesuffix("py") + "json", encoding="utf-8") as _file:  # noqa: PTH123 - pathlib takes long to import
    ROWS: Final[dict[str, Any]] = json.load(_file)
    """The file's content: a row for each vendor."""

NAMES: Final = tuple(ROWS)
"""The vendors' names, sorted."""

KEY_FORMATS: Final = {name: row["key_format"] for name, row in ROWS.items() if row["key_format"]}
"""The format of a vendor's key, if it is not simply the key as the vendor shows it."""

KEY_HEADERS: Final = tuple(sorted({row["key_header"] for row in ROWS.values() if row["key_header"]}))
"""The headers in which vendors expect their keys."""

LITELLM_NAMES: Final = {name: row["litellm_name"] or name for name, row in ROWS.items()}
"""LiteLLM's names of the vendors."""

REQUIRING_BASE_URL: Final = tuple(name for name, row in ROWS.items() if row["base_url_required"])

_SHORTEST: Final = 20
"""Length of the shortest credential that a vendor issues (fireworks' fpk_ keys)."""


@cache
def facts(name: str) -> VendorFacts:
    """Return the facts about the vendor called `name`. Raises KeyError for an unknown name."""
    from providers_contract.vendor import Variables, VendorFacts  # late: the names alone need neither

    row = ROWS[name]
    variables = row["variables"]
    return VendorFacts(
        name=name,
        title=row["title"],
        hosts=tuple(row["hosts"]),
        base_url_required=row["base_url_required"],
        key_format=row["key_format"],
        prefixes=tuple(row["prefixes"]),
        hint_forms=_forms(row["hint_forms"]),
        forms=_forms(row["forms"]),
        own_forms=_forms(row["own_forms"]),
        shared_forms=_forms(row["shared_forms"]),
        useless=tuple((re.compile(form), sentence) for form, sentence in row["useless"]),
        variables=Variables(
            words=tuple(variables["words"]),
            not_with=tuple(variables["not_with"]),
            key_name=re.compile(variables["key_name"]) if variables["key_name"] else None,
            endpoint=variables["endpoint"],
            exports=_forms(variables["exports"]),
            base_url=variables["base_url"],
            control_url=variables["control_url"],
            cleared=tuple(variables["cleared"]),
        ),
        base_paths=tuple(row["base_paths"]),
        openai_path=row["openai_path"],
        key_header=row["key_header"],
        runtime_host=tuple(row["runtime_host"]) if row["runtime_host"] else None,
        litellm_name=row["litellm_name"],
    )


def recognize(text: str) -> str | None:
    """Return the name of a vendor that issues credentials with the form of `text`, or None."""
    return next((name for name in NAMES if facts(name).issues(text)), None)


def owner(text: str) -> str | None:
    """Return the name of the only vendor that issues credentials with the form of `text`; None if others may, too."""
    return next((name for name in NAMES if any(form.fullmatch(text) for form in facts(name).own_forms)), None)


def is_credential(text: str) -> bool:
    """Return whether `text` alone is recognizable as a vendor's credential, by a form that is not too common."""
    name = recognize(text)
    return name is not None and (facts(name).variables.key_name is None or facts(name).is_unmistakable(text))


def contains_credential(text: str) -> bool:
    """Return whether `text` contains a management key, or a word with the form of a vendor's credential.

    Full-width letters, or a prefix such as `OPENAI_API_KEY=`, do not hide it; a part of a longer word does not count.
    """
    text = unicodedata.normalize("NFKC", text)
    if MANAGEMENT_KEY_PREFIX in text.lower():
        return True
    if all(len(word) < _SHORTEST for word in text.split()):
        return False  # most names end here, without compiling a pattern
    return any(form.search(text) for form in _words())


@cache
def _words() -> tuple[re.Pattern[str], ...]:
    forms = (form.pattern for name in NAMES for form in facts(name).forms)
    return tuple(re.compile(rf"(?<![A-Za-z0-9])(?:{form})(?![A-Za-z0-9])") for form in forms)


def _forms(patterns: list[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, patterns))
