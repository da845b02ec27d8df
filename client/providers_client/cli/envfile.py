"""Finds vendors' credentials in a .env file, by the format of the values and the names of the variables. No I/O.

Only a value in a format that a vendor issues is a credential. If others use the same format (`sk-…`, Google's keys, 32
hex digits), the variable's name must also name the vendor. A name alone is never enough: OPENAI_API_KEY often contains
`user_provided`, a reference to a secret manager, or an id.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from dotenv.parser import parse_stream

from providers_client.variables import KEY_WORDS, filler, vendor_named, words
from providers_contract import vendors
from providers_contract.credentials import credential_problem
from providers_contract.names import name_claim
from providers_contract.secret import Secret, trimmed

_REFERENCES: Final = {
    "1Password": r"op://|ref\+op://",
    "HashiCorp Vault": r"vault:|(ref\+)?vault://|hcvault:",
    "AWS Secrets Manager": r"arn:aws[a-z-]*:secretsmanager:|(ref\+)?aws-?(sm|secrets?(manager)?):"
    r"|\{\{resolve:secretsmanager:",
    "AWS Parameter Store": r"arn:aws[a-z-]*:ssm:|(ref\+)?(aws-?)?ssm:|ref\+awsssm:|\{\{resolve:ssm",
    "Google Secret Manager": r"(//secretmanager\.googleapis\.com/)?projects/[^/]+/secrets/|berglas://"
    r"|(ref\+)?(gcp-?(sm|secrets?(manager)?)|gsm|sm):",
    "Azure Key Vault": r"@microsoft\.keyvault\(|https://[a-z0-9-]+\.vault\.azure\.net"
    r"|(ref\+)?(akv|azurekeyvault|azure-?kv):",
    "Doppler": r"(ref\+)?doppler:",
    "Infisical": r"(ref\+)?infisical:",
    "Bitwarden": r"(ref\+)?(bws|bitwarden):",
    "dotenvx": r"encrypted:",
    "SOPS": r"ENC\[|(ref\+)?sops:",
    "a file": r"/run/secrets/|file:|(ref\+)?file://",
    "another secret manager": r"ref\+[a-z0-9]+:|secret(s|ref)?:|keyring:|keychain:|akeyless:|\{\{",
    "another variable": r"\$\{?[A-Za-z_][A-Za-z0-9_]*|\$\{\{|%[A-Za-z_][A-Za-z0-9_]*%$",
    "a command": r"\$\(|`",
}
"""Prefixes of values that only refer to a secret elsewhere, by the place that they refer to."""

_REFERENCE_FORMS: Final = {what: re.compile(form, re.IGNORECASE) for what, form in _REFERENCES.items()}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_ACCESS_KEY_ID: Final = "AWS_ACCESS_KEY_ID"
_AWS_ID: Final = re.compile(r"A[KS]IA[A-Z0-9]{16}")
_AWS_SECRET: Final = re.compile(r"[A-Za-z0-9/+=]{40}")
_ENDPOINTS: Final = ("ENDPOINT", "BASE_URL", "API_BASE", "BASE", "API_BASE_URL", "API_ENDPOINT", "API_URL")
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A credential. `variables` are the variables that it consists of; the first one names it.

    `problem` is the reason why it cannot be sent, `same_as` another variable with the same credential, `foreign_host`
    its destination if that is not the vendor.
    """

    variables: tuple[str, ...]
    vendor: str
    name: str
    hint: str
    secret: Secret
    base_url: str | None = None
    problem: str | None = None
    same_as: str | None = None

    @property
    def foreign_host(self) -> str | None:
        """Return the host of `base_url`, with its port, if it is not one of the vendor's own."""
        if self.base_url is None or vendors.facts(self.vendor).owns(self.base_url):
            return None
        return urlsplit(self.base_url).netloc.rpartition("@")[2].lower()


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a file.

    `unknown` are variables that look like credentials for something else; `references` maps some of them to the place
    that has the secret; `others` are the rest. `unreadable` are the numbers of the lines that are not NAME=VALUE.
    """

    found: list[Found] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    references: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)


def read(text: str) -> Contents:
    """Return the credentials in the text of a .env file, in its order; nothing is interpolated."""
    contents = Contents()
    given = _variables(text, contents.unreadable)
    values = {name: value for name, value in given.items() if value}
    used: set[str] = set()
    for name in values:
        made = None if name in used else _credential(name, values)
        if made is None:
            continue
        used.update(made.variables)
        contents.found.append(_placed(made, contents.found))
    for name in given:
        if name in used:
            continue
        value = values.get(name, "")
        if not _is_secret(name, value):
            contents.others.append(name)
            continue
        contents.unknown.append(name)
        refers_to = next((what for what, form in _REFERENCE_FORMS.items() if form.match(value)), None)
        if refers_to is not None:
            contents.references[name] = refers_to
    return contents


def _variables(text: str, unreadable: list[int]) -> dict[str, str]:
    """Return the variables, with their values trimmed; the numbers of malformed lines are added to `unreadable`."""
    found: dict[str, str] = {}
    for each in parse_stream(io.StringIO(text)):
        statement = each.original.string
        if not each.error and each.key is None:
            continue  # blank, or a comment
        declared = each.value is None and statement.lstrip().startswith("export ")
        name = each.key or ""
        if each.error or not _NAME.fullmatch(name) or vendors.recognize(name) or (each.value is None and not declared):
            before = statement[: len(statement) - len(statement.lstrip())]
            unreadable.append(each.original.line + before.count("\n"))
        else:
            found[name] = trimmed(each.value or "")
    return found


def _placed(made: Found, before: list[Found]) -> Found:
    """Return `made` with a name that is not used in `before`, or marked as the same credential as one in `before`."""
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
    endpoint = _endpoint(name, values)
    if vendor == "bedrock" and value.startswith("ABSK") and "::" not in value:
        region = _region(name, values)
        if region is not None:
            return _made((name, region), "bedrock", f"{value}::{values[region]}")
        if endpoint is None:
            return _made((name,), "bedrock", value, problem="AWS_REGION is missing")
    if endpoint is None:
        known = vendors.facts(vendor)
        problem = f"the endpoint is missing: set {known.variables.endpoint or 'a base URL'} in the file"
        return _made((name,), vendor, value, problem=problem if known.base_url_required else None)
    return _made((name, endpoint), vendor, value, base_url=values[endpoint])


def _vendor(name: str, value: str) -> str | None:
    """Return the vendor whose credential this is."""
    by_form = vendors.recognize(value)
    if by_form is None or vendors.facts(by_form).is_unmistakable(value):
        return by_form
    key_name = vendors.facts(by_form).variables.key_name
    if key_name is not None:
        return by_form if key_name.fullmatch(name.upper()) else None
    return by_form if vendor_named(name) == by_form and words(name) & KEY_WORDS else None


def _aws(name: str, values: Mapping[str, str]) -> Found | None:
    """Return the access key that a group of variables forms: AWS_ACCESS_KEY_ID, …, with the same prefix and suffix."""
    before, after = name.split(_ACCESS_KEY_ID, 1)
    secret = f"{before}AWS_SECRET_ACCESS_KEY{after}"
    token = f"{before}AWS_SESSION_TOKEN{after}"
    region = _region(name, values)
    if not _AWS_ID.fullmatch(values[name]):
        return None
    if not values.get(secret):
        return _made((name,), "bedrock", values[name], problem=f"{secret} is missing")
    if not _AWS_SECRET.fullmatch(values[secret]):
        return None
    if region is None:
        return _made((name, secret), "bedrock", values[name], problem=f"{before}AWS_REGION{after} is missing")
    parts, variables = [values[name], values[secret], values[region]], [name, secret, region]
    problem = None
    if values.get(token):
        parts.append(values[token])
        variables.append(token)
        if not parts[0].startswith("ASIA"):
            problem = f"{token} does not belong to an access key ID that begins with AKIA"
    elif parts[0].startswith("ASIA"):
        problem = f"{token} is missing"
    return _made(tuple(variables), "bedrock", "::".join(parts), problem=problem)


def _region(name: str, values: Mapping[str, str]) -> str | None:
    """Return the variable with the region: one with the same prefix and suffix, or else the file's AWS_REGION."""
    before, _, after = name.partition(_ACCESS_KEY_ID)
    affixes = [(before, after), ("", "")] if _ACCESS_KEY_ID in name else [("", "")]
    wanted = [f"{a}{region}{z}" for a, z in affixes for region in ("AWS_REGION", "AWS_DEFAULT_REGION")]
    return next((each for each in wanted if _REGION.fullmatch(values.get(each, ""))), None)


def _endpoint(name: str, values: Mapping[str, str]) -> str | None:
    """Return the variable with the endpoint of the key in `name`: `X_ENDPOINT` or `X_BASE_URL` for `X_API_KEY`.

    A variable that is not a URL counts too: it shows that the key is for another host than the vendor's.
    """
    in_capitals = {each.upper(): each for each in values}
    for ending in ("_API_KEY", "_KEY", "_AUTH_TOKEN", "_TOKEN"):
        stem, found, after = name.upper().rpartition(ending)
        if not found:
            continue
        wanted = (f"{stem}_{each}{after}" for each in _ENDPOINTS)
        return next((in_capitals[each] for each in wanted if each in in_capitals), None)
    return None


def _made(
    variables: tuple[str, ...], vendor: str, text: str, *, base_url: str | None = None, problem: str | None = None
) -> Found:
    known = vendors.facts(vendor)
    if base_url is not None and not _is_url(base_url):
        base_url, problem = None, f"{variables[-1]} is not a URL"
    if problem is None:
        problem = credential_problem(text)
    if problem is None and known.owns(base_url) and (useless := known.why_useless(text)):
        problem = f"{variables[0]} is {useless}"
    hint = known.hint(text) if problem is None else "…"
    return Found(variables, vendor, _name(variables[0], vendor), hint, Secret(text), base_url, problem)


def _is_url(text: str) -> bool:
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False


def _name(variable: str, vendor: str) -> str:
    """Return a provider's name, such as `OpenAI staging` for OPENAI_API_KEY_STAGING."""
    rest = [word.lower() for word in variable.split("_") if word and word.upper() not in filler()]
    return " ".join([vendors.facts(vendor).title, *rest])[:76]


def _is_secret(name: str, value: str) -> bool:
    return bool(value) and (bool(words(name) & KEY_WORDS) or vendors.recognize(value) is not None)
