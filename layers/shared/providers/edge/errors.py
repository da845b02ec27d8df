"""The one table of statuses, and the body that every failure has (api.md, Errors)."""

from __future__ import annotations

from typing import Any, Final

from providers.model.errors import ProvidersError

STATUS: Final[dict[str, tuple[int, str]]] = {
    "malformed_json": (400, "invalid_request_error"),
    "invalid_cursor": (400, "invalid_request_error"),
    "invalid_parameter": (400, "invalid_request_error"),
    "missing_api_key": (401, "authentication_error"),
    "invalid_api_key": (401, "authentication_error"),
    "insufficient_scope": (403, "permission_error"),
    "origin_not_allowed": (403, "permission_error"),  # POST /mcp alone
    "provider_not_found": (404, "not_found"),
    "routing_config_not_found": (404, "not_found"),
    "route_not_found": (404, "not_found"),
    "version_not_found": (404, "not_found"),
    "upload_not_found": (404, "not_found"),
    "method_not_allowed": (405, "invalid_request_error"),  # /mcp alone
    "name_taken": (409, "conflict"),
    "provider_in_use": (409, "conflict"),
    "provider_disabled": (409, "conflict"),  # resolve alone
    "version_conflict": (409, "conflict"),
    "rotation_conflict": (409, "conflict"),
    "version_active": (409, "conflict"),
    "limit_exceeded": (409, "conflict"),
    "idempotency_in_progress": (409, "conflict"),
    "etag_mismatch": (412, "precondition_failed"),
    "body_too_large": (413, "invalid_request_error"),
    "unsupported_media_type": (415, "invalid_request_error"),
    "validation_failed": (422, "invalid_request_error"),
    "credential_format": (422, "invalid_request_error"),
    "credential_rejected": (422, "invalid_request_error"),
    "base_url_required": (422, "invalid_request_error"),
    "base_url_not_allowed": (422, "invalid_request_error"),
    "idempotency_mismatch": (422, "invalid_request_error"),
    "rate_limited": (429, "rate_limit_error"),
    "verification_rate_limited": (429, "rate_limit_error"),
    "internal_error": (500, "api_error"),
    "dependency_unavailable": (503, "api_error"),
    "verification_unavailable": (502, "upstream_error"),
    "verification_timeout": (504, "upstream_error"),
}


def error_answer(error: ProvidersError, request_id: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body of `error`."""
    status, kind = STATUS[error.code]
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    members = {
        "type": kind,
        "code": error.code,
        "message": error.message,
        "resource": error.resource,
        "id": error.id,
        "param": error.param,
        "request_id": request_id,
    }
    return status, headers, {"error": members | error.details}
