"""Helpers of several vendors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from providers.model.errors import Unprocessable
from providers.model.vendor import Credential, ProbeResponse
from providers.model.verdict import Verdict
from providers_contract.credentials import credential_problem, make_hint
from providers_contract.headers import http_date
from providers_contract.hosts import host_matches
from providers_contract.secret import Secret, trimmed
from providers_contract.vendor import matches_any
from providers_contract.vocabulary import Reason


def join(base_url: str, path: str, *, strip: tuple[str, ...] = ()) -> str:
    """Return `base_url` plus `path`, without a trailing slash and the first of the `strip` suffixes that it ends in."""
    base = base_url.rstrip("/")
    for suffix in strip:
        if base.endswith(suffix):
            base = base[: -len(suffix)].rstrip("/")
            break
    return base + path


def tidy_at(
    hosts: tuple[str, ...], *endpoints: tuple[str, str], query: re.Pattern[str] | None = None
) -> Callable[[str], str]:
    """Return a `tidy_base_url` that shortens the paths of `endpoints` at the vendor's own `hosts`.

    An endpoint is a pattern for a whole path, with the path of its base_url. Leave out paths that an SDK accepts as a
    base_url: people may rely on them. A URL with a query stays unchanged, unless `query` matches it.
    """

    def tidy(base_url: str) -> str:
        url = split_url(base_url, query)
        if url is None or not host_matches(url.hostname or "", hosts):
            return base_url
        path = next((path for pattern, path in endpoints if re.fullmatch(pattern, url.path)), None)
        return base_url if path is None else f"{url.scheme}://{url.netloc}{path}"

    return tidy


def split_url(text: str, query: re.Pattern[str] | None = None) -> SplitResult | None:
    """Return the parts of `text`; None if it is not a URL, has a fragment, or a query that `query` does not match.

    `urlsplit` alone would silently drop line breaks.
    """
    if re.search(r"[^\x21-\x7e]|[\\#]", text):
        return None
    try:
        url = urlsplit(text)
    except ValueError:
        return None
    return None if "?" in text and (query is None or not query.fullmatch(url.query)) else url


def parse_api_key(
    prefixes: tuple[str, ...],
    forms: tuple[re.Pattern[str], ...],
    *,
    temporary: str | None = None,
) -> Callable[[Secret, str | None], Credential]:
    """Return a `parse` for vendors whose credential is one opaque string.

    Args:
        prefixes: the prefixes that a hint may show, tried in order.
        forms: the forms that the vendor is known to issue.
        temporary: the prefix of credentials that expire.
    """

    def parse(secret: Secret, base_url: str | None) -> Credential:  # noqa: ARG001 - the signature of every parse
        text = secret.reveal()
        return Credential(
            secret,
            make_hint(text, prefixes),
            familiar=matches_any(text, forms),
            temporary=temporary is not None and text.startswith(temporary),
        )

    return parse


def bearer(secret: Secret) -> Secret:
    """Return the value of an `authorization` header with `secret` as bearer token."""
    return Secret(f"Bearer {secret.reveal()}")


def clean(text: str) -> Secret:
    """Return the credential in `text`, without white space and invisible characters around it.

    Raises `Unprocessable` (`credential_format`) if it cannot be a credential of any vendor.
    """
    text = trimmed(text)
    problem = credential_problem(text)
    if problem is not None:
        raise credential_format(problem)
    return Secret(text)


def credential_format(message: str) -> Unprocessable:
    """Return the error 422 `credential_format`."""
    return Unprocessable("credential_format", message, param="api_key")


_SAFE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=-]{0,127}")
_WINDOW: Final = 8


def safe_id(value: object, credential: Credential) -> str | None:
    """Return `value` if it is a plain identifier that shares no eight characters with the credential, else None.

    The header of a vendor, or of an impostor, could echo the credential.
    """
    if not isinstance(value, str) or not _SAFE_ID.fullmatch(value):
        return None
    secret = credential.secret.reveal()
    echoes = any(value[i : i + _WINDOW] in secret for i in range(len(value) - _WINDOW + 1))
    return None if echoes or value in secret else value


_SECONDS: Final = re.compile(r"\d{1,9}(?:\.\d{1,6})?")


def retry_after(response: ProbeResponse, now: datetime) -> float | None:
    """Return the seconds to wait in `retry-after-ms`, or in `retry-after` as seconds or as a date; or None."""
    milliseconds = response.headers.get("retry-after-ms", "")
    if _SECONDS.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    value = response.headers.get("retry-after", "")
    if _SECONDS.fullmatch(value):
        return float(value)
    sent = http_date(value)
    return max(0.0, (sent - now).total_seconds()) if sent else None


def message_of(error: Mapping[str, Any]) -> str:
    """Return an error's `message` in lower case, for the few responses that have no code or type."""
    message = error.get("message")
    return message.lower() if isinstance(message, str) else ""


def common_reason(response: ProbeResponse) -> Reason:
    """Return the reason for a response that the vendor's own rules do not recognize: always indeterminate."""
    match response.status:
        case status if 300 <= status < 400:
            return Reason.REDIRECTED
        case 404:
            return Reason.WRONG_PATH
        case 429:
            return Reason.THROTTLED  # an edge limits requests before the key is checked
        case 529:
            return Reason.OVERLOADED  # not a registered status; Anthropic and some proxies use it for this
        case status if 500 <= status < 600:
            return Reason.HTTP_5XX
    return Reason.UNEXPECTED_ANSWER


def lists(response: ProbeResponse, member: str) -> bool:
    """Return whether this is a 200 with a list as `member`, which proves that the credential works."""
    return response.status == 200 and isinstance(response.json().get(member), list)


def conclude(
    reason: Reason | None,
    response: ProbeResponse,
    credential: Credential,
    now: datetime,
    *,
    request_id_header: str | None,
    account: object = None,
) -> Verdict:
    """Return the verdict for `response`, with the request id and the waiting time in its headers."""
    request_id = response.headers.get(request_id_header) if request_id_header else None
    return Verdict(
        reason=reason,
        request_id=safe_id(request_id, credential),
        account=safe_id(account, credential) or credential.account,
        retry_after_s=retry_after(response, now),
        latency_ms=response.latency_ms,
    )
