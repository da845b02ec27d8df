"""Azure OpenAI's responses to `GET /openai/v1/models`, and to the dated path of older resources."""

from __future__ import annotations

from typing import Any, Final

from local.vendors.cases.base import ECHO, Case
from local.vendors.cases.emulated import Emulated
from local.vendors.cases.fakes import FakeKeys, filled, reader
from local.vendors.cases.misbehaviour import misbehaviours
from local.vendors.dialects import CHAT, RESPONSES
from providers_contract.vocabulary import Reason

REQUEST_ID: Final = "c0ffee11-2b1f-4f8e-9c55-8d3a2c4d5e6f"
_ID: Final = {"apim-request-id": REQUEST_ID, "x-ms-region": "Emulated"}
_FIREWALL: Final = "Access denied due to Virtual Network/Firewall rules."
_PRIVATE: Final = "Public access is disabled. Please configure private endpoint."
_BAD_KEY: Final = f"Access denied due to invalid subscription key {ECHO} or wrong API endpoint."


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _refused(slug: str, title: str, status: int, code: str, message: str, reason: Reason) -> Case:  # noqa: PLR0917 - a row
    return Case(slug, title, status, _error(code, message), _ID, reason)


def _blocked(slug: str, status: int, code: str, message: str) -> Case:
    title = "a firewall refuses the caller; says nothing of the key"
    return _refused(slug, title, status, code, message, Reason.NETWORK_BLOCKED)


VALID: Final = Case(
    "valid",
    "the key is accepted",
    200,
    {"object": "list", "data": [{"id": "gpt-emulated", "object": "model"}]},
    _ID,
)
SERVER_ERROR: Final = _refused(
    "server-500", "server fault", 500, "InternalServerError", "Something broke.", Reason.HTTP_5XX
)
INVALID: Final = _refused(
    "invalid", "invalid key, or another resource's", 401, "401", _BAD_KEY, Reason.CREDENTIAL_REJECTED
)
WRONG_PATH: Final = _refused(
    "wrong-path", "unknown path, api-version or deployment", 404, "404", "Resource not found", Reason.WRONG_PATH
)

CASES: Final = (
    VALID,
    Case(
        "valid-dated",
        "accepted by a resource that has the dated path only",
        404,
        WRONG_PATH.body,
        _ID,
        elsewhere={"dated": VALID},
    ),
    INVALID,
    _refused(
        "invalid-word",
        "invalid key, or another resource's; the code is a word",
        401,
        "Unauthorized",
        _BAD_KEY,
        Reason.CREDENTIAL_REJECTED,
    ),
    Case(
        "invalid-dated",
        "refused by a resource that has the dated path only",
        404,
        WRONG_PATH.body,
        _ID,
        Reason.CREDENTIAL_REJECTED,
        elsewhere={"dated": INVALID},
    ),
    Case(
        "invalid-gateway",
        "invalid key, said by API Management",
        401,
        {"statusCode": 401, "message": "Access denied due to invalid subscription key."},
        _ID,
        Reason.CREDENTIAL_REJECTED,
    ),
    _refused("missing-key", "no key was sent", 401, "401", _BAD_KEY, Reason.CREDENTIAL_REJECTED),
    _refused(
        "no-role",
        "a token without a role on the resource",
        401,
        "PermissionDenied",
        "Principal does not have access to API/Operation.",
        Reason.INSUFFICIENT_PERMISSION,
    ),
    _refused(
        "key-auth-disabled",
        "the resource does not take keys",
        403,
        "AuthenticationTypeDisabled",
        "Key based authentication is disabled for this resource.",
        Reason.KEY_AUTH_DISABLED,
    ),
    _blocked("firewall", 403, "403", _FIREWALL),
    _blocked("firewall-word", 403, "AccessDenied", _FIREWALL),
    _blocked("firewall-401", 401, "401", _FIREWALL),
    _blocked("private-endpoint", 403, "403", _PRIVATE),
    _blocked("private-endpoint-word", 403, "AccessDenied", _PRIVATE),
    _refused(
        "blocked",
        "the resource is blocked for now",
        403,
        "403",
        "This resource has been temporarily blocked.",
        Reason.ACCOUNT_SUSPENDED,
    ),
    _refused("unlisted-403", "403 that is not listed", 403, "403", "Something.", Reason.UNEXPECTED_ANSWER),
    WRONG_PATH,
    Case(
        "rate-limited",
        "throttled",
        429,
        _error("429", "Requests have exceeded the rate limit of your pricing tier."),
        {**_ID, "retry-after": "3", "retry-after-ms": "2500", "x-ratelimit-reset-tokens": "3"},
        Reason.RATE_LIMITED,
    ),
    Case(
        "rate-limited-word",
        "throttled; the code is a word",
        429,
        _error("RateLimitReached", "Your requests have exceeded the call rate limit. Please retry after 3 seconds."),
        {**_ID, "retry-after": "3"},
        Reason.RATE_LIMITED,
    ),
    _refused("quota", "no quota left", 429, "insufficient_quota", "Quota exceeded.", Reason.QUOTA_EXHAUSTED),
    _refused(
        "call-volume",
        "no calls left in the free tier",
        403,
        "403",
        "Out of call volume quota for OpenAI F0 pricing tier. Please retry after 5 days.",
        Reason.QUOTA_EXHAUSTED,
    ),
    SERVER_ERROR,
    _refused("server-503", "server fault", 503, "ServiceUnavailable", "Try later.", Reason.HTTP_5XX),
    *misbehaviours(VALID, SERVER_ERROR, echo_headers=("apim-request-id",)),
)


def _make_key(case: Case, serial: int) -> str:
    high, low = divmod(serial, 10_000)
    return f"{filled(case.slug, '', 52)}JQQJ99FA{high:012}AAABACOG{low:04}"


EMULATED: Final = Emulated(
    cases=CASES,
    keys=FakeKeys(_make_key, reader(r"FAKE([A-Za-z0-9]+?)EXAMPLE[EXAMPL]*JQQJ99FA\d{12}AAABACOG\d{4}")),
    routes={"/openai/models?api-version=": "dated"},
    key_headers=("authorization",),
    generates={
        "/openai/(v1|deployments/[^/]+)/chat/completions": CHAT,
        "/openai/(v1/)?responses": RESPONSES,
    },
)
