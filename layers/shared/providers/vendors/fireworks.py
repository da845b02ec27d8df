"""Fireworks: `GET /v1/accounts` of the control plane, because listing models fails for accounts without deployments.

An account without a payment method may send ten requests a minute in all; a verification takes one of them.
"""

from __future__ import annotations

import re

from providers.model.vendor import Credential, Exchange, ProbeRequest, ProbeResponse, Vendor, VerifyContext
from providers.vendors.base import (
    bearer,
    common_reason,
    conclude,
    join,
    lists,
    parse_api_key,
    tidy_at,
)
from providers_contract.hosts import host_matches, host_of
from providers_contract.vendor import Variables
from providers_contract.vocabulary import Reason

_HOST = "api.fireworks.ai"
_ACCOUNTS_URL = f"https://{_HOST}/v1/accounts?pageSize=1"
_PREFIXES = ("fw_", "fpk_")
_FORMS = (re.compile(r"fw_[A-Za-z0-9]{22,}"), re.compile(r"fpk_[A-Za-z0-9_-]{16,}"))


def _classify(response: ProbeResponse, member: str) -> Reason | None:
    if lists(response, member):
        return None
    if response.status == 401 and _gateway_code(response) == "oauth.v2.InvalidApiKey":
        return Reason.CREDENTIAL_REJECTED
    if not isinstance(response.json().get("error"), dict):
        return common_reason(response)
    error = response.error()
    match response.status, error.get("code"):
        case ((401 | 403), "UNAUTHORIZED"):
            return Reason.CREDENTIAL_REJECTED
        case 403, "FORBIDDEN":  # such as a Fire Pass key (fpk_), which serves inference only
            return Reason.INSUFFICIENT_PERMISSION
        case 402, _:
            return Reason.PAYMENT_REQUIRED
        case 412, _:  # "account is suspended or there's an issue with account status" (inference-error-codes)
            return Reason.ACCOUNT_SUSPENDED
        case 429, _:
            return Reason.RATE_LIMITED
    return common_reason(response)


def _gateway_code(response: ProbeResponse) -> object:
    """Return the code in the body of an older gateway: `{"fault": {"detail": {"errorcode": …}}}`."""
    found: object = response.json()
    for member in ("fault", "detail", "errorcode"):
        found = found.get(member) if isinstance(found, dict) else None
    return found


def _account(response: ProbeResponse) -> str | None:
    match response.json().get("accounts"):
        case [{"name": str(name)}, *_]:
            return name.removeprefix("accounts/")
    return None


def _verify(credential: Credential, base_url: str | None, context: VerifyContext) -> Exchange:
    own = base_url is None or host_matches(host_of(base_url), VENDOR.hosts)
    url = _ACCOUNTS_URL if own or base_url is None else join(base_url, "/models")
    response = yield ProbeRequest(url, {"authorization": bearer(credential.secret)})
    return conclude(
        _classify(response, "accounts" if own else "data"),
        response,
        credential,
        context.now,
        request_id_header="x-request-id",
        account=_account(response),
    )


VENDOR = Vendor(
    name="fireworks",
    title="Fireworks",
    hosts=(_HOST,),
    parse=parse_api_key(_PREFIXES, _FORMS),
    verify=_verify,
    prefixes=_PREFIXES,
    forms=_FORMS,
    own_forms=_FORMS,
    variables=Variables(words=("FIREWORKS",)),
    base_paths=("/inference", "/inference/v1"),
    openai_path="/inference/v1",
    litellm_name="fireworks_ai",
    tidy_base_url=tidy_at((_HOST,), (r"/inference/v1/.+", "/inference/v1")),
)
