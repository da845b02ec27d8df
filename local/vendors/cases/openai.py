"""OpenAI's responses to `GET /v1/models`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.vendors.cases.base import ECHO, Case
from local.vendors.cases.emulated import Emulated
from local.vendors.cases.fakes import hyphenated
from local.vendors.cases.misbehaviour import misbehaviours
from local.vendors.dialects import CHAT, RESPONSES
from providers_contract.vocabulary import Reason

REQUEST_ID: Final = "req_5c1d9be27fa34b0d8a6e"
_ID: Final = {"x-request-id": REQUEST_ID, "openai-version": "2020-10-01"}
_KNOWN: Final = {**_ID, "openai-organization": "org-emulated"}
_OTHER: Final = {**_ID, "openai-organization": "org-emulated-too"}


def _error(message: str, type_: str | None, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": type_, "param": None, "code": code}}


def _invalid_request(message: str, code: str | None) -> dict[str, Any]:
    return _error(message, "invalid_request_error", code)


def _quota(slug: str, code: str) -> Case:
    body = _error("You have used up what this account may spend.", "insufficient_quota", code)
    return Case(slug, f"nothing left to spend: {code}", 429, body, _KNOWN, Reason.QUOTA_EXHAUSTED)


def _rate(slug: str, type_: str | None, code: str | None, wait: Mapping[str, str]) -> Case:
    body = _error("Too many requests, slow down.", type_, code)
    title = f"throttled: type {type_}, code {code}"
    return Case(slug, title, 429, body, {**_KNOWN, **wait}, Reason.RATE_LIMITED)


_MODELS: Final = {
    "object": "list",
    "data": [
        {"id": "gpt-emulated", "object": "model", "created": 1767225600, "owned_by": "emulator", "shutdown_date": None},
        {"id": "gpt-emulated-mini", "object": "model", "created": 1767225600, "owned_by": "emulator"},
    ],
}
_SCOPES: Final = _invalid_request(
    "You have insufficient permissions for this operation. Missing scopes: api.model.read.", None
)

VALID: Final = Case("valid", "the key is accepted", 200, _MODELS, _KNOWN)
SERVER_ERROR: Final = Case(
    "server-500", "server fault", 500, _error("Something broke.", "server_error", None), _ID, Reason.HTTP_5XX
)

CASES: Final = (
    VALID,
    Case("valid-other-account", "accepted, in another organization", 200, _MODELS, _OTHER),
    Case(
        "invalid",
        "invalid, malformed or deleted key",
        401,
        _invalid_request(f"Incorrect API key provided: {ECHO}.", "invalid_api_key"),
        _ID,
        Reason.CREDENTIAL_REJECTED,
    ),
    Case(
        "missing-key",
        "no key was sent",
        401,
        _invalid_request("You didn't provide an API key.", None),
        _ID,
        Reason.CREDENTIAL_REJECTED,
    ),
    Case(
        "account-deactivated",
        "the account is deactivated",
        401,
        _invalid_request("The account of this API key is deactivated.", "account_deactivated"),
        _ID,
        Reason.ACCOUNT_DISABLED,
    ),
    Case(
        "access-terminated",
        "the account broke the vendor's rules",
        403,
        _error("Your access was terminated due to violation of our policies.", "access_terminated", None),
        _ID,
        Reason.ACCOUNT_DISABLED,
    ),
    Case(
        "incorrect-hostname",
        "the key's project is in another region than the host",
        401,
        _invalid_request(
            "Attempted to access resource with incorrect regional hostname. Please make your request to"
            " us.api.openai.com",
            "incorrect_hostname",
        ),
        _KNOWN,
        Reason.WRONG_REGION,
    ),
    Case(
        "storage-not-ready",
        "the project's own storage is not set up",
        401,
        _invalid_request("Customer storage is not ready.", "customer_storage_not_ready"),
        _KNOWN,
        Reason.SERVICE_NOT_ENABLED,
    ),
    Case(
        "ip-not-authorized",
        "the caller's address is not on the allow-list",
        401,
        _invalid_request("Your IP is not authorized.", "ip_not_authorized"),
        _KNOWN,
        Reason.NETWORK_RESTRICTED,
    ),
    Case(
        "not-a-member",
        "the key's user is in no organization",
        401,
        {"error": {"message": "You must be a member of an organization to use the API"}},
        _ID,
        Reason.NOT_A_MEMBER,
    ),
    Case("missing-scope-403", "the key lacks api.model.read", 403, _SCOPES, _KNOWN, Reason.INSUFFICIENT_PERMISSION),
    Case(
        "missing-scope-401",
        "the key lacks api.model.read, as of 2024",
        401,
        _SCOPES,
        _KNOWN,
        Reason.INSUFFICIENT_PERMISSION,
    ),
    Case(
        "unsupported-country",
        "called from a country that is not served",
        403,
        _error("Country not supported", "request_forbidden", "unsupported_country_region_territory"),
        _ID,
        Reason.LOCATION_NOT_SUPPORTED,
    ),
    _quota("quota", "insufficient_quota"),
    _quota("quota-balance", "credit_balance_exhausted"),
    _quota("quota-org-spend", "organization_spend_limit_exceeded"),
    _quota("quota-project-spend", "project_spend_limit_exceeded"),
    _quota("quota-org-usage", "organization_usage_limit_exceeded"),
    _quota("quota-not-active", "billing_not_active"),
    _rate("rate-limited", "requests", "rate_limit_exceeded", {"retry-after": "2", "retry-after-ms": "1500"}),
    _rate("rate-limited-tokens", "tokens", "rate_limit_exceeded", {"x-ratelimit-remaining-tokens": "0"}),
    _rate("rate-limited-type", "rate_limit_error", None, {"retry-after": "2"}),
    _rate("slow-down", None, "slow_down", {"retry-after": "2"}),
    Case(
        "throttled-unknown",
        "429 that does not say what for: the edge, maybe",
        429,
        _error("Too many requests", None, None),
        _ID,
        Reason.THROTTLED,
    ),
    Case(
        "unlisted-401",
        "401 with a code that is not listed",
        401,
        _invalid_request("Something about this key.", "something_new"),
        _ID,
        Reason.UNEXPECTED_ANSWER,
    ),
    SERVER_ERROR,
    Case(
        "overloaded-500",
        "overloaded",
        500,
        _error("Overloaded.", "server_error", "server_is_overloaded"),
        _ID,
        Reason.OVERLOADED,
    ),
    Case(
        "overloaded-503",
        "overloaded",
        503,
        _error("Overloaded.", "service_unavailable_error", "server_is_overloaded"),
        _ID,
        Reason.OVERLOADED,
    ),
    Case(
        "wrong-path",
        "unknown path",
        404,
        _invalid_request("Invalid URL", None),
        _ID,
        Reason.WRONG_PATH,
    ),
    *misbehaviours(VALID, SERVER_ERROR, echo_headers=("x-request-id", "openai-organization")),
)

EMULATED: Final = Emulated(
    cases=CASES,
    keys=hyphenated({"": "sk-proj-"}),
    base_path="/v1",
    generates={"/v1/chat/completions": CHAT, "/v1/responses": RESPONSES},
)
