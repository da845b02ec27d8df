"""A vendor, and the requests and responses exchanged with it.

A vendor's `verify` is a generator: it yields requests, is sent the responses, and returns a verdict. It does no I/O, so
tests need no server, and its caller decides on deadlines and connections.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from providers.model.verdict import Verdict
from providers_contract.frozen import dataclass
from providers_contract.secret import Secret
from providers_contract.vendor import VendorFacts


@dataclass(frozen=True, slots=True)
class Credential:
    """A parsed credential.

    `familiar`: it has a form that the vendor is known to issue; others are tried, too. `expires_at` and `account` are
    set if the credential itself contains them. `temporary`: credentials of its form always expire.
    """

    secret: Secret
    hint: str
    familiar: bool = True
    expires_at: datetime | None = None
    account: str | None = None
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """One request to a vendor. Header values that contain a credential are `Secret`s.

    `delay_s` is the time to wait, in seconds, before sending it.
    """

    url: str
    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    method: str = "GET"
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ProbeResponse:
    """A vendor's complete response. `headers` has lower-case names; the HTTP adapter limits `body`."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    latency_ms: int | None = None

    def __repr__(self) -> str:
        return f"ProbeResponse(status={self.status}, {len(self.body)} bytes)"  # a vendor's response can echo the key

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; an empty dict if it is anything else."""
        try:
            parsed = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return parsed if isinstance(parsed, dict) else {}

    def error(self) -> dict[str, Any]:
        """Return the body's `error` object, or an empty dict."""
        found = self.json().get("error")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class VerifyContext:
    """The time in UTC, and the seconds that `verify` may wait for a second try (0 in a probe)."""

    now: datetime
    patience_s: float = 0.0


Exchange = Generator[ProbeRequest, ProbeResponse, Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor(VendorFacts):
    """One vendor, as the use cases need it.

    Args:
        parse: parses a credential, with its `base_url`; raises `Unprocessable` (`credential_format`) for text that
            cannot be a credential of this vendor.
        verify: verifies a credential with the vendor, given credential, base_url (None for the vendor's own) and
            context.
        tidy_base_url: shortens a pasted endpoint to its base_url. Idempotent; it leaves other URLs unchanged.
    """

    parse: Callable[[Secret, str | None], Credential]
    verify: Callable[[Credential, str | None, VerifyContext], Exchange]
    tidy_base_url: Callable[[str], str] = lambda base_url: base_url
