"""Requests, made from the contract's operations. Nothing here does I/O."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

import httpx2
from pydantic import BaseModel

from providers_client.errors import ConfigurationError, NotFound
from providers_client.unset import UNSET
from providers_contract.errors import ERRORS
from providers_contract.ids import IDEMPOTENCY_KEY, PROVIDER_ID, SLUG, VERSION_NUMBER
from providers_contract.limits import MAX_PAGE
from providers_contract.operations import BASE_PATH, Operation
from providers_contract.responses import Page, Response

T = TypeVar("T")
R = TypeVar("R", bound=Response)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request, and the function that reads its response. No repr shows the body, which can contain a credential.

    `read` raises pydantic's ValidationError if the response has another form.
    """

    method: str
    path: str
    read: Callable[[httpx2.Response], T] = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = field(default=None, repr=False)


def call(
    operation: Operation,
    model: type[R],
    path: Mapping[str, str | int] | None = None,
    *,
    query: Mapping[str, str | None] | None = None,
    body: Mapping[str, Any] | None = None,
    if_match: str | None = None,
    idempotency_key: str | None = None,
) -> Call[R]:
    """Return the request for `operation`, whose response is a `model`.

    Query parameters that are None and fields of the body that are UNSET are left out. Raises NotFound for a malformed
    id, as the API would, and ConfigurationError.
    """
    headers = {}
    if operation.changes:
        headers["Idempotency-Key"] = _header("idempotency_key", idempotency_key or str(uuid.uuid4()))
    if if_match is not None:
        headers["If-Match"] = _header("if_match", if_match)
    content = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        given = {name: _json(value) for name, value in body.items() if value is not UNSET}
        content = json.dumps(given).encode()  # as ASCII, which cannot fail: an encoding error would contain the body
    return Call(
        operation.method,
        _path(operation, path or {}),
        lambda response: model.model_validate_json(response.content),
        {name: value for name, value in (query or {}).items() if value is not None},
        headers,
        content,
    )


def call_list(
    operation: Operation,
    model: type[Page[T]],
    limit: int | None,
    cursor: str | None = None,
    **filters: str | None,
) -> Call[Page[T]]:
    """Return the request for the first page of a list, or for the page at `cursor`."""
    if limit is not None and limit < 1:
        raise ConfigurationError("limit must be at least 1, or None for all")
    return call(operation, model, query={"limit": str(min(limit or MAX_PAGE, MAX_PAGE)), "cursor": cursor, **filters})


def next_page(request: Call[Page[T]], page: Page[T], left: int | None) -> Call[Page[T]] | None:
    """Return the request for the page after `page`; None after the last one, or if no entry is `left` to fetch."""
    if page.next_cursor is None or left == 0:
        return None
    return replace(request, query=dict(request.query) | {"cursor": page.next_cursor})


def with_etag(request: Call[R]) -> Call[tuple[R, str]]:
    """Return `request` with a result that includes the response's ETag."""
    return Call(
        request.method,
        request.path,
        lambda response: (request.read(response), response.headers.get("etag", "")),
        request.query,
        request.headers,
    )


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


_FORMS: Final = {
    "provider_id": (PROVIDER_ID, "provider_not_found", "not a provider id (prov_ and 26 letters and digits)"),
    "slug": (SLUG, "routing_config_not_found", "not a slug (lower-case letters, digits, - and _, @ in front)"),
    "number": (VERSION_NUMBER, "version_not_found", "not a version number"),
}


def _path(operation: Operation, parameters: Mapping[str, str | int]) -> str:
    """Return the path. Raises NotFound for a malformed id, which could be a key: no key becomes part of a URL."""
    for name, value in parameters.items():
        form, code, why = _FORMS[name]
        if not form.fullmatch(str(value)):
            resource = code.removesuffix("_not_found")
            what = resource.replace("_", " ")
            row = ERRORS[code]
            raise NotFound(f"{what} not found: {why}", code=code, type=row.type, status=row.status, resource=resource)
    return operation.path.format(**parameters).removeprefix(f"{BASE_PATH}/")


def _header(name: str, value: str) -> str:
    if not IDEMPOTENCY_KEY.fullmatch(value):
        raise ConfigurationError(f"{name} must have 1 to 255 visible ASCII characters")
    return value


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ConfigurationError("key_expires_at needs a time zone: datetime(…, tzinfo=UTC)")
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, BaseModel):
        return value.model_dump()
    return [_json(each) for each in value] if isinstance(value, list | tuple) else value
