"""What a vendor is, and what is said to it and heard from it.

A vendor's `verify` is a generator: it yields the requests it wants sent, is sent the answers, and returns its
verdict. It does no I/O, so a test plays both sides, and whoever drives it decides on deadlines and connections.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from providers.model.verdict import Verdict
from providers_contract.secret import Secret
from providers_contract.vendor import VendorFacts


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
class VerifyContext:
    """What `verify` may depend on beside the credential.

    `now` is the time in UTC; `patience_s` is how many seconds a second try may wait (0 in a health probe).
    """

    now: datetime
    patience_s: float = 0.0


Exchange = Generator[ProbeRequest, ProbeAnswer, Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor(VendorFacts):
    """One vendor, as the use cases need it.

    Args:
        parse: takes a credential apart, given it and the `base_url` it comes with; raises `Unprocessable`
            (`credential_format`) for text that cannot be a credential of this vendor.
        verify: asks the vendor, given credential, base_url (None for the vendor's own) and circumstances.
        tidy_base_url: cuts an endpoint that a person has pasted down to the base_url that it belongs to. It leaves
            what it does not know, and what it has tidied before, as it is.
    """

    parse: Callable[[Secret, str | None], Credential]
    verify: Callable[[Credential, str | None, VerifyContext], Exchange]
    tidy_base_url: Callable[[str], str] = lambda base_url: base_url
