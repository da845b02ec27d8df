"""One function an endpoint: the request that it takes, and how its answer is read. Nothing here does I/O."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, Generic, TypeAlias, TypeVar

import httpx2

from providers_client.errors import ConfigurationError, NotFound
from providers_contract.ids import IDEMPOTENCY_KEY, PROVIDER_ID, SLUG
from providers_contract.limits import MAX_PAGE
from providers_contract.responses import (
    AttemptView,
    AuditEntry,
    Changed,
    Deleted,
    DeletedRoutingConfig,
    DestroyedVersion,
    Health,
    Page,
    Provider,
    Response,
    RoutingConfig,
    Single,
    Upload,
    Version,
)

T = TypeVar("T")
A = TypeVar("A", bound=Response)

Attempt: TypeAlias = AttemptView | Mapping[str, str]


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""Leaves a member as it is, where None would say something."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and how its answer becomes what the caller gets. The body can hold a credential: no repr shows it.

    `read` raises pydantic's ValidationError for an answer of another form.
    """

    method: str
    path: str
    read: Callable[[httpx2.Response], T] = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = field(default=None, repr=False)


def list_providers(
    vendor: str | None, status: str | None, health: str | None, limit: int | None, cursor: str | None = None
) -> Call[Page[Provider]]:
    """GET /providers, the first page or the one at `cursor`."""
    return _list("providers", Page[Provider], limit, vendor=vendor, status=status, health=health, cursor=cursor)


def get_provider(provider_id: str) -> Call[tuple[Provider, str]]:
    """GET /providers/{id}, with its entity tag."""
    read = _data(Single[Provider])
    return Call("GET", _provider(provider_id), lambda answer: (read(answer), answer.headers.get("etag", "")))


def add_provider(
    vendor: str,
    name: str,
    api_key: str,
    *,
    base_url: str | None,
    key_expires_at: datetime | None,
    on_unavailable: str | None,
    idempotency_key: str | None,
) -> Call[Changed[Provider]]:
    """POST /providers."""
    body = {"vendor": vendor, "name": name, "api_key": api_key} | _given(
        base_url=base_url, key_expires_at=_time(key_expires_at), on_unavailable=on_unavailable
    )
    return _change("POST", "providers", _whole(Changed[Provider]), idempotency_key, body)


def update_provider(
    provider_id: str, members: Mapping[str, Any], if_match: str | None, idempotency_key: str | None
) -> Call[Changed[Provider]]:
    """PATCH /providers/{id} with those members that are set."""
    body = {
        name: _time(value) if isinstance(value, datetime) else value
        for name, value in members.items()
        if value is not UNSET
    }
    read = _whole(Changed[Provider])
    return _change("PATCH", _provider(provider_id), read, idempotency_key, body, if_match=if_match)


def delete_provider(
    provider_id: str, *, dry_run: bool, if_match: str | None, idempotency_key: str | None
) -> Call[Deleted]:
    """DELETE /providers/{id}."""
    query = {"dry_run": "true"} if dry_run else {}
    path = _provider(provider_id)
    return _change("DELETE", path, _data(Single[Deleted]), idempotency_key, if_match=if_match, query=query)


def get_provider_health(provider_id: str, history: str | None) -> Call[Health]:
    """GET /providers/{id}/health."""
    return Call("GET", f"{_provider(provider_id)}/health", _data(Single[Health]), _given(history=history))


def list_versions(provider_id: str) -> Call[list[Version]]:
    """GET /providers/{id}/versions."""
    return Call("GET", f"{_provider(provider_id)}/versions", _data(Single[list[Version]]))


def destroy_version(
    provider_id: str, number: int, if_match: str | None, idempotency_key: str | None
) -> Call[DestroyedVersion]:
    """DELETE /providers/{id}/versions/{number}."""
    path = f"{_provider(provider_id)}/versions/{number}"
    return _change("DELETE", path, _data(Single[DestroyedVersion]), idempotency_key, if_match=if_match)


def rollback_provider(
    provider_id: str, version: int | None, if_match: str | None, idempotency_key: str | None
) -> Call[Changed[Provider]]:
    """POST /providers/{id}/rollback."""
    path, read = f"{_provider(provider_id)}/rollback", _whole(Changed[Provider])
    return _change("POST", path, read, idempotency_key, _given(version=version), if_match=if_match)


def list_routing_configs(limit: int | None) -> Call[Page[RoutingConfig]]:
    """GET /routing-configs, the first page."""
    return _list("routing-configs", Page[RoutingConfig], limit)


def get_routing_config(slug: str) -> Call[RoutingConfig]:
    """GET /routing-configs/{slug}."""
    return Call("GET", _routing_config(slug), _data(Single[RoutingConfig]))


def put_routing_config(
    slug: str, strategy: str, attempts: Sequence[Attempt], idempotency_key: str | None
) -> Call[RoutingConfig]:
    """PUT /routing-configs/{slug}."""
    steps = [each.model_dump() if isinstance(each, AttemptView) else dict(each) for each in attempts]
    body = {"strategy": strategy, "attempts": steps}
    return _change("PUT", _routing_config(slug), _data(Single[RoutingConfig]), idempotency_key, body)


def delete_routing_config(slug: str, idempotency_key: str | None) -> Call[DeletedRoutingConfig]:
    """DELETE /routing-configs/{slug}."""
    return _change("DELETE", _routing_config(slug), _data(Single[DeletedRoutingConfig]), idempotency_key)


def list_audit(
    resource_id: str | None, action: str | None, key_id: str | None, limit: int | None
) -> Call[Page[AuditEntry]]:
    """GET /audit, the first page."""
    return _list("audit", Page[AuditEntry], limit, resource_id=resource_id, action=action, key_id=key_id)


def create_upload(
    provider_id: str | None, vendor: str | None, name: str | None, base_url: str | None, idempotency_key: str | None
) -> Call[Upload]:
    """POST /uploads."""
    body = _given(provider_id=provider_id, vendor=vendor, name=name, base_url=base_url)
    return _change("POST", "uploads", _data(Single[Upload]), idempotency_key, body)


def next_page(call: Call[Page[T]], page: Page[T], left: int | None) -> Call[Page[T]] | None:
    """The call for the page behind `page`; None on the last one, or where none is `left` to be wanted."""
    if page.next_cursor is None or left == 0:
        return None
    return replace(call, query=dict(call.query) | {"cursor": page.next_cursor})


def _list(path: str, shape: type[Page[T]], limit: int | None, **filters: str | None) -> Call[Page[T]]:
    if limit is not None and limit < 1:
        raise ConfigurationError("limit is a whole number from 1 on, or None for all")
    return Call("GET", path, _whole(shape), {"limit": str(min(limit or MAX_PAGE, MAX_PAGE))} | _given(**filters))


def _change(
    method: str,
    path: str,
    read: Callable[[httpx2.Response], T],
    idempotency_key: str | None,
    body: Mapping[str, Any] | None = None,
    *,
    if_match: str | None = None,
    query: Mapping[str, str] | None = None,
) -> Call[T]:
    headers = {"Idempotency-Key": _header("idempotency_key", idempotency_key or str(uuid.uuid4()))}
    if if_match is not None:
        headers["If-Match"] = _header("if_match", if_match)
    content = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(body).encode()  # as ASCII, which cannot fail: an encoding error would hold the body
    return Call(method, path, read, query or {}, headers, content)


def _data(shape: type[Single[T]]) -> Callable[[httpx2.Response], T]:
    return lambda answer: shape.model_validate_json(answer.content).data


def _whole(shape: type[A]) -> Callable[[httpx2.Response], A]:
    return lambda answer: shape.model_validate_json(answer.content)


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _provider(provider_id: str) -> str:
    """The path of a provider. What cannot be an id, maybe a key in the wrong place, never becomes part of a URL."""
    if not PROVIDER_ID.fullmatch(provider_id):
        raise _not_found("provider", "this is not a provider's id (prov_ and 26 letters and digits)")
    return f"providers/{provider_id}"


def _routing_config(slug: str) -> str:
    if not SLUG.fullmatch(slug):
        raise _not_found("routing config", "this is not a slug (lower-case letters, digits, - and _, @ in front)")
    return f"routing-configs/{slug}"


def _not_found(what: str, why: str) -> NotFound:
    """What the API would answer."""
    resource = what.replace(" ", "_")
    return NotFound(
        f"{what} not found: {why}", code=f"{resource}_not_found", type="not_found", status=404, resource=resource
    )


def _header(name: str, value: str) -> str:
    if not IDEMPOTENCY_KEY.fullmatch(value):
        raise ConfigurationError(f"{name} has 1 to 255 visible ASCII characters")
    return value


def _time(time: datetime | None) -> str | None:
    if time is None:
        return None
    if time.tzinfo is None:
        raise ConfigurationError("key_expires_at needs a time zone: datetime(…, tzinfo=UTC)")
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
