"""Google's Gemini API: `GET /v1/models?pageSize=1` with `x-goog-api-key` and no other credential."""

from __future__ import annotations

import re
from typing import Final

from providers.model.vendor import Credential, Exchange, ProbeRequest, ProbeResponse, Vendor, VerifyContext
from providers.vendors.base import common_reason, conclude, join, lists, message_of, parse_api_key, tidy_at
from providers_contract.vendor import Variables
from providers_contract.vocabulary import Reason

_HOST = "generativelanguage.googleapis.com"
_VERSIONS = ("/v1beta/openai", "/v1/openai", "/v1beta", "/v1")
_PREFIXES = ("AIza", "AQ.")
_SHARED_FORMS = (re.compile(r"AIza[0-9A-Za-z_-]{35}"),)
_FORMS = (*_SHARED_FORMS, re.compile(r"AQ\.[A-Za-z0-9_-]{30,}"))
_OTHER_SERVICES = ("MAPS", "PLACES", "FIREBASE", "YOUTUBE", "ANALYTICS", "RECAPTCHA", "OAUTH", "CLIENT", "SEARCH")
"""Words for Google's other services, whose keys have the same form."""

_USELESS = (
    (
        re.compile(r"\d{6,}"),
        "the number of a Google Cloud project; create an API key in Google AI Studio and send that",
    ),
    (
        re.compile(r"GOCSPX-.+|.+\.apps\.googleusercontent\.com"),
        "part of a Google OAuth client, which the Gemini API does not accept; create an API key in Google AI Studio",
    ),
    (
        re.compile(r"ya29\..+"),
        "a Google OAuth access token, which lasts an hour; create an API key in Google AI Studio",
    ),
)

_BY_ERROR_INFO: Final = {
    (400, "API_KEY_INVALID"): Reason.CREDENTIAL_REJECTED,
    (401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"): Reason.CREDENTIAL_REJECTED,
    (401, "ACCESS_TOKEN_EXPIRED"): Reason.CREDENTIAL_EXPIRED,
    (401, "ACCOUNT_STATE_INVALID"): Reason.ACCOUNT_DISABLED,
    (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"): Reason.INSUFFICIENT_PERMISSION,
    (403, "USER_PROJECT_DENIED"): Reason.INSUFFICIENT_PERMISSION,
    (403, "USER_BLOCKED_BY_ADMIN"): Reason.INSUFFICIENT_PERMISSION,
    (403, "RESOURCE_USAGE_RESTRICTION_VIOLATED"): Reason.SERVICE_NOT_ENABLED,
    (403, "SERVICE_NOT_VISIBLE"): Reason.SERVICE_NOT_ENABLED,
    (403, "CONSUMER_INVALID"): Reason.ACCOUNT_DISABLED,
    (403, "GCP_SUSPENDED"): Reason.ACCOUNT_SUSPENDED,
    (403, "SECURITY_POLICY_VIOLATED"): Reason.NETWORK_RESTRICTED,
    (403, "LOCATION_POLICY_VIOLATED"): Reason.LOCATION_NOT_SUPPORTED,
    (403, "CONSUMER_SUSPENDED"): Reason.CREDENTIAL_SUSPENDED,
    (403, "SERVICE_DISABLED"): Reason.SERVICE_NOT_ENABLED,
    (403, "API_KEY_SERVICE_BLOCKED"): Reason.INSUFFICIENT_PERMISSION,
    (403, "API_KEY_HTTP_REFERRER_BLOCKED"): Reason.NETWORK_RESTRICTED,
    (403, "API_KEY_IP_ADDRESS_BLOCKED"): Reason.NETWORK_RESTRICTED,
    (403, "API_KEY_ANDROID_APP_BLOCKED"): Reason.NETWORK_RESTRICTED,
    (403, "API_KEY_IOS_APP_BLOCKED"): Reason.NETWORK_RESTRICTED,
    (403, "BILLING_DISABLED"): Reason.PAYMENT_REQUIRED,
    (429, "RATE_LIMIT_EXCEEDED"): Reason.RATE_LIMITED,
    (429, "RESOURCE_QUOTA_EXCEEDED"): Reason.QUOTA_EXHAUSTED,
}
"""Reasons by status and `google.api.ErrorReason` (googleapis, google/api/error_reason.proto)."""


def _error_info(error: dict[str, object]) -> str | None:
    """Return the `reason` of the `google.rpc.ErrorInfo` in the error's details, or None."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type")).endswith("google.rpc.ErrorInfo"):
            reason = detail.get("reason")
            return reason if isinstance(reason, str) else None
    return None


def _classify(response: ProbeResponse) -> Reason | None:
    """Classify by ErrorInfo, then by `error.status`. `error.code` adds nothing."""
    if lists(response, "models"):
        return None
    error = response.error()
    info, message = _error_info(error), message_of(error)
    if (response.status, info) == (400, "API_KEY_INVALID") and "expired" in message:
        return Reason.CREDENTIAL_EXPIRED
    if info and (response.status, info) in _BY_ERROR_INFO:
        return _BY_ERROR_INFO[response.status, info]
    match response.status, error.get("status"):
        case 400, "FAILED_PRECONDITION" if "enable billing" in message:
            return Reason.PAYMENT_REQUIRED  # the free tier is not available in the project's location
        case 400, "FAILED_PRECONDITION":
            return Reason.LOCATION_NOT_SUPPORTED
        case 403, "PERMISSION_DENIED" if "reported as leaked" in message:
            return Reason.CREDENTIAL_LEAKED
        case 403, "PERMISSION_DENIED" if "unregistered callers" in message:
            return Reason.CREDENTIAL_REJECTED
        case 403, "PERMISSION_DENIED" if "project has been denied access" in message:
            return Reason.ACCOUNT_SUSPENDED
        case 403, "PERMISSION_DENIED" if "caller does not have permission" in message:
            return Reason.INSUFFICIENT_PERMISSION
        case 402, "RESOURCE_EXHAUSTED":  # prepaid credits are used up
            return Reason.PAYMENT_REQUIRED
        case 429, "RESOURCE_EXHAUSTED":
            return Reason.RATE_LIMITED
        case ((403 | 429 | 503), _) if b"automated queries" in response.body:
            return Reason.NETWORK_BLOCKED  # an HTML page, for every caller from a flagged address
    return common_reason(response)


def _verify(credential: Credential, base_url: str | None, context: VerifyContext) -> Exchange:
    url = join(base_url or f"https://{_HOST}", "/v1/models?pageSize=1", strip=_VERSIONS)
    response = yield ProbeRequest(url, {"x-goog-api-key": credential.secret})
    return conclude(_classify(response), response, credential, context.now, request_id_header=None)


VENDOR = Vendor(
    name="google",
    title="Google",
    hosts=(_HOST,),
    parse=parse_api_key(_PREFIXES, _FORMS),
    verify=_verify,
    prefixes=_PREFIXES,
    forms=_FORMS,
    own_forms=_FORMS,
    shared_forms=_SHARED_FORMS,
    useless=_USELESS,
    variables=Variables(
        words=("GEMINI", "GOOGLE"),
        not_with=_OTHER_SERVICES,
        exports=(re.compile(r"(?P<GEMINI_API_KEY>(?P<GOOGLE_API_KEY>.+))"),),
        base_url="GOOGLE_GEMINI_BASE_URL",
        cleared=("GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE"),
    ),
    base_paths=("", *_VERSIONS),
    openai_path="/v1beta/openai",
    key_header="x-goog-api-key",
    litellm_name="gemini",
    tidy_base_url=tidy_at((_HOST,), (r"/v1(?:alpha|beta)?/models.*", ""), (r"/v1beta/openai/.+", "/v1beta/openai")),
)
