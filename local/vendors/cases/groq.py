"""Groq's responses to `GET /openai/v1/models`."""

from __future__ import annotations

from typing import Any, Final

from local.vendors.cases.base import ECHO, Case
from local.vendors.cases.emulated import Emulated
from local.vendors.cases.fakes import alphanumeric
from local.vendors.cases.misbehaviour import misbehaviours
from local.vendors.dialects import CHAT, RESPONSES
from providers_contract.vocabulary import Reason

REQUEST_ID: Final = "req_01k5c8ytnqvr3jhw6dzb"
_ID: Final = {"x-request-id": REQUEST_ID, "x-groq-region": "emulated", "cf-ray": "8f0e1d2c3b4a5968-EMU"}
_RESTRICTED: Final = "Organization has been restricted. Please reach out to support."


def _error(message: str, type_: str, code: str | None) -> dict[str, Any]:
    error: dict[str, Any] = {"message": message, "type": type_}
    if code is not None:
        error["code"] = code
    return {"error": error}


def _bad_key(slug: str, title: str) -> Case:
    body = _error(f"Invalid API Key {ECHO}", "invalid_request_error", "invalid_api_key")
    return Case(slug, title, 401, body, _ID, Reason.CREDENTIAL_REJECTED)


def _restricted(slug: str, status: int) -> Case:
    body = _error(_RESTRICTED, "invalid_request_error", "organization_restricted")
    return Case(slug, "the organization is restricted", status, body, _ID, Reason.ACCOUNT_DISABLED)


def _spent(slug: str, code: str) -> Case:
    body = _error("API access is blocked: the spend limit is reached.", "invalid_request_error", code)
    return Case(slug, f"the organization's spend limit is reached: {code}", 400, body, _ID, Reason.QUOTA_EXHAUSTED)


def _rate(slug: str, type_: str) -> Case:
    body = _error("Rate limit reached for model.", type_, "rate_limit_exceeded")
    return Case(slug, f"throttled: {type_}", 429, body, {**_ID, "retry-after": "4"}, Reason.RATE_LIMITED)


def _fault(status: int) -> Case:
    body = _error("Something broke.", "internal_server_error", None)
    return Case(f"server-{status}", "server fault", status, body, _ID, Reason.HTTP_5XX)


VALID: Final = Case(
    "valid",
    "the key is accepted",
    200,
    {
        "object": "list",
        "data": [{"id": "llama-emulated", "object": "model", "created": 1767225600, "owned_by": "emulator"}],
    },
    _ID,
)
SERVER_ERROR: Final = _fault(500)

CASES: Final = (
    VALID,
    _bad_key("invalid", "invalid or revoked key"),
    _bad_key("missing-key", "no key was sent"),
    _restricted("restricted", 400),
    _restricted("restricted-403", 403),
    Case(
        "edge-block",
        "the edge refuses the caller's address; the same for good, bad and absent keys",
        403,
        {"error": {"message": "Access denied. Please check your network settings."}},
        {"server": "cloudflare"},
        Reason.NETWORK_BLOCKED,
    ),
    Case(
        "edge-block-typed",
        "the same with a type",
        403,
        _error("Access denied. Please check your network settings.", "forbidden", None),
        {"server": "cloudflare"},
        Reason.NETWORK_BLOCKED,
    ),
    _spent("spend-limit", "blocked_api_access"),
    _spent("spend-limit-code", "spend_limit_reached"),
    Case(
        "no-permission",
        "the project or key may not",
        403,
        _error("Not allowed for this project.", "permissions_error", "model_permission_blocked_project"),
        _ID,
        Reason.INSUFFICIENT_PERMISSION,
    ),
    Case(
        "no-permission-type",
        "the project or key may not; the type alone says so",
        403,
        _error("Not allowed for this project.", "permissions_error", None),
        _ID,
        Reason.INSUFFICIENT_PERMISSION,
    ),
    _rate("rate-limited", "requests"),
    _rate("rate-limited-tokens", "tokens"),
    Case("capacity", "no flex capacity left", 498, {"error": {"code": "capacity_exceeded"}}, _ID, Reason.OVERLOADED),
    SERVER_ERROR,
    _fault(502),
    _fault(503),
    Case(
        "wrong-path",
        "unknown path",
        404,
        _error("Unknown request URL.", "invalid_request_error", "unknown_url"),
        _ID,
        Reason.WRONG_PATH,
    ),
    *misbehaviours(VALID, SERVER_ERROR, echo_headers=("x-request-id",)),
)

EMULATED: Final = Emulated(
    cases=CASES,
    keys=alphanumeric({"": "gsk_"}, 52),
    generates={"/openai/v1/chat/completions": CHAT, "/openai/v1/responses": RESPONSES},
)
