"""Fireworks: `GET /v1/accounts` of the control plane, because listing models fails for accounts without deployments.

An account without a payment method has ten requests a minute in all; a verification takes one of them.
"""

from __future__ import annotations

import re

from providers.model.vendor import Credential, Exchange, ProbeAnswer, ProbeRequest, Vendor, VerifyContext
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


def _classify(answer: ProbeAnswer, member: str) -> Reason | None:
    if lists(answer, member):
        return None
    if answer.status == 401 and _fault_code(answer) == "oauth.v2.InvalidApiKey":
        return Reason.CREDENTIAL_REJECTED
    if not isinstance(answer.json().get("error"), dict):
        return common_reason(answer)
    error = answer.error()
    match answer.status, error.get("code"):
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
    return common_reason(answer)


def _fault_code(answer: ProbeAnswer) -> object:
    """Return the code in the body of an older gateway: `{"fault": {"detail": {"errorcode": …}}}`."""
    found: object = answer.json()
    for member in ("fault", "detail", "errorcode"):
        found = found.get(member) if isinstance(found, dict) else None
    return found


def _account(answer: ProbeAnswer) -> str | None:
    match answer.json().get("accounts"):
        case [{"name": str(name)}, *_]:
            return name.removeprefix("accounts/")
    return None


def _verify(credential: Credential, base_url: str | None, context: VerifyContext) -> Exchange:
    own = base_url is None or host_matches(host_of(base_url), VENDOR.hosts)
    url = _ACCOUNTS_URL if own or base_url is None else join(base_url, "/models")
    answer = yield ProbeRequest(url, {"authorization": bearer(credential.secret)})
    return conclude(
        _classify(answer, "accounts" if own else "data"),
        answer,
        credential,
        context.now,
        request_id_header="x-request-id",
        account=_account(answer),
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
    tidy_base_url=tidy_at((_HOST,), (r"/inference/v1/.+", "/inference/v1")),
)
