"""Google's Gemini API: `GET /v1/models?pageSize=1` with `x-goog-api-key`, and with no other credential beside it."""

from __future__ import annotations

import re
from typing import Final

from providers.model.vendor import Circumstances, Conversation, Credential, ProbeAnswer, ProbeRequest, Vendor
from providers.model.verdict import Reason
from providers.vendors.base import common_reason, conclude, join, lists, message_of, parse_api_key

_HOST = "generativelanguage.googleapis.com"
_FORMS = (re.compile(r"AIza[0-9A-Za-z_-]{35}"), re.compile(r"AQ\.[A-Za-z0-9_-]{30,}"))

_BY_ERROR_INFO: Final = {
    (401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"): Reason.CREDENTIAL_REJECTED,
    (403, "CONSUMER_SUSPENDED"): Reason.CREDENTIAL_SUSPENDED,
    (403, "SERVICE_DISABLED"): Reason.SERVICE_NOT_ENABLED,
    (403, "API_KEY_SERVICE_BLOCKED"): Reason.INSUFFICIENT_PERMISSION,
    (403, "API_KEY_HTTP_REFERRER_BLOCKED"): Reason.NETWORK_RESTRICTED,
    (403, "API_KEY_IP_ADDRESS_BLOCKED"): Reason.NETWORK_RESTRICTED,
    (403, "API_KEY_ANDROID_APP_BLOCKED"): Reason.NETWORK_RESTRICTED,
    (403, "API_KEY_IOS_APP_BLOCKED"): Reason.NETWORK_RESTRICTED,
    (403, "BILLING_DISABLED"): Reason.PAYMENT_REQUIRED,
    (429, "RATE_LIMIT_EXCEEDED"): Reason.RATE_LIMITED,
}


def _error_info(error: dict[str, object]) -> str | None:
    """The `reason` of the `google.rpc.ErrorInfo` among the error's details, or None."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type")).endswith("google.rpc.ErrorInfo"):
            reason = detail.get("reason")
            return reason if isinstance(reason, str) else None
    return None


def _judge(answer: ProbeAnswer) -> Reason | None:
    """Goes by ErrorInfo, then by `error.status`; `error.code` is a number or a word and says no more than either."""
    if lists(answer, "models"):
        return None
    error = answer.error()
    info, message = _error_info(error), message_of(error)
    if answer.status == 400 and info == "API_KEY_INVALID":
        return Reason.CREDENTIAL_EXPIRED if "expired" in message else Reason.CREDENTIAL_REJECTED
    if info and (answer.status, info) in _BY_ERROR_INFO:
        return _BY_ERROR_INFO[answer.status, info]
    match answer.status, error.get("status"):
        case 400, "FAILED_PRECONDITION":
            return Reason.LOCATION_NOT_SUPPORTED
        case 403, "PERMISSION_DENIED" if "reported as leaked" in message:
            return Reason.CREDENTIAL_LEAKED
        case 403, "PERMISSION_DENIED" if "unregistered callers" in message:
            return Reason.CREDENTIAL_REJECTED
        case 429, "RESOURCE_EXHAUSTED":
            return Reason.RATE_LIMITED
        case ((403 | 429 | 503), _) if b"automated queries" in answer.body:
            return Reason.NETWORK_BLOCKED  # a page for people, for every caller from a flagged address
    return common_reason(answer)


def _verify(credential: Credential, base_url: str | None, given: Circumstances) -> Conversation:
    url = join(base_url or f"https://{_HOST}", "/v1/models?pageSize=1", strip=("/v1beta", "/v1"))
    answer = yield ProbeRequest(url, {"x-goog-api-key": credential.secret})
    return conclude(_judge(answer), answer, credential, given.now, request_id_header=None)


VENDOR = Vendor(
    name="google",
    hosts=(_HOST,),
    parse=parse_api_key(("AIza", "AQ."), _FORMS),
    verify=_verify,
    forms=_FORMS,
)
