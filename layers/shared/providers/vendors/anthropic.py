"""Anthropic: `GET /v1/models?limit=1` with `x-api-key`."""

from __future__ import annotations

import re
from typing import Final

from providers.model.vendor import (
    Circumstances,
    Conversation,
    Credential,
    ProbeAnswer,
    ProbeRequest,
    Vendor,
    host_matches,
)
from providers.model.verdict import Reason
from providers.vendors.base import (
    common_reason,
    conclude,
    host_of,
    join,
    lists,
    message_of,
    parse_api_key,
)

_HOST = "api.anthropic.com"
_VERSION = "2023-06-01"
_PREFIXES = ("sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-", "sk-ant-")
_FORMS = (re.compile(r"sk-ant-[a-z]+\d{2}-[A-Za-z0-9_-]{20,}"),)

_SPENDING_CAPS: Final = ("enforced_spend_limit_reached", "contract_spend_limit_reached", "ramp_limit_exceeded")


def _judge(answer: ProbeAnswer, *, official: bool) -> Reason | None:
    """Branches on `error.type` and `error.details.error_code`; a body without a top-level `type` is not the API's."""
    if lists(answer, "data"):
        return None
    if answer.json().get("type") != "error":
        return Reason.NETWORK_BLOCKED if answer.status == 403 else common_reason(answer)
    error = answer.error()
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    match answer.status, error.get("type"):
        case 401, "authentication_error":
            return Reason.CREDENTIAL_REJECTED
        case 404, "not_found_error":  # a disabled or deleted key; at another host, more likely the wrong base_url
            return Reason.CREDENTIAL_REJECTED if official else Reason.WRONG_PATH
        case 400, "invalid_request_error":
            return _judge_account(code, message_of(error))
        case 403, "permission_error":
            return Reason.INSUFFICIENT_PERMISSION
        case 402, "billing_error":
            return Reason.PAYMENT_REQUIRED
        case 429, "rate_limit_error":
            return Reason.QUOTA_EXHAUSTED if code in _SPENDING_CAPS else Reason.RATE_LIMITED
    return common_reason(answer)


def _judge_account(code: object, message: str) -> Reason:
    """A 400 about the account. The two about money carry no code; their words are all there is."""
    if code == "organization_on_hold":
        return Reason.ACCOUNT_DISABLED
    if code == "claude_code_key_creator_not_member":
        return Reason.CREDENTIAL_REJECTED
    if code is None and ("credit balance is too low" in message or "api usage limits" in message):
        return Reason.QUOTA_EXHAUSTED
    return Reason.UNEXPECTED_ANSWER


def _verify(credential: Credential, base_url: str | None, given: Circumstances) -> Conversation:
    url = join(base_url or f"https://{_HOST}", "/v1/models?limit=1", strip=("/v1",))
    answer = yield ProbeRequest(url, {"x-api-key": credential.secret, "anthropic-version": _VERSION})
    return conclude(
        _judge(answer, official=host_matches(host_of(url), VENDOR.hosts)),
        answer,
        credential,
        given.now,
        request_id_header="request-id",
        account=answer.headers.get("anthropic-organization-id"),
    )


VENDOR = Vendor(
    name="anthropic",
    hosts=(_HOST,),
    parse=parse_api_key(_PREFIXES, _FORMS),
    verify=_verify,
    forms=_FORMS,
)
