"""The Gemini API's responses to `GET /v1/models`. They have no request id."""

from __future__ import annotations

from typing import Any, Final

from local.vendors.cases.base import ECHO, Case
from local.vendors.cases.emulated import Emulated
from local.vendors.cases.fakes import FakeKeys, reader
from local.vendors.cases.misbehaviour import misbehaviours
from local.vendors.dialects import GEMINI
from providers_contract.vocabulary import Reason

REQUEST_ID: Final = None
_SERVICE: Final = "generativelanguage.googleapis.com"


def _error(status: int, name: str, message: str, info: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": status, "message": message, "status": name}
    if info is not None:
        error["details"] = [
            {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": message},
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": info,
                "domain": "googleapis.com",
                "metadata": {"service": _SERVICE},
            },
        ]
    return {"error": error}


def _bad_key(slug: str, title: str, message: str, reason: Reason) -> Case:
    body = _error(400, "INVALID_ARGUMENT", message, "API_KEY_INVALID")
    return Case(slug, title, 400, body, reason=reason)


def _denied(slug: str, title: str, message: str, info: str | None, reason: Reason) -> Case:
    return Case(slug, title, 403, _error(403, "PERMISSION_DENIED", message, info), reason=reason)


def _restricted(slug: str, kind: str, info: str) -> Case:
    message = f"Requests from this {kind} are blocked."
    return _denied(slug, f"the key is restricted by {kind}", message, info, Reason.NETWORK_RESTRICTED)


def _unauthenticated(slug: str, title: str, info: str, reason: Reason) -> Case:
    body = _error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", info)
    return Case(slug, title, 401, body, reason=reason, form="auth")


def _fault(slug: str, status: int, name: str) -> Case:
    return Case(slug, f"server fault: {name}", status, _error(status, name, "Try later."), reason=Reason.HTTP_5XX)


def _flagged(status: int) -> Case:
    page = "<html><title>Sorry...</title>Your network may be sending automated queries.</html>"
    headers = {"content-type": "text/html"}
    title = "the caller's address is flagged; a page for people"
    return Case(f"flagged-{status}", title, status, page, headers, Reason.NETWORK_BLOCKED)


VALID: Final = Case("valid", "the key is accepted", 200, {"models": [{"name": "models/gemini-emulated"}]})
SERVER_ERROR: Final = _fault("server-500", 500, "INTERNAL")

CASES: Final = (
    VALID,
    Case("valid-auth-key", "an auth key (AQ.) is accepted", 200, VALID.body, form="auth"),
    _bad_key(
        "invalid",
        "invalid key",
        f"API key not valid: {ECHO}. Please pass a valid API key.",
        Reason.CREDENTIAL_REJECTED,
    ),
    _bad_key("expired", "expired key", "API key expired. Please renew the API key.", Reason.CREDENTIAL_EXPIRED),
    _unauthenticated(
        "invalid-auth-key",
        "invalid, truncated or unlinked auth key (AQ.)",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        Reason.CREDENTIAL_REJECTED,
    ),
    _denied(
        "missing-key",
        "no key was sent",
        "Method doesn't allow unregistered callers.",
        None,
        Reason.CREDENTIAL_REJECTED,
    ),
    _denied(
        "suspended",
        "the key is suspended; the response contains the whole key",
        f"Permission denied: Consumer 'api_key:{ECHO}' has been suspended.",
        "CONSUMER_SUSPENDED",
        Reason.CREDENTIAL_SUSPENDED,
    ),
    _denied(
        "leaked",
        "the key was found in public",
        "Your API key was reported as leaked. Please use another API key.",
        None,
        Reason.CREDENTIAL_LEAKED,
    ),
    _denied(
        "service-disabled",
        "the API is not enabled in the project",
        "Generative Language API has not been used in project 0 before or it is disabled.",
        "SERVICE_DISABLED",
        Reason.SERVICE_NOT_ENABLED,
    ),
    _denied(
        "service-blocked",
        "the key is for other APIs",
        f"Requests to this API {_SERVICE} are blocked.",
        "API_KEY_SERVICE_BLOCKED",
        Reason.INSUFFICIENT_PERMISSION,
    ),
    _restricted("referrer-blocked", "referrer", "API_KEY_HTTP_REFERRER_BLOCKED"),
    _restricted("ip-blocked", "IP address", "API_KEY_IP_ADDRESS_BLOCKED"),
    _restricted("android-blocked", "Android app", "API_KEY_ANDROID_APP_BLOCKED"),
    _restricted("ios-blocked", "iOS app", "API_KEY_IOS_APP_BLOCKED"),
    _denied(
        "billing-disabled",
        "the project has no billing",
        "This API method requires billing to be enabled.",
        "BILLING_DISABLED",
        Reason.PAYMENT_REQUIRED,
    ),
    _denied(
        "consumer-invalid", "the project is gone", "Permission denied.", "CONSUMER_INVALID", Reason.ACCOUNT_DISABLED
    ),
    _denied(
        "project-denied",
        "the project is blocked",
        "Your project has been denied access. Please contact support.",
        None,
        Reason.ACCOUNT_SUSPENDED,
    ),
    _denied("gcp-suspended", "the project is suspended", "Suspended.", "GCP_SUSPENDED", Reason.ACCOUNT_SUSPENDED),
    _denied(
        "no-permission",
        "the key's service account may not",
        "The caller does not have permission",
        None,
        Reason.INSUFFICIENT_PERMISSION,
    ),
    _denied(
        "user-project-denied",
        "the key may not use the project",
        "Caller does not have required permission to use project.",
        "USER_PROJECT_DENIED",
        Reason.INSUFFICIENT_PERMISSION,
    ),
    _denied(
        "blocked-by-admin",
        "an administrator has blocked the service",
        "Blocked by admin.",
        "USER_BLOCKED_BY_ADMIN",
        Reason.INSUFFICIENT_PERMISSION,
    ),
    _denied(
        "usage-restricted",
        "an organization policy forbids the service",
        "Restricted.",
        "RESOURCE_USAGE_RESTRICTION_VIOLATED",
        Reason.SERVICE_NOT_ENABLED,
    ),
    _denied(
        "service-not-visible",
        "the service is private",
        "Not visible.",
        "SERVICE_NOT_VISIBLE",
        Reason.SERVICE_NOT_ENABLED,
    ),
    _denied(
        "vpc-service-controls",
        "a perimeter refuses the caller",
        "Request is prohibited by organization's policy.",
        "SECURITY_POLICY_VIOLATED",
        Reason.NETWORK_RESTRICTED,
    ),
    _denied(
        "location-policy",
        "called from a place that a policy excludes",
        "Location is not allowed.",
        "LOCATION_POLICY_VIOLATED",
        Reason.LOCATION_NOT_SUPPORTED,
    ),
    _denied(
        "scope-insufficient",
        "the auth key lacks the scope",
        "Request had insufficient authentication scopes.",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        Reason.INSUFFICIENT_PERMISSION,
    ),
    _unauthenticated("expired-auth-key", "expired auth key", "ACCESS_TOKEN_EXPIRED", Reason.CREDENTIAL_EXPIRED),
    _unauthenticated("account-state", "its account is deleted", "ACCOUNT_STATE_INVALID", Reason.ACCOUNT_DISABLED),
    Case(
        "free-tier-location",
        "the free tier is not available in the project's country",
        400,
        _error(
            400,
            "FAILED_PRECONDITION",
            "Gemini API free tier is not available in your country. Please enable billing on your project.",
        ),
        reason=Reason.PAYMENT_REQUIRED,
    ),
    _denied("unlisted-403", "403 that is not listed", "Something else.", "SOMETHING_NEW", Reason.UNEXPECTED_ANSWER),
    Case(
        "location",
        "called from a place that is not served",
        400,
        _error(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
        reason=Reason.LOCATION_NOT_SUPPORTED,
    ),
    Case(
        "two-credentials",
        "a second credential was sent with the key",
        400,
        {"error": {"code": "invalid_request", "message": "Multiple authentication credentials received."}},
        reason=Reason.UNEXPECTED_ANSWER,
    ),
    Case(
        "rate-limited",
        "throttled",
        429,
        _error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", "RATE_LIMIT_EXCEEDED"),
        reason=Reason.RATE_LIMITED,
    ),
    Case(
        "credits-depleted",
        "prepaid credits are used up",
        402,
        _error(402, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
        reason=Reason.PAYMENT_REQUIRED,
    ),
    Case(
        "resource-quota",
        "the project's quota is used up",
        429,
        _error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", "RESOURCE_QUOTA_EXCEEDED"),
        reason=Reason.QUOTA_EXHAUSTED,
    ),
    Case(
        "quota",
        "throttled, without further details",
        429,
        _error(429, "RESOURCE_EXHAUSTED", "Quota exceeded."),
        reason=Reason.RATE_LIMITED,
    ),
    SERVER_ERROR,
    _fault("server-503", 503, "UNAVAILABLE"),
    _fault("server-504", 504, "DEADLINE_EXCEEDED"),
    _flagged(429),
    _flagged(503),
    _flagged(403),
    Case("wrong-path", "unknown path", 404, _error(404, "NOT_FOUND", "Not found."), reason=Reason.WRONG_PATH),
    *misbehaviours(VALID, SERVER_ERROR),
)


def _make_key(case: Case, serial: int) -> str:
    prefix = "AQ." if case.form == "auth" else "AIza"
    head, tail = f"FAKE-{case.slug}-", f"{serial:04}"
    if len(head) + len(tail) > 35:
        raise ValueError(f"serial or slug too long: {case.slug}")
    return prefix + head.ljust(35 - len(tail), "-") + tail


EMULATED: Final = Emulated(
    cases=CASES,
    keys=FakeKeys(_make_key, reader(r"(?:AIza|AQ\.)FAKE-(.+?)-+\d{4,}")),
    routes={"/v1beta/models": ""},
    generates={"/v1(beta)?/models/[^/]+:(generate|streamGenerate)Content": GEMINI},
    objection=lambda sent: "two-credentials" if "authorization" in sent.headers else None,
)
