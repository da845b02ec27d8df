"""Finds vendors' credentials in a .env file, by the forms of the values and the names of the variables. No I/O.

Where a form belongs to one vendor alone, the value decides. Where others use it too (`sk-…`, Google's keys, 32 hex
digits), the name must tell as well. A name such as GROQ_API_KEY is enough for a value of an unknown form.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from dotenv import dotenv_values

from providers import vendors
from providers.model.errors import Unprocessable
from providers.model.provider import name_claim
from providers.model.secret import Secret, trimmed
from providers.vendors.base import clean

LABELS: Final = {
    "anthropic": "Anthropic",
    "azure": "Azure",
    "bedrock": "Bedrock",
    "fireworks": "Fireworks",
    "google": "Google",
    "groq": "Groq",
    "openai": "OpenAI",
}
_WORDS: Final = {
    "AZURE": "azure",  # before OPENAI: AZURE_OPENAI_API_KEY has both
    "BEDROCK": "bedrock",
    "OPENAI": "openai",
    "ANTHROPIC": "anthropic",
    "CLAUDE": "anthropic",
    "GEMINI": "google",
    "GOOGLE": "google",
    "GROQ": "groq",
    "FIREWORKS": "fireworks",
}
_OWN_FORMS: Final = (
    re.compile(r"sk-ant-.+"),
    re.compile(r"sk-(proj|svcacct|admin)-.+"),
    re.compile(r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    re.compile(r"gsk_.+|fw_.+|fpk_.+|ABSK.+|bedrock-api-key-.+|AKIA.+|ASIA.+|AQ\..+"),
    re.compile(r".{52}JQQJ99.+"),
)
"""Forms that no other service uses; every other form that a vendor has needs a name that says the same."""

_KEY_WORDS: Final = {"KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL", "CREDENTIALS", "APIKEY", "PAT"}
_NOT_THE_MODELS: Final = {
    "MAPS",
    "PLACES",
    "FIREBASE",
    "YOUTUBE",
    "ANALYTICS",
    "RECAPTCHA",
    "OAUTH",
    "CLIENT",
    "SEARCH",
}
_FILLER: Final = _KEY_WORDS | set(_WORDS) | {"API", "AWS", "ACCESS", "ID", "BEARER", "AI", "SERVICE", "GENAI"}
_ACCESS_KEY_ID: Final = "AWS_ACCESS_KEY_ID"
_ENDPOINTS: Final = ("ENDPOINT", "BASE_URL", "API_BASE", "BASE")
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A credential. `variables` are those that it was made of, the one that names it first.

    `problem` says why it cannot be sent, `same_as` which variable holds the same credential.
    """

    variables: tuple[str, ...]
    vendor: str
    name: str
    hint: str
    secret: Secret
    base_url: str | None = None
    problem: str | None = None
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds. `unknown` are variables that look like credentials of something else, `others` the rest."""

    found: list[Found] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def read(text: str) -> Contents:
    """The credentials in the text of a .env file, in its order; nothing is interpolated."""
    given = dotenv_values(stream=io.StringIO(text), interpolate=False)
    values = {name: trimmed(value) for name, value in given.items() if value and trimmed(value)}
    contents = Contents()
    used: set[str] = set()
    for name in values:
        made = None if name in used else _credential(name, values)
        if made is None:
            continue
        used.update(made.variables)
        contents.found.append(_placed(made, contents.found))
    for name in given:
        if name not in used:
            looks = _is_secret(name, values.get(name, ""))
            (contents.unknown if looks else contents.others).append(name)
    return contents


def _placed(made: Found, before: list[Found]) -> Found:
    """`made` with a name that none has `before` it, or as the same credential as one of those."""
    same = next((each for each in before if each.vendor == made.vendor and each.secret == made.secret), None)
    taken = {name_claim(each.name) for each in before}
    name, number = made.name, 2
    while name_claim(name) in taken:
        name, number = f"{made.name} {number}", number + 1
    return Found(
        made.variables,
        made.vendor,
        name,
        made.hint,
        made.secret,
        made.base_url,
        made.problem,
        None if same is None else same.variables[0],
    )


def _credential(name: str, values: Mapping[str, str]) -> Found | None:
    if _ACCESS_KEY_ID in name:
        return _aws(name, values)
    value = values[name]
    vendor = _vendor(name, value)
    if vendor is None:
        return None
    if vendor == "bedrock" and value.startswith("ABSK") and "::" not in value:
        region = _region(name, values)
        if region is not None:
            return _made((name, region), "bedrock", f"{value}::{values[region]}")
    endpoint = _endpoint(name, values)
    if endpoint is None:
        problem = "no endpoint beside it: set AZURE_OPENAI_ENDPOINT in the file" if vendor == "azure" else None
        return _made((name,), vendor, value, problem=problem)
    return _made((name, endpoint), vendor, value, base_url=values[endpoint])


def _vendor(name: str, value: str) -> str | None:
    """The vendor whose credential this is."""
    words = _words(name)
    named = next((vendor for word, vendor in _WORDS.items() if word in words), None)
    by_form = vendors.recognize(value)
    if by_form is not None and any(form.fullmatch(value) for form in _OWN_FORMS):
        return by_form
    if named is None or not words & _KEY_WORDS or (named == "google" and words & _NOT_THE_MODELS):
        return None
    if words & {"ACCESS", "ORG", "ORGANIZATION", "PROJECT"} and by_form is None:
        return None  # OPENAI_ORG_KEY names a part of a configuration
    return named


def _aws(name: str, values: Mapping[str, str]) -> Found:
    """The access key that a group of variables makes up: AWS_ACCESS_KEY_ID, …, with the same prefix and suffix."""
    before, after = name.split(_ACCESS_KEY_ID, 1)
    secret = f"{before}AWS_SECRET_ACCESS_KEY{after}"
    token = f"{before}AWS_SESSION_TOKEN{after}"
    region = _region(name, values)
    if not values.get(secret):
        return _made((name,), "bedrock", values[name], problem=f"no {secret} beside it")
    if region is None:
        return _made((name, secret), "bedrock", values[name], problem=f"no {before}AWS_REGION{after} beside it")
    parts, variables = [values[name], values[secret], values[region]], [name, secret, region]
    if values.get(token):
        parts.append(values[token])
        variables.append(token)
    return _made(tuple(variables), "bedrock", "::".join(parts))


def _region(name: str, values: Mapping[str, str]) -> str | None:
    """The variable that holds the region: one of the same prefix and suffix, or the file's only one."""
    before, _, after = name.partition(_ACCESS_KEY_ID)
    affixes = [(before, after), ("", "")] if _ACCESS_KEY_ID in name else [("", "")]
    wanted = [f"{a}{region}{z}" for a, z in affixes for region in ("AWS_REGION", "AWS_DEFAULT_REGION")]
    return next((each for each in wanted if _REGION.fullmatch(values.get(each, ""))), None)


def _endpoint(name: str, values: Mapping[str, str]) -> str | None:
    """The variable that holds the endpoint of the key in `name`: `X_ENDPOINT` or `X_BASE_URL` for `X_API_KEY`."""
    for ending in ("_API_KEY", "_KEY", "_TOKEN"):
        stem, found, after = name.rpartition(ending)
        if not found:
            continue
        for each in _ENDPOINTS:
            wanted = f"{stem}_{each}{after}"
            if values.get(wanted, "").startswith("http"):
                return wanted
        return None
    return None


def _made(
    variables: tuple[str, ...], vendor: str, text: str, *, base_url: str | None = None, problem: str | None = None
) -> Found:
    hint = "…"
    secret = Secret(text)
    if problem is None:
        try:
            secret = clean(text)
            hint = vendors.vendor(vendor).parse(secret, base_url).hint
        except Unprocessable as error:
            problem = error.message
    return Found(variables, vendor, _name(variables[0], vendor), hint, secret, base_url, problem)


def _name(variable: str, vendor: str) -> str:
    """`OpenAI staging` for OPENAI_API_KEY_STAGING."""
    rest = [word.lower() for word in variable.split("_") if word and word.upper() not in _FILLER]
    return " ".join([LABELS[vendor], *rest])[:76]


def _is_secret(name: str, value: str) -> bool:
    return bool(value) and (bool(_words(name) & _KEY_WORDS) or vendors.recognize(value) is not None)


def _words(name: str) -> set[str]:
    return set(name.upper().split("_"))
