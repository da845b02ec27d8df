"""Anthropic's responses to `GET /v1/models`."""

from __future__ import annotations

from typing import Any, Final

from local.vendors.cases.base import ECHO, Case
from local.vendors.cases.emulated import Emulated, Sent
from local.vendors.cases.fakes import hyphenated
from local.vendors.cases.misbehaviour import misbehaviours
from local.vendors.dialects import MESSAGES
from providers_contract.vocabulary import Reason

REQUEST_ID: Final = "req_011Cq8ZtW3hYvR5mBdK2"
_ID: Final = {"request-id": REQUEST_ID}
_KNOWN: Final = {**_ID, "anthropic-organization-id": "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"}
_OTHER: Final = {**_ID, "anthropic-organization-id": "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"}


def _error(type_: str, message: str, error_code: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"type": type_, "message": message}
    if error_code is not None:
        error["details"] = {"error_code": error_code}
    return {"type": "error", "error": error, "request_id": REQUEST_ID}


def _bad_request(slug: str, title: str, message: str, error_code: str | None, reason: Reason) -> Case:
    return Case(slug, title, 400, _error("invalid_request_error", message, error_code), _KNOWN, reason)


def _oauth(slug: str, title: str, status: int, message: str, reason: Reason) -> Case:
    type_ = "authentication_error" if status == 401 else "permission_error"
    return Case(slug, title, status, _error(type_, message), _ID, reason, form="oauth")


def _cap(slug: str, title: str, error_code: str) -> Case:
    body = _error("rate_limit_error", "This organization has reached a limit.", error_code)
    return Case(slug, title, 429, body, _KNOWN, Reason.QUOTA_EXHAUSTED)


_EXPIRED: Final = "OAuth token has expired. Please obtain a new token or refresh your existing token."
_REVOKED: Final = "OAuth token has been revoked. Please obtain a new token."
_BARRED: Final = "OAuth authentication is currently not allowed for this organization."
_SCOPE: Final = "OAuth token does not meet scope requirement user:inference"
_MODEL: Final = {
    "type": "model",
    "id": "claude-emulated-1",
    "display_name": "Claude Emulated",
    "created_at": "2026-01-01T00:00:00Z",
    "lifecycle": "active",
}
_MODELS: Final = {"data": [_MODEL], "has_more": False, "first_id": _MODEL["id"], "last_id": _MODEL["id"]}

VALID: Final = Case("valid", "the key is accepted", 200, _MODELS, _KNOWN)
SERVER_ERROR: Final = Case(
    "server-500", "server error", 500, _error("api_error", "Something broke."), _ID, Reason.HTTP_5XX
)

CASES: Final = (
    VALID,
    Case("valid-other-account", "accepted, in another organization", 200, _MODELS, _OTHER),
    Case("valid-oauth", "an OAuth token is accepted", 200, _MODELS, _KNOWN, form="oauth"),
    _oauth("oauth-invalid", "an unknown OAuth token", 401, "Invalid bearer token", Reason.CREDENTIAL_REJECTED),
    _oauth("oauth-expired", "an OAuth token that has expired", 401, _EXPIRED, Reason.CREDENTIAL_EXPIRED),
    _oauth("oauth-revoked", "an OAuth token that was revoked", 403, _REVOKED, Reason.CREDENTIAL_REJECTED),
    _oauth("oauth-not-allowed", "OAuth is not allowed for the organization", 403, _BARRED, Reason.KEY_AUTH_DISABLED),
    _oauth("oauth-not-allowed-401", "the same, as of 2025", 401, _BARRED, Reason.KEY_AUTH_DISABLED),
    _oauth("oauth-scope", "an OAuth token without the scope", 403, _SCOPE, Reason.INSUFFICIENT_PERMISSION),
    _oauth(
        "oauth-not-supported",
        "a bearer token that was sent without the beta header; says nothing of the token",
        401,
        "OAuth authentication is currently not supported.",
        Reason.UNEXPECTED_ANSWER,
    ),
    Case(
        "claude-code-only",
        "an OAuth token that serves Claude Code alone",
        400,
        _error(
            "invalid_request_error",
            "This credential is only authorized for use with Claude Code and cannot be used for other API requests.",
        ),
        _KNOWN,
        Reason.INSUFFICIENT_PERMISSION,
        form="oauth",
    ),
    Case(
        "invalid",
        "invalid, revoked or expired key",
        401,
        _error("authentication_error", f"invalid x-api-key {ECHO}"),
        _ID,
        Reason.CREDENTIAL_REJECTED,
    ),
    Case(
        "missing-key",
        "no key was sent",
        401,
        _error("authentication_error", "x-api-key header is required"),
        _ID,
        Reason.CREDENTIAL_REJECTED,
    ),
    Case(
        "not-found",
        "disabled or deleted key; at a host that is not Anthropic's, a wrong base_url",
        404,
        _error("not_found_error", "Not found"),
        _ID,
        Reason.CREDENTIAL_REJECTED,
    ),
    Case(
        "wrong-path",
        "unknown path; looks like a deleted key at Anthropic's own host",
        404,
        _error("not_found_error", "Not found"),
        _ID,
        Reason.CREDENTIAL_REJECTED,
    ),
    _bad_request(
        "organization-on-hold",
        "the organization is disabled",
        "This organization has been disabled.",
        "organization_on_hold",
        Reason.ACCOUNT_DISABLED,
    ),
    _bad_request(
        "organization-disabled",
        "the organization is disabled; the response has no code",
        "This organization has been disabled.",
        None,
        Reason.ACCOUNT_DISABLED,
    ),
    _bad_request(
        "key-creator-left",
        "a workspace key whose creator has left",
        "The creator of this key is no member any more.",
        "claude_code_key_creator_not_member",
        Reason.CREDENTIAL_REJECTED,
    ),
    Case(
        "no-permission",
        "the key may not list models",
        403,
        _error("permission_error", "Not allowed"),
        _KNOWN,
        Reason.INSUFFICIENT_PERMISSION,
    ),
    Case(
        "ip-not-allowed",
        "the caller's address is not on the organization's allow-list",
        403,
        _error("permission_error", "Your IP address isn't in this organization's allowed range."),
        _KNOWN,
        Reason.NETWORK_RESTRICTED,
    ),
    Case(
        "edge-block",
        "the edge refuses the caller's address or region; says nothing of the key",
        403,
        {"error": {"type": "forbidden", "message": "Request not allowed"}},
        {"server": "cloudflare", "cf-ray": "8f0e1d2c3b4a5968-EMU"},
        Reason.NETWORK_BLOCKED,
    ),
    Case("billing", "unpaid", 402, _error("billing_error", "Payment needed"), _KNOWN, Reason.PAYMENT_REQUIRED),
    _bad_request(
        "credit-balance",
        "no credit left",
        "Your credit balance is too low to access the Anthropic API.",
        None,
        Reason.QUOTA_EXHAUSTED,
    ),
    _bad_request(
        "usage-limits",
        "the owner's own spending limit is reached",
        "You have reached your specified API usage limits.",
        None,
        Reason.QUOTA_EXHAUSTED,
    ),
    _bad_request("bad-request", "400 that is not listed", "Something is wrong.", None, Reason.UNEXPECTED_ANSWER),
    _cap("tier-cap", "the tier's monthly cap is reached; no retry-after", "enforced_spend_limit_reached"),
    _cap("contract-cap", "the contract's spending cap is reached", "contract_spend_limit_reached"),
    _cap("ramp-limit", "spending rises too fast", "ramp_limit_exceeded"),
    Case(
        "rate-limited",
        "throttled",
        429,
        _error("rate_limit_error", "Number of requests has exceeded your rate limit."),
        {**_KNOWN, "retry-after": "7", "anthropic-ratelimit-requests-remaining": "0"},
        Reason.RATE_LIMITED,
    ),
    Case(
        "overloaded-529",
        "overloaded",
        529,
        _error("overloaded_error", "Overloaded"),
        {**_ID, "x-should-retry": "true"},
        Reason.OVERLOADED,
    ),
    SERVER_ERROR,
    Case("timeout-504", "timeout inside", 504, _error("timeout_error", "Timed out"), _ID, Reason.HTTP_5XX),
    *misbehaviours(VALID, SERVER_ERROR, echo_headers=("request-id", "anthropic-organization-id")),
)


def _objection(sent: Sent) -> str | None:
    """An OAuth token is accepted as bearer only, with the beta header."""
    if not sent.key.startswith("sk-ant-oat"):
        return None
    if "authorization" not in sent.headers:
        return "invalid"
    return None if "oauth-2025-04-20" in sent.headers.get("anthropic-beta", "") else "oauth-not-supported"


EMULATED: Final = Emulated(
    cases=CASES,
    keys=hyphenated({"": "sk-ant-api03-", "oauth": "sk-ant-oat01-"}),
    objection=_objection,
    generates={"/v1/messages": MESSAGES},
)
