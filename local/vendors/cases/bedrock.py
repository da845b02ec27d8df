"""Bedrock's responses to `GET /foundation-models`, and those of STS to the same faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from local.vendors.cases.base import ECHO, Case
from local.vendors.cases.bedrock_keys import KEYS, SECRET_ACCESS_KEY, SESSION_TOKEN
from local.vendors.cases.emulated import Emulated, Sent, bearer_in
from local.vendors.cases.misbehaviour import misbehaviours
from local.vendors.dialects import CONVERSE
from local.vendors.sigv4 import access_key_id, fault
from providers_contract.vocabulary import Reason

REQUEST_ID: Final = "b5a1f3d7-8c2e-4e6b-9f10-3a7d5c9e1b42"
ACCOUNT: Final = "344352555008"
"""The account that the ids of the `valid` case hold, and that a denial names."""

_ID: Final = {"x-amzn-requestid": REQUEST_ID}
_URL: Final = ":http://internal.amazon.com/coral/com.amazon.coral.service/"
_NAMESPACE: Final = "com.amazon.coral.service#"
_UNKNOWN_ID: Final = "The security token included in the request is invalid."
_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method."
)
_BAD_API_KEY: Final = "Authentication failed: Please make sure your API Key is valid."
_DENIED: Final = (
    f"User: arn:aws:iam::{ACCOUNT}:user/emulated is not authorized to perform: bedrock:ListFoundationModels"
)


def _error(  # noqa: PLR0917 - a row
    slug: str,
    title: str,
    status: int,
    code: str,
    message: str | None,
    reason: Reason | None,
    *,
    member: str = "message",
    form: str = "",
    **headers: str,
) -> Case:
    body: dict[str, Any] = {} if message is None else {member: message}
    return Case(slug, title, status, body, {**_ID, "x-amzn-errortype": code, **headers}, reason, form)


def _sts(slug: str, title: str, code: str, message: str, reason: Reason, *, form: str = "") -> Case:
    xml = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code>{message}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    )
    return Case(slug, f"STS: {title}", 403, xml, {**_ID, "content-type": "text/xml"}, reason, form)


VALID: Final = Case(
    "valid",
    "the access key is accepted",
    200,
    {
        "modelSummaries": [
            {
                "modelId": "amazon.emulated-v1:0",
                "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.emulated-v1:0",
                "providerName": "Amazon",
            }
        ]
    },
    _ID,
)
SERVER_ERROR: Final = _error(
    "server-500", "server fault", 500, "InternalServerException", "Something broke.", Reason.HTTP_5XX
)
BAD_SECRET: Final = _error(
    "bad-secret",
    "the secret access key is not the id's",
    403,
    "InvalidSignatureException",
    _MISMATCH,
    Reason.CREDENTIAL_REJECTED,
)

CASES: Final = (
    VALID,
    replace(VALID, slug="valid-other-account", title="accepted, in another AWS account"),
    replace(VALID, slug="valid-session", title="temporary credentials are accepted", form="session"),
    replace(VALID, slug="valid-api-key", title="a long-term API key is accepted", form="api-key"),
    replace(VALID, slug="valid-short-term", title="a short-term API key is accepted", form="short-term"),
    _error(
        "invalid",
        "unknown or inactive access key id",
        403,
        f"UnrecognizedClientException{_URL}",
        _UNKNOWN_ID,
        Reason.CREDENTIAL_REJECTED,
    ),
    _error(
        "invalid-session",
        "a session token that is not the id's",
        403,
        "UnrecognizedClientException",
        _UNKNOWN_ID,
        Reason.CREDENTIAL_REJECTED,
        form="session",
    ),
    _error(
        "invalid-api-key",
        "a bad, revoked or other region's API key",
        403,
        "AccessDeniedException",
        f"{_BAD_API_KEY} {ECHO}",
        Reason.CREDENTIAL_REJECTED,
        member="Message",
        form="api-key",
    ),
    _error(
        "expired-api-key",
        "an API key that has expired",
        403,
        "AccessDeniedException",
        "Bearer Token has expired",
        Reason.CREDENTIAL_EXPIRED,
        member="Message",
        form="api-key",
    ),
    BAD_SECRET,
    Case(
        "settling",
        "the signature is refused once, as within seconds of another secret for the id, and then accepted",
        BAD_SECRET.status,
        BAD_SECRET.body,
        BAD_SECRET.headers,
        BAD_SECRET.reason,
        turns=(BAD_SECRET, VALID),
    ),
    _error(
        "other-clock",
        "the signature is refused by a vendor whose clock is years away",
        403,
        "InvalidSignatureException",
        _MISMATCH,
        Reason.CLOCK_SKEW,
        date="Mon, 01 Jan 2001 00:00:00 GMT",
    ),
    _error(
        "clock-skew",
        "the clocks are more than 15 minutes apart",
        403,
        f"{_NAMESPACE}InvalidSignatureException",
        "Signature expired: 20010101T000000Z is now earlier than 20010101T001500Z",
        Reason.CLOCK_SKEW,
    ),
    _error(
        "clock-skew-ahead",
        "our clock is more than 5 minutes ahead",
        403,
        "InvalidSignatureException",
        "Signature not yet current: 20010101T001500Z is still later than 20010101T000500Z",
        Reason.CLOCK_SKEW,
    ),
    _error(
        "request-expired",
        "the clocks are more than 15 minutes apart, with the other code",
        400,
        "RequestExpired",
        "Request has expired.",
        Reason.CLOCK_SKEW,
    ),
    _error(
        "expired-token",
        "the session token has expired",
        403,
        "ExpiredTokenException",
        "The security token included in the request is expired",
        Reason.CREDENTIAL_EXPIRED,
        form="session",
    ),
    _error(
        "denied",
        "the signature is accepted, and no policy allows the call",
        403,
        f"{_NAMESPACE}AccessDeniedException{_URL}",
        f"{_DENIED} because no identity-based policy allows the bedrock:ListFoundationModels action",
        Reason.INSUFFICIENT_PERMISSION,
        member="Message",
    ),
    _error(
        "denied-scp",
        "the signature is accepted, and the organization denies the call",
        403,
        "AccessDeniedException",
        f"{_DENIED} with an explicit deny in a service control policy",
        Reason.INSUFFICIENT_PERMISSION,
        member="Message",
    ),
    _error(
        "account-not-authorized",
        "the signature is accepted, and the account may not use Bedrock",
        403,
        "AccessDeniedException",
        "Your account is not authorized to invoke this API operation.",
        Reason.INSUFFICIENT_PERMISSION,
        member="Message",
    ),
    _error(
        "not-allowed",
        "the account may not use Bedrock yet",
        400,
        "ValidationException",
        "Operation not allowed",
        Reason.SERVICE_NOT_ENABLED,
    ),
    _error(
        "access-denied",
        "a denial that is not listed",
        403,
        "AccessDeniedException",
        "Denied.",
        Reason.UNEXPECTED_ANSWER,
        member="Message",
    ),
    _error(
        "incomplete-signature",
        "the authorization header cannot be read",
        400,
        "IncompleteSignatureException",
        f"Authorization header requires more than {ECHO}",
        Reason.UNEXPECTED_ANSWER,
    ),
    _error(
        "missing-key",
        "no credential was sent",
        403,
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
        Reason.UNEXPECTED_ANSWER,
    ),
    _error("opt-in-required", "not signed up for the service", 403, "OptInRequired", None, Reason.SERVICE_NOT_ENABLED),
    _error(
        "not-subscribed",
        "not subscribed to the service",
        403,
        "SubscriptionRequiredException",
        None,
        Reason.SERVICE_NOT_ENABLED,
    ),
    _error("throttled", "throttled", 429, "ThrottlingException", "Too many requests", Reason.RATE_LIMITED),
    _error("throttled-400", "throttled, with 400", 400, "ThrottlingException", "Rate exceeded", Reason.RATE_LIMITED),
    _error(
        "quota", "a quota is used up", 400, "ServiceQuotaExceededException", "Quota exceeded", Reason.QUOTA_EXHAUSTED
    ),
    SERVER_ERROR,
    _error("server-503", "server fault", 503, "ServiceUnavailableException", "Try later.", Reason.HTTP_5XX),
    _error("wrong-path", "unknown path", 404, "UnknownOperationException", None, Reason.WRONG_PATH),
    _sts(
        "sts-unknown-id",
        "unknown access key id",
        "InvalidClientTokenId",
        f"<Message>{_UNKNOWN_ID}</Message>",
        Reason.CREDENTIAL_REJECTED,
    ),
    _sts("sts-bad-secret", "bad secret", "SignatureDoesNotMatch", "", Reason.CREDENTIAL_REJECTED),
    _sts("sts-expired-token", "expired token", "ExpiredToken", "", Reason.CREDENTIAL_EXPIRED, form="session"),
    *misbehaviours(VALID, SERVER_ERROR, echo_headers=("x-amzn-requestid",)),
)


def _key_in(headers: Mapping[str, str]) -> str:
    authorization = headers.get("authorization", "")
    return bearer_in(headers) or access_key_id(authorization) or authorization


def _objection(sent: Sent) -> str | None:
    """A signature is checked, as AWS does."""
    if bearer_in(sent.headers):
        return None
    token = SESSION_TOKEN if sent.key.startswith("ASIA") else None
    return fault(sent, SECRET_ACCESS_KEY, token, datetime.now(UTC))


EMULATED: Final = Emulated(
    cases=CASES,
    keys=KEYS,
    key_in=_key_in,
    objection=_objection,
    unknown_key=lambda headers: "invalid-api-key" if bearer_in(headers) else "invalid",
    generates={r"/model/[^/]+/converse(-stream)?": CONVERSE},
)
