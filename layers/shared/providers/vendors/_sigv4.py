"""Signature Version 4 for a request without a body, by the standard library alone.

"Create a signed AWS API request" in the IAM User Guide; a test compares it with botocore. Importing botocore's signer
costs a cold start more than a tenth of a second.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlsplit

from providers_contract.secret import Secret

_EMPTY_BODY: Final = sha256(b"").hexdigest()
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def sign(
    url: str,
    *,
    access_key_id: Secret,
    secret_access_key: Secret,
    session_token: Secret | None,
    region: str,
    service: str,
    at: datetime,
    method: str = "GET",
) -> dict[str, str | Secret]:
    """The headers to add to a request for `url`, signed at `at` (UTC); what signs nothing further needs nothing else.

    `url` is as it goes over the wire: its path and query are already percent-encoded. The `host` header that the
    client makes of it (the host in lower case, with a port that is not the scheme's own) is signed too.
    """
    parts = urlsplit(url)
    headers: dict[str, str | Secret] = {"x-amz-date": f"{at:%Y%m%dT%H%M%SZ}"}
    if session_token is not None:
        headers["x-amz-security-token"] = session_token
    signed = {"host": _host(url)} | {
        name: value.reveal() if isinstance(value, Secret) else value for name, value in headers.items()
    }
    names = ";".join(sorted(signed))
    canonical = "\n".join(
        (
            method,
            quote(_normal_path(parts.path), safe="/~"),
            "&".join("=".join(pair) for pair in sorted(_pairs(parts.query))),
            *(f"{name}:{' '.join(signed[name].split())}" for name in sorted(signed)),
            "",
            names,
            _EMPTY_BODY,
        )
    )
    scope = f"{at:%Y%m%d}/{region}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret_access_key.reveal()}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    headers["authorization"] = Secret(
        f"AWS4-HMAC-SHA256 Credential={access_key_id.reveal()}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    return host if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


def _normal_path(path: str) -> str:
    """RFC 3986, section 5.2.4, and empty segments removed, as every service but S3 expects."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def _pairs(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&"))] if query else []
