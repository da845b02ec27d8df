"""Checks signatures as AWS does, from the request as it was received."""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime
from typing import Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.vendors.cases.emulated import Sent

MAX_SKEW_S: Final = 900
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>\w+)/(?P<day>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z]+)/aws4_request, *"
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


def access_key_id(authorization: str) -> str | None:
    """Return the access key id of a signed request, or None if the header cannot be parsed."""
    found = _AUTHORIZATION.fullmatch(authorization)
    return found["id"] if found else None


def fault(sent: Sent, secret_access_key: str, session_token: str | None, now: datetime) -> str | None:
    """Return the fault of a signed request, as the slug of a case, or None.

    `session_token` is the one that belongs to the access key id.
    """
    headers = sent.headers
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    date = headers.get("x-amz-date", "")
    if found is None or not re.fullmatch(r"\d{8}T\d{6}Z", date) or not date.startswith(found["day"]):
        return "incomplete-signature"
    if headers.get("x-amz-security-token") != session_token:
        return "invalid"
    behind = (now - datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)).total_seconds()
    if abs(behind) > MAX_SKEW_S:
        return "clock-skew" if behind > 0 else "clock-skew-ahead"
    names = found["names"].split(";")
    if not {"host", "x-amz-date"} <= set(names) or found["service"] != "bedrock":
        return "bad-secret"
    request = AWSRequest(sent.method, sent.url, {name: headers.get(name, "") for name in names}, sent.body)
    request.context["timestamp"] = date
    signer = SigV4Auth(Credentials(found["id"], secret_access_key), found["service"], found["region"])
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return None if hmac.compare_digest(expected, found["signature"]) else "bad-secret"
