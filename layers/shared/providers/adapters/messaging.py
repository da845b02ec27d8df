"""EventBridge and SQS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from providers.adapters.aws import available
from providers.model.errors import Unavailable
from providers.model.events import SOURCE, Event

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient

_MOST: Final = 10
"""Entries that PutEvents and SendMessageBatch take at once."""


class EventBridgePublisher:
    """Puts events on a bus."""

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, events: Sequence[Event]) -> Sequence[Event]:
        """Put them, ten at a time; the ones that EventBridge did not accept are left out of what is returned."""
        accepted: list[Event] = []
        for start in range(0, len(events), _MOST):
            batch = events[start : start + _MOST]
            with available("EventBridge"):
                answer = self._client.put_events(
                    Entries=[
                        {
                            "Source": SOURCE,
                            "DetailType": event.type.value,
                            "Time": event.at,
                            "EventBusName": self._bus,
                            "Resources": [event.provider_id],
                            "Detail": json.dumps(
                                {"id": event.id, "org": event.org, "provider_id": event.provider_id} | event.detail
                            ),
                        }
                        for event in batch
                    ]
                )
            accepted += [
                event for event, entry in zip(batch, answer["Entries"], strict=True) if "ErrorCode" not in entry
            ]
        return accepted


class SqsQueue:
    """Sends messages to one queue."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, bodies: Sequence[str]) -> None:
        """Send them, ten at a time. Raises Unavailable where one was refused; the others may have gone."""
        for start in range(0, len(bodies), _MOST):
            entries = [
                {"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[start : start + _MOST])
            ]
            with available("SQS"):
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
            if answer.get("Failed"):
                raise Unavailable("dependency_unavailable", "SQS refused a message; try again", retry_after_s=1)
