"""Groq: OpenAI's interface at `https://api.groq.com/openai/v1`."""

from __future__ import annotations

import re

from providers.model.secret import Secret
from providers.model.vendor import Circumstances, Conversation, Credential, ProbeAnswer, ProbeRequest, Vendor
from providers.model.verdict import Reason
from providers.vendors.base import common_reason, conclude, join, lists, parse_api_key

_HOST = "api.groq.com"


def _models_url(base_url: str | None) -> str:
    """Groq's SDK takes the root and adds `/openai/v1`, OpenAI's SDK takes it with that path: both are accepted."""
    return join(base_url or f"https://{_HOST}", "/openai/v1/models", strip=("/openai/v1", "/openai"))


def _judge(answer: ProbeAnswer) -> Reason | None:
    if lists(answer, "data"):
        return None
    error = answer.error()
    match answer.status, error.get("code"):
        case 401, "invalid_api_key":
            return Reason.CREDENTIAL_REJECTED
        case ((400 | 403), "organization_restricted"):
            return Reason.ACCOUNT_DISABLED
        case 403, str() as code if code:
            return Reason.INSUFFICIENT_PERMISSION
        case 403, _ if error:
            return Reason.NETWORK_BLOCKED  # the edge's answer, the same for good, bad and absent keys
        case 429, _ if error:
            return Reason.RATE_LIMITED
        case 498, _:
            return Reason.OVERLOADED
    return common_reason(answer)


def _verify(credential: Credential, base_url: str | None, given: Circumstances) -> Conversation:
    bearer = Secret(f"Bearer {credential.secret.reveal()}")
    answer = yield ProbeRequest(_models_url(base_url), {"authorization": bearer})
    return conclude(_judge(answer), answer, credential, given.now, request_id_header="x-request-id")


VENDOR = Vendor(
    name="groq",
    hosts=(_HOST,),
    parse=parse_api_key(("gsk_",), (re.compile(r"gsk_[A-Za-z0-9]{52}"),)),
    verify=_verify,
)
