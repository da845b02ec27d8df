"""Fireworks' responses to the control plane's `GET /v1/accounts` and to `GET /inference/v1/models`."""

from __future__ import annotations

from typing import Any, Final

from local.vendors.cases.base import ECHO, Case
from local.vendors.cases.emulated import Emulated
from local.vendors.cases.fakes import alphanumeric
from local.vendors.cases.misbehaviour import misbehaviours
from local.vendors.dialects import CHAT, RESPONSES
from providers_contract.vocabulary import Reason

REQUEST_ID: Final = "4d9f2b7c-61aa-4f0e-b3c8-d2e5a7f91b30"
_ID: Final = {"x-request-id": REQUEST_ID}
_MODELS: Final = Case(
    "valid",
    "the key is accepted",
    200,
    {
        "object": "list",
        "data": [{"id": "accounts/fireworks/models/emulated", "object": "model", "owned_by": "fireworks"}],
    },
    _ID,
)


def _accounts(name: str) -> dict[str, Any]:
    return {"accounts": [{"name": f"accounts/{name}"}], "nextPageToken": "", "totalSize": 1}


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


VALID: Final = Case("valid", "the key is accepted", 200, _accounts("emulated"), _ID, elsewhere={"models": _MODELS})
SERVER_ERROR: Final = Case(
    "no-deployments",
    "the model list fails; the key may be good",
    500,
    "Error listing deployed models",
    _ID,
    Reason.HTTP_5XX,
)

CASES: Final = (
    VALID,
    Case(
        "valid-other-account",
        "accepted, in another account",
        200,
        _accounts("emulated-too"),
        _ID,
        elsewhere={"models": _MODELS},
    ),
    Case("invalid", "invalid key", 401, _error("UNAUTHORIZED", f"no key {ECHO}"), _ID, Reason.CREDENTIAL_REJECTED),
    Case(
        "invalid-fault",
        "invalid key, said by an older gateway",
        401,
        {"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}},
        {},
        Reason.CREDENTIAL_REJECTED,
    ),
    Case("missing-key", "no key was sent", 401, _error("UNAUTHORIZED", "no key"), _ID, Reason.CREDENTIAL_REJECTED),
    Case(
        "unauthorized-403",
        "invalid key, with the other status",
        403,
        _error("UNAUTHORIZED", "no such key"),
        _ID,
        Reason.CREDENTIAL_REJECTED,
    ),
    Case(
        "fire-pass",
        "a Fire Pass key (fpk_), good for inference only",
        403,
        _error("FORBIDDEN", "Fire Pass API keys are not authorized for this route."),
        _ID,
        Reason.INSUFFICIENT_PERMISSION,
        form="fire-pass",
    ),
    Case("forbidden", "any other 403", 403, {"error": {"code": "FORBIDDEN"}}, _ID, Reason.INSUFFICIENT_PERMISSION),
    Case("payment-required", "unpaid", 402, {"error": {}}, _ID, Reason.PAYMENT_REQUIRED),
    Case(
        "suspended",
        "the account is suspended",
        412,
        {"error": {"message": "Account emulated is suspended until its invoice is paid."}},
        _ID,
        Reason.ACCOUNT_SUSPENDED,
    ),
    Case("account-status", "the account is in trouble", 412, {"error": {}}, _ID, Reason.ACCOUNT_SUSPENDED),
    SERVER_ERROR,
    Case(
        "rate-limited",
        "throttled",
        429,
        {"error": {}},
        {**_ID, "x-ratelimit-limit-tokens-prompt": "60000"},
        Reason.RATE_LIMITED,
    ),
    Case("overloaded-503", "overloaded", 503, {"error": {}}, _ID, Reason.HTTP_5XX),
    Case("wrong-path", "unknown path", 404, {"error": {"code": "NOT_FOUND"}}, _ID, Reason.WRONG_PATH),
    *misbehaviours(VALID, SERVER_ERROR, echo_headers=("x-request-id",)),
)

EMULATED: Final = Emulated(
    cases=CASES,
    keys=alphanumeric({"": "fw_", "fire-pass": "fpk_"}, 40),
    base_path="/inference/v1",
    routes={"/inference/v1/models": "models"},
    generates={"/inference/v1/chat/completions": CHAT, "/inference/v1/responses": RESPONSES},
)
