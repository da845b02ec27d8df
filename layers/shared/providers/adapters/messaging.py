"""EventBridge and SQS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from providers.adapters.aws import available, error_code, unavailable
from providers.model.errors import Unavailable
from providers.model.events import SOURCE, Event
from providers.ports import Published, Refused

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient

_MOST: Final = 10
"""Maximum number of entries in one PutEvents or SendMessageBatch call."""

_INVALID: Final = "ValidationException"
_THROTTLED: Final = "ThrottlingException"
_FINAL: Final = {_INVALID, "InvalidArgument", "MalformedDetail", "RedactionFailure"}
"""Errors of the entry itself, which a retry cannot fix (EventBridge API reference, PutEventsResultEntry)."""


class EventBridgePublisher:
    """Puts events on a bus."""

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, events: Sequence[Event]) -> Published:
        """Put events on the bus, ten at a time. A request that is rejected as a whole is retried event by event."""
        accepted: list[Event] = []
        refused: list[Refused] = []
        try:
            for start in range(0, len(events), _MOST):
                batch = events[start : start + _MOST]
                codes = self._put(batch)
                if codes is None and len(batch) > 1:
                    codes = [code for event in batch for code in self._put([event]) or [_INVALID]]
                for event, code in zip(batch, codes or [_INVALID], strict=True):
                    if code == "":
                        accepted.append(event)
                    elif code != _THROTTLED:
                        refused.append(Refused(event, code, final=code in _FINAL))
        except Unavailable:
            if not (accepted or refused):
                raise
        return Published(accepted, refused)

    def _put(self, batch: Sequence[Event]) -> list[str] | None:
        """Return each entry's error code, empty if accepted; None if the whole request is invalid."""
        entries = [
            {
                "Source": SOURCE,
                "DetailType": event.type.value,
                "Time": event.at,
                "EventBusName": self._bus,
                "Resources": [event.provider_id] if event.provider_id else [],
                "Detail": json.dumps(detail(event)),
            }
            for event in batch
        ]
        try:
            response = self._client.put_events(Entries=entries)  # type: ignore[arg-type]
        except (ClientError, BotoCoreError) as error:
            if error_code(error) == _INVALID:
                return None
            raise unavailable("EventBridge", error) from None
        return [entry.get("ErrorCode", "") for entry in response["Entries"]]


def detail(event: Event) -> dict[str, Any]:
    """Return the `detail` of an event as receivers get it."""
    of_provider = {"org": event.org, "provider_id": event.provider_id} if event.provider_id else {}
    return {"id": event.id} | of_provider | event.detail


class SqsQueue:
    """Sends messages to one queue."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, bodies: Sequence[str]) -> None:
        """Send messages, ten at a time. Raises Unavailable if one was rejected; others may have been sent."""
        for start in range(0, len(bodies), _MOST):
            entries = [
                {"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[start : start + _MOST])
            ]
            with available("SQS"):
                response = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
            if response.get("Failed"):
                raise Unavailable("dependency_unavailable", "SQS refused a message; try again", retry_after_s=1)
