"""Synchronous client. Generated from aio.py by client/generate_sync.py; do not edit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Literal, TypeVar

import httpx2

from providers_client import calls
from providers_client.calls import UNSET, Attempt, Call, Unset
from providers_client.errors import from_failure
from providers_client.sending import Backoff, Outcome, exchange, from_environment, settings
from providers_contract.responses import (
    AuditEntry,
    Changed,
    Deleted,
    DeletedRoutingConfig,
    DestroyedVersion,
    Health,
    Page,
    Provider,
    RoutingConfig,
    Upload,
    Version,
)

T = TypeVar("T")


class Client:
    """A client of the Providers API.

    Args:
        base_url: the API's address, as the stack's output has it; https, except on this machine.
        api_key: a management key, `mlx_mk_…`.
        timeout: seconds to wait for a connection, and for each part of an answer.
        retries: how often a call is sent again at most; `Backoff` says when. A change carries the same
            Idempotency-Key each time, so that it is made once.
        transport: what sends the requests, instead of a connection pool.
        backoff: other waits; it replaces `retries`.
        sleep: what waits.

    Raises ConfigurationError for a base URL or key that cannot be used. Every method raises ProvidersAPIError.
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
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._http = httpx2.Client(**settings(base_url, api_key, timeout), transport=transport)
        self._backoff = backoff or Backoff(retries=retries)
        self._sleep = sleep

    @classmethod
    def from_environment(cls, *, timeout: float = 30.0, retries: int = 4) -> Client:
        """A client for PROVIDERS_API_URL with PROVIDERS_API_KEY. Raises ConfigurationError."""
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
        self, vendor: str | None = None, status: str | None = None, health: str | None = None, limit: int | None = None
    ) -> Iterator[Provider]:
        """The organization's providers, newest first, `limit` at most; pages are fetched as they are needed."""
        return self._walk(calls.list_providers(vendor, status, health, limit), limit)

    def list_providers_page(
        self,
        vendor: str | None = None,
        status: str | None = None,
        health: str | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Provider]:
        """One page of the organization's providers; `next_cursor` of the page before leads to it."""
        return self._send(calls.list_providers(vendor, status, health, limit, cursor))

    def get_provider(self, provider_id: str) -> Provider:
        """A provider."""
        return (self._send(calls.get_provider(provider_id)))[0]

    def get_provider_with_etag(self, provider_id: str) -> tuple[Provider, str]:
        """A provider, and the entity tag that `if_match` takes."""
        return self._send(calls.get_provider(provider_id))

    def add_provider(
        self,
        vendor: str,
        name: str,
        api_key: str,
        *,
        base_url: str | None = None,
        key_expires_at: datetime | None = None,
        on_unavailable: Literal["fail", "store_pending"] | None = None,
        idempotency_key: str | None = None,
    ) -> Changed[Provider]:
        """Verify a credential with its vendor and add it."""
        return self._send(
            calls.add_provider(
                vendor,
                name,
                api_key,
                base_url=base_url,
                key_expires_at=key_expires_at,
                on_unavailable=on_unavailable,
                idempotency_key=idempotency_key,
            )
        )

    def update_provider(
        self,
        provider_id: str,
        *,
        name: str | Unset = UNSET,
        api_key: str | Unset = UNSET,
        base_url: str | Unset | None = UNSET,
        status: Literal["active", "disabled"] | Unset = UNSET,
        key_expires_at: datetime | Unset | None = UNSET,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Changed[Provider]:
        """Change what is given. A new credential is verified first and swapped atomically.

        `base_url=None` means the vendor's own address.
        """
        members = {
            "name": name,
            "api_key": api_key,
            "base_url": base_url,
            "status": status,
            "key_expires_at": key_expires_at,
        }
        return self._send(calls.update_provider(provider_id, members, if_match, idempotency_key))

    def delete_provider(
        self,
        provider_id: str,
        *,
        dry_run: bool = False,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Deleted:
        """Delete a provider that no routing config names, or with `dry_run` tell whether that would work."""
        return self._send(
            calls.delete_provider(provider_id, dry_run=dry_run, if_match=if_match, idempotency_key=idempotency_key)
        )

    def get_provider_health(self, provider_id: str, history: str | None = None) -> Health:
        """Success rates and latencies over sliding windows; with `history`, also the points of a chart."""
        return self._send(calls.get_provider_health(provider_id, history))

    def list_versions(self, provider_id: str) -> list[Version]:
        """The key versions that can still be read."""
        return self._send(calls.list_versions(provider_id))

    def destroy_version(
        self, provider_id: str, number: int, *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> DestroyedVersion:
        """Destroy a key version that is not active, before its grace window ends."""
        return self._send(calls.destroy_version(provider_id, number, if_match, idempotency_key))

    def rollback_provider(
        self,
        provider_id: str,
        version: int | None = None,
        *,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Changed[Provider]:
        """Put `version`, or the previous one, in force again, as a new version."""
        return self._send(calls.rollback_provider(provider_id, version, if_match, idempotency_key))

    def list_routing_configs(self, limit: int | None = None) -> Iterator[RoutingConfig]:
        """The organization's routing configs in the order of their slugs, `limit` at most."""
        return self._walk(calls.list_routing_configs(limit), limit)

    def get_routing_config(self, slug: str) -> RoutingConfig:
        """A routing config."""
        return self._send(calls.get_routing_config(slug))

    def put_routing_config(
        self,
        slug: str,
        strategy: str,
        attempts: Sequence[Attempt],
        *,
        idempotency_key: str | None = None,
    ) -> RoutingConfig:
        """Create or replace a routing config; an attempt is an `AttemptView` or `{"provider_id": …, "model": …}`."""
        return self._send(calls.put_routing_config(slug, strategy, attempts, idempotency_key))

    def delete_routing_config(self, slug: str, *, idempotency_key: str | None = None) -> DeletedRoutingConfig:
        """Delete a routing config."""
        return self._send(calls.delete_routing_config(slug, idempotency_key))

    def list_audit(
        self,
        resource_id: str | None = None,
        action: str | None = None,
        key_id: str | None = None,
        limit: int | None = None,
    ) -> Iterator[AuditEntry]:
        """Who did what, newest first, `limit` entries at most."""
        return self._walk(calls.list_audit(resource_id, action, key_id, limit), limit)

    def create_upload(
        self,
        provider_id: str | None = None,
        vendor: str | None = None,
        name: str | None = None,
        base_url: str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Upload:
        """A one-time link at which a person enters a credential: of `provider_id`, or for a new provider."""
        return self._send(calls.create_upload(provider_id, vendor, name, base_url, idempotency_key))

    def _walk(self, first: Call[Page[T]], limit: int | None) -> Iterator[T]:
        call: Call[Page[T]] | None = first
        while call is not None:
            page = self._send(call)
            yield from page.data[:limit]
            limit = None if limit is None else max(0, limit - len(page.data))
            call = calls.next_page(call, page, limit)

    def _send(self, call: Call[T]) -> T:
        steps, outcome = exchange(call, self._backoff), None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            if isinstance(step, float):
                self._sleep(step)
                outcome = None
            else:
                outcome = self._attempt(step)

    def _attempt(self, call: Call[T]) -> Outcome:
        try:
            return self._http.request(
                call.method, call.path, params=call.query, headers=call.headers, content=call.content
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return from_failure(error, self._http.base_url)
