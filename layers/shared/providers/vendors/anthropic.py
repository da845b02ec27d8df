"""Anthropic: `GET /v1/models?limit=1` with `x-api-key`, or with an OAuth token as bearer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from providers.model.vendor import Credential, Exchange, ProbeRequest, ProbeResponse, Vendor, VerifyContext
from providers.vendors.base import (
    bearer,
    common_reason,
    conclude,
    join,
    lists,
    message_of,
    parse_api_key,
    tidy_at,
)
from providers_contract.hosts import host_matches, host_of
from providers_contract.secret import Secret
from providers_contract.vendor import Variables
from providers_contract.vocabulary import Reason

_HOST = "api.anthropic.com"
_VERSION = "2023-06-01"
_OAUTH = "sk-ant-oat"  # an OAuth token, the only temporary kind
_OAUTH_BETA = "oauth-2025-04-20"
"""Without it, every bearer token gets "OAuth authentication is currently not supported." (claude-code #5983)."""
_PREFIXES = ("sk-ant-api03-", "sk-ant-oat01-", "sk-ant-")
_FORMS = (re.compile(r"sk-ant-[a-z]+\d{2}-[A-Za-z0-9_-]{20,}"),)
_USELESS = (
    (
        re.compile(r"sk-ant-admin\d*-.+"),
        "an admin key of Anthropic (sk-ant-admin01-…), which cannot call models; send an API key (sk-ant-api03-…)",
    ),
    (
        re.compile(r"sk-ant-(?:ort|sid)\d*-.+"),
        "a refresh token or session key of Anthropic, which the API does not accept; send an API key (sk-ant-api03-…)",
    ),
)

_SPENDING_CAPS: Final = ("enforced_spend_limit_reached", "contract_spend_limit_reached", "ramp_limit_exceeded")


def _classify(response: ProbeResponse, *, official: bool) -> Reason | None:
    """Classify by `error.type` and `error.details.error_code`. A body without a top-level `type` is not the API's.

    `official`: an API key was sent to the API's own address, so that a 404 does not mean a wrong base_url.
    """
    if lists(response, "data"):
        return None
    if response.json().get("type") != "error":
        return Reason.NETWORK_BLOCKED if response.status == 403 else common_reason(response)
    error = response.error()
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    message = message_of(error)
    if code == "organization_on_hold" or (
        response.status in (400, 403) and "organization has been disabled" in message
    ):
        return Reason.ACCOUNT_DISABLED
    match response.status, error.get("type"):
        case ((401 | 403), _) if "oauth" in message:
            return _classify_oauth(message)
        case 401, "authentication_error":
            return Reason.CREDENTIAL_REJECTED
        case 404, "not_found_error":  # a disabled or deleted key; at another host, more likely a wrong base_url
            return Reason.CREDENTIAL_REJECTED if official else Reason.WRONG_PATH
        case 400, "invalid_request_error":
            return _classify_account(code, message)
        case 403, "permission_error":  # an allow-list of addresses, or a permission
            blocked = "your ip address" in message
            return Reason.NETWORK_RESTRICTED if blocked else Reason.INSUFFICIENT_PERMISSION
        case 402, "billing_error":
            return Reason.PAYMENT_REQUIRED
        case 429, "rate_limit_error":
            return Reason.QUOTA_EXHAUSTED if code in _SPENDING_CAPS else Reason.RATE_LIMITED
    return common_reason(response)


def _classify_oauth(message: str) -> Reason:
    """Classify a 401 or 403 about an OAuth token by its message: valid and invalid tokens get the same status and type.

    (claude-code #4293, #6752, #9635, #13724, #65714.)
    """
    if "has expired" in message:
        return Reason.CREDENTIAL_EXPIRED
    if "has been revoked" in message:
        return Reason.CREDENTIAL_REJECTED
    if "not allowed for this organization" in message:
        return Reason.KEY_AUTH_DISABLED
    if "scope" in message:
        return Reason.INSUFFICIENT_PERMISSION
    return Reason.UNEXPECTED_ANSWER  # "not supported" is about how the token was sent


def _classify_account(code: object, message: str) -> Reason:
    """Classify a 400 about the account or the key, by its message if it has no code."""
    if code == "claude_code_key_creator_not_member":
        return Reason.CREDENTIAL_REJECTED
    if code is None and ("credit balance is too low" in message or "api usage limits" in message):
        return Reason.QUOTA_EXHAUSTED
    if "only authorized for use with claude code" in message:
        return Reason.INSUFFICIENT_PERMISSION
    return Reason.UNEXPECTED_ANSWER


def _headers(credential: Credential) -> Mapping[str, str | Secret]:
    version = {"anthropic-version": _VERSION}
    if credential.temporary:
        return {"authorization": bearer(credential.secret), "anthropic-beta": _OAUTH_BETA, **version}
    return {"x-api-key": credential.secret, **version}


def _verify(credential: Credential, base_url: str | None, context: VerifyContext) -> Exchange:
    url = join(base_url or f"https://{_HOST}", "/v1/models?limit=1", strip=("/v1",))
    headers = _headers(credential)
    response = yield ProbeRequest(url, headers)
    own = host_matches(host_of(url), VENDOR.hosts) and urlsplit(url).path == "/v1/models"
    return conclude(
        _classify(response, official=own and "x-api-key" in headers),
        response,
        credential,
        context.now,
        request_id_header="request-id",
        account=response.headers.get("anthropic-organization-id"),
    )


_EXPORTS = (re.compile(r"(?P<ANTHROPIC_AUTH_TOKEN>sk-ant-oat.+)"), re.compile(r"(?P<ANTHROPIC_API_KEY>.+)"))
_CLEARED = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")

VENDOR = Vendor(
    name="anthropic",
    title="Anthropic",
    hosts=(_HOST,),
    parse=parse_api_key(_PREFIXES, _FORMS, temporary=_OAUTH),
    verify=_verify,
    prefixes=_PREFIXES,
    forms=_FORMS,
    own_forms=_FORMS,
    useless=_USELESS,
    variables=Variables(
        words=("ANTHROPIC", "CLAUDE"), not_with=("AZURE", "BEDROCK"), exports=_EXPORTS, cleared=_CLEARED
    ),
    base_paths=("", "/v1"),
    key_header="x-api-key",
    tidy_base_url=tidy_at((_HOST,), (r"/v1/.+", "")),
)
