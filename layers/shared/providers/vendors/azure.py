"""Azure OpenAI: `GET /openai/v1/models` with `api-key`, at the resource's own host.

An older resource responds to the v1 path with 404. The latest generally available dated path is then tried.
"""

from __future__ import annotations

import re
from typing import Final

from providers.model.vendor import Credential, Exchange, ProbeRequest, ProbeResponse, Vendor, VerifyContext
from providers.vendors.base import (
    common_reason,
    conclude,
    join,
    lists,
    message_of,
    parse_api_key,
    split_url,
    tidy_at,
)
from providers_contract.hosts import host_matches, host_of
from providers_contract.vendor import Variables
from providers_contract.vocabulary import Reason

_HOSTS = (
    "*.openai.azure.com",
    "*.cognitiveservices.azure.com",
    "*.services.ai.azure.com",
    "*.api.cognitive.microsoft.com",  # of a region, for resources without a subdomain of their own
    "*.openai.azure.us",
    "*.cognitiveservices.azure.us",
    "*.services.ai.azure.us",
    "*.api.cognitive.microsoft.us",
    "*.openai.azure.cn",
    "*.cognitiveservices.azure.cn",
    "*.services.ai.azure.cn",
    "*.api.cognitive.azure.cn",
)
"""Hosts in the public cloud, in Azure Government, and in Azure operated by 21Vianet (China)."""
_PATHS = ("/openai/v1", "/openai", "/anthropic/v1", "/anthropic", "/models")
_OWN_FORMS = (re.compile(r"[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9][A-L][A-Za-z0-9]{12}AAA[A-Z]ACOG[A-Za-z0-9]{4}"),)
_FORMS = (*_OWN_FORMS, re.compile(r"[0-9a-f]{32}"))
_USELESS = (
    (
        re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
        'an Azure id, such as a subscription\'s; send KEY 1 or KEY 2 of "Keys and Endpoint" in the Azure portal',
    ),
)
_KEY_NAME = re.compile(r"(.*_)?AZURE(_OPENAI|_AI|_AI_FOUNDRY|_FOUNDRY)?(_SERVICE)?(_API)?_(KEY|APIKEY)(_.*)?")
"""The names in Azure OpenAI's own documentation: 32 hex digits can be anything."""
_DATED_PATH = "/openai/models?api-version=2024-10-21"
_FIREWALL_WORDS: Final = ("virtual network/firewall", "public access is disabled", "private endpoint")


def _classify(response: ProbeResponse) -> Reason | None:
    """Classify a response; a firewall's messages come first, because it uses the codes of a bad key."""
    if lists(response, "data"):
        return None
    error = response.error()
    message = message_of(error)
    if response.status in (401, 403) and any(words in message for words in _FIREWALL_WORDS):
        return Reason.NETWORK_BLOCKED
    match response.status, str(error.get("code")):
        case 401, "401" | "Unauthorized":
            return Reason.CREDENTIAL_REJECTED
        case 401, _ if response.json().get("statusCode") == 401 and "invalid subscription key" in _plain(response):
            return Reason.CREDENTIAL_REJECTED
        case 401, "PermissionDenied":
            return Reason.INSUFFICIENT_PERMISSION
        case 403, "AuthenticationTypeDisabled":
            return Reason.KEY_AUTH_DISABLED
        case ((401 | 403), "AccessDenied"):
            return Reason.NETWORK_BLOCKED
        case 403, "403" if "temporarily blocked" in message:
            return Reason.ACCOUNT_SUSPENDED
        case 403, _ if "out of call volume quota" in message or "out of call volume quota" in _plain(response):
            return Reason.QUOTA_EXHAUSTED
        case 429, "insufficient_quota":
            return Reason.QUOTA_EXHAUSTED
        case 429, _ if error.get("code"):  # a gateway that has not checked the key yet sends no code
            return Reason.RATE_LIMITED
    return common_reason(response)


def _plain(response: ProbeResponse) -> str:
    """Return the message of a body without `error`, as API Management sends: `{"statusCode": 401, "message": …}`."""
    return message_of(response.json())


_API_VERSION: Final = re.compile(r"api-version=[A-Za-z0-9.-]*")
_TARGET: Final = (
    r"/openai/(?:deployments/.+|responses.*|v1/.+)|/anthropic/v1/.+"
    r"|/models/(?:chat/completions|(?:images/)?embeddings|info)"
)
_tidy_own: Final = tidy_at(_HOSTS, (rf"{_TARGET}|/api/projects/.+", ""), query=_API_VERSION)


def _tidy_base_url(base_url: str) -> str:
    """Shorten a "target URI" of the portal to the resource; keep the path of a proxy, which may name a tenant."""
    tidy = _tidy_own(base_url)
    if not host_matches(host_of(tidy), _HOSTS):
        return tidy
    url = split_url(tidy, _API_VERSION)
    target = re.search(_TARGET, url.path) if url else None
    return f"{url.scheme}://{url.netloc}{url.path[: target.start()]}" if url and target else tidy


def _verify(credential: Credential, base_url: str | None, context: VerifyContext) -> Exchange:
    if base_url is None:
        raise ValueError("azure has no common host: a base_url is required")
    headers = {"api-key": credential.secret}
    root = join(base_url, "", strip=_PATHS)
    response = yield ProbeRequest(f"{root}/openai/v1/models", headers)
    if response.status == 404:
        response = yield ProbeRequest(f"{root}{_DATED_PATH}", headers)
    return conclude(_classify(response), response, credential, context.now, request_id_header="apim-request-id")


VENDOR = Vendor(
    name="azure",
    title="Azure",
    hosts=_HOSTS,
    parse=parse_api_key((), _FORMS),
    verify=_verify,
    forms=_FORMS,
    own_forms=_OWN_FORMS,
    useless=_USELESS,
    variables=Variables(
        words=("AZURE",),
        key_name=_KEY_NAME,
        endpoint="AZURE_OPENAI_ENDPOINT",
        exports=(re.compile(r"(?P<AZURE_OPENAI_API_KEY>.+)"),),
        cleared=("AZURE_OPENAI_AD_TOKEN",),
    ),
    base_paths=("", *_PATHS),
    openai_path="/openai/v1",
    key_header="api-key",
    base_url_required=True,
    tidy_base_url=_tidy_base_url,
)
