"""Groq: OpenAI's interface at `https://api.groq.com/openai/v1`."""

from __future__ import annotations

import re

from providers.model.vendor import Credential, Exchange, ProbeRequest, ProbeResponse, Vendor, VerifyContext
from providers.vendors.base import bearer, common_reason, conclude, join, lists, message_of, parse_api_key, tidy_at
from providers_contract.vendor import Variables
from providers_contract.vocabulary import Reason

_HOST = "api.groq.com"
_PREFIXES = ("gsk_",)
_FORMS = (re.compile(r"gsk_[A-Za-z0-9]{52}"),)


def _models_url(base_url: str | None) -> str:
    """Return the URL of the models; base_url may include `/openai/v1`, as in OpenAI's SDK, or not, as in Groq's SDK."""
    return join(base_url or f"https://{_HOST}", "/openai/v1/models", strip=("/openai/v1", "/openai"))


def _classify(response: ProbeResponse) -> Reason | None:
    if lists(response, "data"):
        return None
    error = response.error()
    match response.status, error.get("code"), error.get("type"):
        case 401, "invalid_api_key", _:
            return Reason.CREDENTIAL_REJECTED
        case ((400 | 403), "organization_restricted", _):
            return Reason.ACCOUNT_DISABLED
        case ((400 | 403 | 429), str(code), _) if code == "blocked_api_access" or code.startswith("spend_"):
            return Reason.QUOTA_EXHAUSTED  # the organization's own spend limit (console.groq.com/docs/spend-limits)
        case 403, _, _ if "network settings" in message_of(error):
            return Reason.NETWORK_BLOCKED
        case (403, str(), _) | (403, _, str()):
            return Reason.INSUFFICIENT_PERMISSION
        case 403, _, _ if error:
            return Reason.NETWORK_BLOCKED  # only a message: the edge's response to any key, or none
        case 429, "rate_limit_exceeded", _:
            return Reason.RATE_LIMITED
        case 498, "capacity_exceeded", _:
            return Reason.OVERLOADED
    return common_reason(response)


def _verify(credential: Credential, base_url: str | None, context: VerifyContext) -> Exchange:
    response = yield ProbeRequest(_models_url(base_url), {"authorization": bearer(credential.secret)})
    return conclude(_classify(response), response, credential, context.now, request_id_header="x-request-id")


VENDOR = Vendor(
    name="groq",
    title="Groq",
    hosts=(_HOST,),
    parse=parse_api_key(_PREFIXES, _FORMS),
    verify=_verify,
    prefixes=_PREFIXES,
    forms=_FORMS,
    own_forms=_FORMS,
    variables=Variables(words=("GROQ",)),
    base_paths=("", "/openai/v1", "/openai"),
    openai_path="/openai/v1",
    tidy_base_url=tidy_at((_HOST,), (r"/openai/v1/.+", "/openai/v1")),
)
