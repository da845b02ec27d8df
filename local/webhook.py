"""Posts the local stack's events to a URL, as EventBridge's API destination does on AWS."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from typing import Any, Final

import httpx2

from providers.adapters.messaging import detail
from providers.model.events import SOURCE, Event
from providers.ports import Published, Publisher

TIMEOUT_S: Final = 5
"""As on AWS. An event is not retried here: what a receiver rejects is printed."""


class WebhookPublisher:
    """Publishes events, and posts each to `url` in the background. Raises ValueError if that is not a URL."""

    def __init__(self, publisher: Publisher, url: str, region: str, say: Callable[[str], object]) -> None:
        try:
            self._url: Final = httpx2.URL(url)
        except httpx2.InvalidURL:
            raise ValueError("WEBHOOK is not a URL") from None
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise ValueError("WEBHOOK must be an http or https URL")
        self._publisher, self._region, self._say = publisher, region, say
        self._http: Final = httpx2.Client(trust_env=False, timeout=TIMEOUT_S)
        self._posting: Final = ThreadPoolExecutor(1, "webhook")  # one, which keeps their order

    def publish(self, events: Sequence[Event]) -> Published:
        """Publish events, and post those that were accepted."""
        done = self._publisher.publish(events)
        for event in done.accepted:
            self._posting.submit(self._post, event)
        return done

    def close(self) -> None:
        """Post what is waiting, and close the connection."""
        self._posting.shutdown()
        self._http.close()

    def _post(self, event: Event) -> None:
        try:
            status = self._http.post(self._url, json=envelope(event, self._region)).status_code
        except httpx2.HTTPError as error:
            self._say(f"webhook: {event.type} {event.id} was not delivered: {type(error).__name__}")
            return
        self._say(f"webhook: {event.type} {event.id} {'was delivered' if status < 300 else f'was rejected: {status}'}")


def envelope(event: Event, region: str) -> dict[str, Any]:
    """Return an event as EventBridge sends it."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": event.type.value,
        "source": SOURCE,
        "account": "123456789012",
        "time": f"{event.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": region,
        "resources": [event.provider_id] if event.provider_id else [],
        "detail": detail(event),
    }
