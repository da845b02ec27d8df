"""Azure OpenAI: `GET /openai/v1/models` with `api-key`, at the resource's own host.

A resource too old for the v1 path answers it with 404 and is asked again at the last generally available dated path.
"""

from __future__ import annotations

import re
from typing import Final

from providers.model.vendor import Circumstances, Conversation, Credential, ProbeAnswer, ProbeRequest, Vendor
from providers.model.verdict import Reason
from providers.vendors.base import common_reason, conclude, join, lists, message_of, parse_api_key

_HOSTS = ("*.openai.azure.com", "*.cognitiveservices.azure.com", "*.services.ai.azure.com")
_FORMS = (
    re.compile(r"[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9][A-L][A-Za-z0-9]{12}AAA[A-Z]ACOG[A-Za-z0-9]{4}"),
    re.compile(r"[0-9a-f]{32}"),
)
_DATED_PATH = "/openai/models?api-version=2024-10-21"
_FIREWALL_WORDS: Final = ("virtual network/firewall", "public access is disabled", "private endpoint")


def _judge(answer: ProbeAnswer) -> Reason | None:
    """A firewall answers with the codes of a bad key, so that its words come before the codes."""
    if lists(answer, "data"):
        return None
    error = answer.error()
    message = message_of(error)
    if answer.status in (401, 403) and any(words in message for words in _FIREWALL_WORDS):
        return Reason.NETWORK_BLOCKED
    match answer.status, str(error.get("code")):
        case 401, "401" | "Unauthorized":
            return Reason.CREDENTIAL_REJECTED
        case 401, "PermissionDenied":
            return Reason.INSUFFICIENT_PERMISSION
        case 403, "AuthenticationTypeDisabled":
            return Reason.KEY_AUTH_DISABLED
        case ((401 | 403), "AccessDenied"):
            return Reason.NETWORK_BLOCKED
        case 403, "403" if "temporarily blocked" in message:
            return Reason.ACCOUNT_SUSPENDED
        case 429, "429":
            return Reason.RATE_LIMITED
    return common_reason(answer)


def _verify(credential: Credential, base_url: str | None, given: Circumstances) -> Conversation:
    if base_url is None:
        raise ValueError("azure has no host of its own: a base_url is required")
    headers = {"api-key": credential.secret}
    root = join(base_url, "", strip=("/openai/v1", "/openai"))
    answer = yield ProbeRequest(f"{root}/openai/v1/models", headers)
    if answer.status == 404:
        answer = yield ProbeRequest(f"{root}{_DATED_PATH}", headers)
    return conclude(_judge(answer), answer, credential, given.now, request_id_header="apim-request-id")


VENDOR = Vendor(
    name="azure",
    hosts=_HOSTS,
    parse=parse_api_key((), _FORMS),
    verify=_verify,
    forms=_FORMS,
    base_url_required=True,
)
