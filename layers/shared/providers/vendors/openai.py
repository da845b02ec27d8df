"""OpenAI: `GET /v1/models` with a bearer key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from providers.model.vendor import Credential, Exchange, ProbeRequest, ProbeResponse, Vendor, VerifyContext
from providers.vendors.base import bearer, common_reason, conclude, join, lists, message_of, parse_api_key, tidy_at
from providers_contract.vendor import Variables
from providers_contract.vocabulary import Reason

_HOST = "api.openai.com"
_HOSTS = (_HOST, f"*.{_HOST}")  # regional hosts: eu.api.openai.com
_PREFIXES = ("sk-proj-", "sk-svcacct-", "sk-service-", "sk-")
_FORMS = (re.compile(r"sk-(?!ant-)[A-Za-z0-9_-]{20,}"),)
_OWN_FORMS = (
    re.compile(r"sk-(?:proj|svcacct|service|admin)-[A-Za-z0-9_-]{20,}"),
    re.compile(r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
)
_USELESS = (
    (
        re.compile(r"sk-admin-.+"),
        "an admin key of OpenAI (sk-admin-…), which cannot call models; send the API key of a project (sk-proj-…)",
    ),
    (
        re.compile(r"(?:org-|proj_)[A-Za-z0-9]{16,}"),
        "the id of an organization or project of OpenAI; send an API key (sk-proj-…)",
    ),
)

_QUOTA_CODES: Final = (
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_not_active",
)
_RATE_CODES: Final = ("rate_limit_exceeded", "slow_down")
_RATE_TYPES: Final = ("requests", "tokens", "rate_limit_error")


def _classify(response: ProbeResponse) -> Reason | None:
    if lists(response, "data"):
        return None
    error = response.error()
    code = error.get("code")
    if 400 <= response.status < 500 and "access_terminated" in (code, error.get("type")):
        return Reason.ACCOUNT_DISABLED
    match response.status, code:
        case 401, "invalid_api_key":
            return Reason.CREDENTIAL_REJECTED
        case 401, "incorrect_hostname":  # the key is valid; its project belongs to another region
            return Reason.WRONG_REGION
        case 401, "customer_storage_not_ready":  # the project's own storage is not set up in its region
            return Reason.SERVICE_NOT_ENABLED
        case 401, "account_deactivated":
            return Reason.ACCOUNT_DISABLED
        case ((401 | 403), "ip_not_authorized"):
            return Reason.NETWORK_RESTRICTED
        case 403, "unsupported_country_region_territory":
            return Reason.LOCATION_NOT_SUPPORTED
        case ((401 | 403), _):
            return _classify_message(response.status, error)
        case 429, _:
            return _classify_throttle(code, error.get("type"))
        case ((500 | 503), "server_is_overloaded"):
            return Reason.OVERLOADED
    return common_reason(response)


def _classify_message(status: int, error: Mapping[str, object]) -> Reason:
    """Classify a 401 or 403 without a specific code: only its message distinguishes a valid key from an invalid one."""
    message = message_of(error)
    if "missing scopes" in message or "insufficient permissions" in message:
        return Reason.INSUFFICIENT_PERMISSION
    if "must be a member of an organization" in message:
        return Reason.NOT_A_MEMBER
    match status, error.get("type"), error.get("code"):
        case 401, "invalid_request_error", None if "provide an api key" in message:
            return Reason.CREDENTIAL_REJECTED
    return Reason.UNEXPECTED_ANSWER


def _classify_throttle(code: object, type_: object) -> Reason:
    """Classify a 429. Only one that names the exhausted limit proves that the key is valid."""
    if code in _QUOTA_CODES or type_ == "insufficient_quota":
        return Reason.QUOTA_EXHAUSTED
    if code in _RATE_CODES or type_ in _RATE_TYPES:
        return Reason.RATE_LIMITED
    return Reason.THROTTLED


def _verify(credential: Credential, base_url: str | None, context: VerifyContext) -> Exchange:
    """Verify a credential; as in the vendor's SDK, base_url already contains the version, and `/models` follows it."""
    url = join(base_url or f"https://{_HOST}/v1", "/models")
    response = yield ProbeRequest(url, {"authorization": bearer(credential.secret)})
    return conclude(
        _classify(response),
        response,
        credential,
        context.now,
        request_id_header="x-request-id",
        account=response.headers.get("openai-organization"),
    )


VENDOR = Vendor(
    name="openai",
    title="OpenAI",
    hosts=_HOSTS,
    parse=parse_api_key(_PREFIXES, _FORMS),
    verify=_verify,
    prefixes=_PREFIXES,
    forms=_FORMS,
    own_forms=_OWN_FORMS,
    useless=_USELESS,
    variables=Variables(words=("OPENAI",), not_with=("AZURE", "BEDROCK")),
    base_paths=("/v1",),
    openai_path="/v1",
    tidy_base_url=tidy_at(_HOSTS, (r"/?|/v1/.+", "/v1")),
)
