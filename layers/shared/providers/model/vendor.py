"""What a vendor is, and what is said to it and heard from it.

A vendor's `verify` is a generator: it yields the requests it wants sent, is sent the answers, and returns its
verdict. It does no I/O, so a test plays both sides, and whoever drives it decides on deadlines and connections.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from providers.model.verdict import Verdict
from providers_contract.secret import Secret


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that a vendor's `parse` has taken apart.

    `familiar` says whether it has a form that the vendor is known to issue; an unfamiliar one is tried all the same.
    `expires_at` and `account` are set where the credential itself tells them. `temporary` says that its form is one
    that always expires, whether or not it tells when.
    """

    secret: Secret
    hint: str
    familiar: bool = True
    expires_at: datetime | None = None
    account: str | None = None
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """One request to a vendor. Header values that carry a credential are `Secret`s.

    `delay_s` is how long to wait, in seconds, before sending it.
    """

    url: str
    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    method: str = "GET"
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """A vendor's complete answer. `headers` has lower-case names; `body` is capped by whoever received it."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    latency_ms: int | None = None

    def __repr__(self) -> str:
        return f"ProbeAnswer(status={self.status}, {len(self.body)} bytes)"  # a vendor's answer can echo the key

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty dict where it is anything else."""
        try:
            parsed = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return parsed if isinstance(parsed, dict) else {}

    def error(self) -> dict[str, Any]:
        """The body's `error` object, or an empty dict."""
        found = self.json().get("error")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What `verify` may depend on beside the credential.

    `now` is the time in UTC; `patience_s` is how many seconds a second try may wait (0 in a health probe).
    """

    now: datetime
    patience_s: float = 0.0


Conversation = Generator[ProbeRequest, ProbeAnswer, Verdict]


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor, as the use cases need it.

    Args:
        name: as in the API's `vendor` field.
        hosts: the vendor's own hosts, which a base_url may name; a `*` stands for exactly one label
            (`*.openai.azure.com`), or for a part of one (`bedrock.us-*.amazonaws.com`).
        parse: takes a credential apart, given it and the `base_url` it comes with; raises `Unprocessable`
            with code `credential_format` for what cannot be a credential of this vendor at all.
        verify: asks the vendor, given credential, base_url (None for the vendor's own) and circumstances.
        forms: the forms of the credentials that the vendor is known to issue, each for the whole text; not for
            refusing others, since vendors add forms without notice.
        own_forms: forms that nobody else issues, so that a credential of such a form is this vendor's for certain.
        useless: forms of keys and ids that the vendor issues and that serve no model, each with a sentence that says
            what it is and what to send instead.
        base_url_required: whether there is no host of the vendor's own that serves everybody.
        tidy_base_url: cuts an endpoint that a person has pasted down to the base_url that it belongs to. It changes
            nothing that it does not know, and nothing that it has tidied before.
    """

    name: str
    hosts: tuple[str, ...]
    parse: Callable[[Secret, str | None], Credential]
    verify: Callable[[Credential, str | None, Circumstances], Conversation]
    forms: tuple[re.Pattern[str], ...] = ()
    own_forms: tuple[re.Pattern[str], ...] = ()
    useless: tuple[tuple[re.Pattern[str], str], ...] = ()
    base_url_required: bool = False
    tidy_base_url: Callable[[str], str] = lambda base_url: base_url

    def owns(self, base_url: str | None) -> bool:
        """Whether a credential that is sent to `base_url` goes to the vendor itself; None is the vendor's own host."""
        return base_url is None or host_matches(host_of(base_url), self.hosts)


def host_of(url: str) -> str:
    """The host of `url`, in lower case, without its port; empty where there is none, or it is no URL."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def host_matches(host: str, patterns: tuple[str, ...]) -> bool:
    """Whether `host` is one of `patterns`, in which a `*` stands for one label or a part of one, never for more.

    So `bedrock.us-*.amazonaws.com` does not match `bedrock.us-1.s3.amazonaws.com`, which anyone can have.
    """
    host = host.lower().rstrip(".")
    return any(host.count(".") == pattern.count(".") and fnmatchcase(host, pattern) for pattern in patterns)
