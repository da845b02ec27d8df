"""Synchronous client. Generated from aio.py by client/generate_sync.py; do not edit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Literal, TypeAlias, TypeVar

import httpx2
import stamina

from providers_client.calls import Call, call, call_list, given, next_page, with_etag
from providers_client.errors import ProvidersAPIError
from providers_client.failures import from_failure
from providers_client.sending import Backoff, from_environment, result_of, settings
from providers_client.unset import UNSET, Unset
from providers_contract import operations
from providers_contract.responses import (
    AttemptView,
    AuditEntry,
    Changed,
    Deleted,
    DeletedRoutingConfig,
    DestroyedVersion,
    Health,
    OwnKey,
    Page,
    Provider,
    RoutingConfig,
    Single,
    Upload,
    Version,
)

T = TypeVar("T")
Attempt: TypeAlias = AttemptView | Mapping[str, str]


class Client:
    """A client of the Providers API.

    Args:
        base_url: the API's address, from the stack's output; https, except on this machine.
        api_key: a management key, `mlx_mk_…`.
        timeout: seconds to wait for a connection, and for each part of a response.
        retries: the maximum number of retries; `Backoff` says when. A change is sent with the same Idempotency-Key each
            time, so it is made once.
        transport: sends the requests, instead of a connection pool.
        backoff: other waits; it replaces `retries`.

    Raises ConfigurationError if the base URL or the key is invalid. Every method raises ProvidersAPIError.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = 30.0,
        retries: int = 4,
        transport: httpx2.BaseTransport | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._http = httpx2.Client(**settings(base_url, api_key, timeout), transport=transport)
        self._backoff = backoff or Backoff(retries=retries)

    @classmethod
    def from_environment(cls, *, timeout: float = 30.0, retries: int = 4) -> Client:
        """Return a client for PROVIDERS_API_URL with PROVIDERS_API_KEY. Raises ConfigurationError."""
        return cls(*from_environment(os.environ), timeout=timeout, retries=retries)

    def __repr__(self) -> str:
        return f"Client({str(self._http.base_url)!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def list_providers(
        self,
        vendor: str | None = None,
        status: str | None = None,
        health: str | None = None,
        limit: int | None = None,
        *,
        name: str | None = None,
        tag: str | None = None,
        include: Literal["history", "sparkline"] | None = None,
    ) -> Iterator[Provider]:
        """List the organization's providers, newest first, at most `limit`; pages are fetched as needed.

        `name` is a part of the name, without regard to case. With `include`, each one's `health.history` or
        `health.sparkline` has the last hour by minute.
        """
        filters = {"vendor": vendor, "status": status, "health": health, "name": name, "tag": tag, "include": include}
        return self._walk(call_list(operations.LIST_PROVIDERS, Page[Provider], limit, **filters), limit)

    def list_providers_page(
        self,
        vendor: str | None = None,
        status: str | None = None,
        health: str | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
        name: str | None = None,
        tag: str | None = None,
        include: Literal["history", "sparkline"] | None = None,
    ) -> Page[Provider]:
        """Return one page of the organization's providers; `cursor` is `next_cursor` of the previous page."""
        filters = {"vendor": vendor, "status": status, "health": health, "name": name, "tag": tag, "include": include}
        return self._send(call_list(operations.LIST_PROVIDERS, Page[Provider], limit, cursor, **filters))

    def get_provider(self, provider_id: str) -> Provider:
        """Return a provider."""
        return (self.get_provider_with_etag(provider_id))[0]

    def get_provider_with_etag(self, provider_id: str) -> tuple[Provider, str]:
        """Return a provider, and its ETag for `if_match`."""
        path = {"provider_id": provider_id}
        found, etag = self._send(with_etag(call(operations.GET_PROVIDER, Single[Provider], path)))
        return found.data, etag

    def add_provider(
        self,
        vendor: str,
        name: str,
        api_key: str,
        *,
        base_url: str | None = None,
        key_expires_at: datetime | None = None,
        on_unavailable: Literal["fail", "store_pending"] | None = None,
        tags: Sequence[str] | None = None,
        idempotency_key: str | None = None,
    ) -> Changed[Provider]:
        """Verify a credential with its vendor and add it."""
        body = {"vendor": vendor, "name": name, "api_key": api_key}
        body |= given(base_url=base_url, key_expires_at=key_expires_at, on_unavailable=on_unavailable, tags=tags)
        return self._send(call(operations.ADD_PROVIDER, Changed[Provider], body=body, idempotency_key=idempotency_key))

    def update_provider(
        self,
        provider_id: str,
        *,
        name: str | Unset = UNSET,
        api_key: str | Unset = UNSET,
        base_url: str | Unset | None = UNSET,
        status: Literal["active", "disabled"] | Unset = UNSET,
        key_expires_at: datetime | Unset | None = UNSET,
        tags: Sequence[str] | Unset = UNSET,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Changed[Provider]:
        """Change the fields that are given. A new credential is verified before it replaces the active one.

        `base_url=None` restores the vendor's own address; `tags` replaces all tags.
        """
        return self._send(
            call(
                operations.UPDATE_PROVIDER,
                Changed[Provider],
                {"provider_id": provider_id},
                body={
                    "name": name,
                    "api_key": api_key,
                    "base_url": base_url,
                    "status": status,
                    "key_expires_at": key_expires_at,
                    "tags": tags,
                },
                if_match=if_match,
                idempotency_key=idempotency_key,
            )
        )

    def delete_provider(
        self,
        provider_id: str,
        *,
        dry_run: bool = False,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Deleted:
        """Delete a provider that no routing config uses; with `dry_run`, only check for blockers."""
        request = call(
            operations.DELETE_PROVIDER,
            Single[Deleted],
            {"provider_id": provider_id},
            query={"dry_run": "true" if dry_run else None},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return (self._send(request)).data

    def get_provider_health(self, provider_id: str, history: str | None = None) -> Health:
        """Return success rates and latencies over sliding windows, and chart points over `history` (1h, 24h, 7d)."""
        path, query = {"provider_id": provider_id}, {"history": history}
        return (self._send(call(operations.GET_PROVIDER_HEALTH, Single[Health], path, query=query))).data

    def list_versions(self, provider_id: str) -> list[Version]:
        """Return the key versions that can still be read, newest first."""
        path = {"provider_id": provider_id}
        return (self._send(call(operations.LIST_VERSIONS, Single[list[Version]], path))).data

    def destroy_version(
        self, provider_id: str, number: int, *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> DestroyedVersion:
        """Destroy a replaced key version before its grace window ends."""
        request = call(
            operations.DESTROY_VERSION,
            Single[DestroyedVersion],
            {"provider_id": provider_id, "number": number},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return (self._send(request)).data

    def rollback_provider(
        self,
        provider_id: str,
        version: int | None = None,
        *,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Changed[Provider]:
        """Restore `version`, by default the previous one, as a new version."""
        return self._send(
            call(
                operations.ROLLBACK_PROVIDER,
                Changed[Provider],
                {"provider_id": provider_id},
                body=given(version=version),
                if_match=if_match,
                idempotency_key=idempotency_key,
            )
        )

    def list_routing_configs(self, limit: int | None = None) -> Iterator[RoutingConfig]:
        """List the organization's routing configs, ordered by slug, at most `limit`."""
        return self._walk(call_list(operations.LIST_ROUTING_CONFIGS, Page[RoutingConfig], limit), limit)

    def get_routing_config(self, slug: str) -> RoutingConfig:
        """Return a routing config."""
        request = call(operations.GET_ROUTING_CONFIG, Single[RoutingConfig], {"slug": slug})
        return (self._send(request)).data

    def put_routing_config(
        self,
        slug: str,
        strategy: str,
        attempts: Sequence[Attempt],
        *,
        idempotency_key: str | None = None,
    ) -> RoutingConfig:
        """Create or replace a routing config; an attempt is an `AttemptView` or `{"provider_id": …, "model": …}`."""
        request = call(
            operations.PUT_ROUTING_CONFIG,
            Single[RoutingConfig],
            {"slug": slug},
            body={"strategy": strategy, "attempts": [*attempts]},
            idempotency_key=idempotency_key,
        )
        return (self._send(request)).data

    def delete_routing_config(self, slug: str, *, idempotency_key: str | None = None) -> DeletedRoutingConfig:
        """Delete a routing config."""
        request = call(
            operations.DELETE_ROUTING_CONFIG,
            Single[DeletedRoutingConfig],
            {"slug": slug},
            idempotency_key=idempotency_key,
        )
        return (self._send(request)).data

    def list_audit(
        self,
        resource_id: str | None = None,
        action: str | None = None,
        key_id: str | None = None,
        limit: int | None = None,
    ) -> Iterator[AuditEntry]:
        """List the audit trail, newest first, at most `limit` entries."""
        filters = {"resource_id": resource_id, "action": action, "key_id": key_id}
        return self._walk(call_list(operations.LIST_AUDIT, Page[AuditEntry], limit, **filters), limit)

    def list_audit_page(
        self,
        resource_id: str | None = None,
        action: str | None = None,
        key_id: str | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[AuditEntry]:
        """Return one page of the audit trail; `cursor` is `next_cursor` of the previous page."""
        filters = {"resource_id": resource_id, "action": action, "key_id": key_id}
        return self._send(call_list(operations.LIST_AUDIT, Page[AuditEntry], limit, cursor, **filters))

    def create_upload(
        self,
        provider_id: str | None = None,
        vendor: str | None = None,
        name: str | None = None,
        base_url: str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Upload:
        """Create a one-time link at which a person enters a credential, of `provider_id` or of a new provider."""
        body = given(provider_id=provider_id, vendor=vendor, name=name, base_url=base_url)
        request = call(operations.CREATE_UPLOAD, Single[Upload], body=body, idempotency_key=idempotency_key)
        return (self._send(request)).data

    def get_management_key(self) -> OwnKey:
        """Return the management key of this client, without its secret."""
        return (self._send(call(operations.GET_MANAGEMENT_KEY, Single[OwnKey]))).data

    def _walk(self, first: Call[Page[T]], limit: int | None) -> Iterator[T]:
        request: Call[Page[T]] | None = first
        while request is not None:
            page = self._send(request)
            yield from page.data[:limit]
            limit = None if limit is None else max(0, limit - len(page.data))
            request = next_page(request, page, limit)

    def _send(self, request: Call[T]) -> T:
        for attempt in stamina.retry_context(on=self._backoff.hook(), attempts=None, timeout=None):
            with attempt:
                return result_of(request, self._attempt(request))
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, request: Call[T]) -> httpx2.Response | ProvidersAPIError:
        try:
            return self._http.request(
                request.method, request.path, params=request.query, headers=request.headers, content=request.content
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return from_failure(error, self._http.base_url)
