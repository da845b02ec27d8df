"""Values for the documentation's examples. Every key contains FAKE; the local emulator accepts them as valid."""

from __future__ import annotations

from typing import Any, Final

PROVIDER_ID: Final = "prov_01JFAKE0000000000000000001"
OTHER_ID: Final = "prov_01JFAKE0000000000000000002"
SLUG: Final = "@production"
REQUEST_ID: Final = "00000000-0000-4000-8000-000000000001"
MANAGEMENT_KEY: Final = "mlx_mk_FAKE…"

PROVIDER: Final[dict[str, Any]] = {
    "id": PROVIDER_ID,
    "vendor": "openai",
    "name": "OpenAI Production",
    "tags": ["production", "team:search"],
    "base_url": None,
    "status": "active",
    "health": {"state": "healthy", "reason": None, "p50_latency_ms": 320, "last_check_at": "2026-04-14T12:00:00Z"},
    "created_at": "2026-04-01T10:00:00Z",
    "updated_at": "2026-04-01T10:00:00Z",
    "key_hint": "sk-proj-…0001",
    "key_version": 1,
    "key_rotated_at": "2026-04-01T10:00:00Z",
    "key_expires_at": None,
    "verification": {"outcome": "valid", "reason": None, "checked_at": "2026-04-01T10:00:00Z"},
}
ADDED: Final = PROVIDER | {
    "health": {"state": "unknown", "reason": None, "p50_latency_ms": None, "last_check_at": None}
}
PENDING: Final = ADDED | {
    "status": "pending",
    "verification": {"outcome": "indeterminate", "reason": "http_5xx", "checked_at": "2026-04-01T10:00:00Z"},
}
ROTATED: Final = ADDED | {
    "updated_at": "2026-04-14T12:00:00Z",
    "key_hint": "sk-proj-…0002",
    "key_version": 2,
    "key_rotated_at": "2026-04-14T12:00:00Z",
    "verification": {"outcome": "valid", "reason": None, "checked_at": "2026-04-14T12:00:00Z"},
}
WARNING: Final = {
    "code": "duplicate_credential",
    "message": "another provider has the same credential; rotating one does not change the other",
    "provider_ids": [OTHER_ID],
}

ADD_OPENAI: Final = {
    "vendor": "openai",
    "name": "OpenAI Production",
    "api_key": "sk-proj-FAKE-valid-EXAMPLE-100001",
    "tags": ["production", "team:search"],
}
ADD_AZURE: Final = {
    "vendor": "azure",
    "name": "Azure",
    "api_key": "FAKEValidEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEJQQJ99FA000000000000AAABACOG0001",
    "base_url": "https://fake.openai.azure.com",
}
ADD_BEDROCK: Final = {
    "vendor": "bedrock",
    "name": "Bedrock US-East",
    "api_key": "AKIAVALIDAAABEXAMPLE::FAKE/EXAMPLE/ONLY/FAKE/EXAMPLE/ONLY/FAKE::us-east-1",
}
ADD_PENDING: Final = {
    "vendor": "openai",
    "name": "OpenAI Batch",
    "api_key": "sk-proj-FAKE-server-500-EXAMPLE-100003",
    "on_unavailable": "store_pending",
}
ROTATE: Final = {"api_key": "sk-proj-FAKE-valid-EXAMPLE-100002"}
RENAME: Final = {"name": "OpenAI Europe", "status": "disabled"}


def _window(checks: int, *latencies: int, errors: dict[str, int] | None = None) -> dict[str, Any]:
    found = errors or {}
    rate = round(1 - sum(found.values()) / checks, 4)
    names = ("p50", "p90", "p95", "p99")
    return {
        "checks": checks,
        "success_rate": rate,
        "latency_ms": dict(zip(names, latencies, strict=True)),
        "errors": found,
    }


HEALTH: Final[dict[str, Any]] = {
    "provider_id": PROVIDER_ID,
    "state": "healthy",
    "reason": None,
    "since": "2026-04-01T10:01:00Z",
    "last_check_at": "2026-04-14T12:00:00Z",
    "key_version": 1,
    "windows": {
        "5m": _window(5, 310, 420, 420, 420),
        "1h": _window(60, 305, 410, 430, 480),
        "24h": _window(1440, 310, 415, 440, 505, errors={"timeout": 1}),
        "7d": _window(10080, 308, 412, 446, 520, errors={"timeout": 7, "http_5xx": 2}),
    },
    "history": [
        {"at": "2026-04-14T11:30:00Z", "checks": 30, "success_rate": 1.0, "p50_ms": 305, "p95_ms": 410},
        {"at": "2026-04-14T12:00:00Z", "checks": 1, "success_rate": 1.0, "p50_ms": 310, "p95_ms": 310},
    ],
    "changes": [
        {"at": "2026-04-01T10:01:00Z", "from": "unknown", "to": "healthy", "reason": None, "key_version": 1},
    ],
}

VERSIONS: Final = [
    {
        "number": 2,
        "hint": "sk-proj-…0002",
        "created_at": "2026-04-14T12:00:00Z",
        "active": True,
        "retires_at": None,
        "last_used_at": "2026-04-14T12:20:00Z",
        "safe_to_revoke": False,
    },
    {
        "number": 1,
        "hint": "sk-proj-…0001",
        "created_at": "2026-04-01T10:00:00Z",
        "active": False,
        "retires_at": "2026-04-14T13:00:00Z",
        "last_used_at": "2026-04-14T12:01:00Z",
        "safe_to_revoke": True,
    },
]
ROLLED_BACK: Final = ROTATED | {"key_hint": "sk-proj-…0001", "key_version": 3}
AUDIT_ENTRY: Final = {
    "id": "01JFAKE00000000000000000E1",
    "at": "2026-04-14T12:00:00Z",
    "actor": {"type": "management_key", "key_id": "01jfakefakefakefakefakefake"},
    "action": "provider.rotated",
    "resource": {"type": "provider", "id": PROVIDER_ID},
    "before": {"key_version": 1, "key_hint": "sk-proj-…0001"},
    "after": {"key_version": 2, "key_hint": "sk-proj-…0002"},
    "request_id": REQUEST_ID,
}

OWN_KEY: Final = {
    "id": "01jfakefakefakefakefakefake",
    "org": "org_demo",
    "name": "Ops console",
    "scopes": ["providers:read", "routing:read"],
    "expires_at": "2026-12-31T23:59:59Z",
}

UPLOAD_TO_ADD: Final = {"vendor": "openai", "name": "OpenAI Staging"}
UPLOAD_TO_ROTATE: Final = {"provider_id": PROVIDER_ID}
UPLOAD: Final = {
    "id": "upl_01JFAKE0000000000000000004",
    "url": "https://api.example.com/live/manage/v1/uploads/01JFAKE0000000000000000004_FAKE",
    "provider_id": None,
    "vendor": "openai",
    "name": "OpenAI Staging",
    "expires_at": "2026-04-14T12:10:00Z",
}

ROUTING: Final[dict[str, Any]] = {
    "strategy": "fallback",
    "attempts": [
        {"provider_id": PROVIDER_ID, "model": "gpt-5"},
        {"provider_id": OTHER_ID, "model": "claude-sonnet-4-5"},
    ],
}
ROUTING_CONFIG: Final = {
    "slug": SLUG,
    **ROUTING,
    "created_at": "2026-04-14T12:00:00Z",
    "updated_at": "2026-04-14T12:00:00Z",
}
