"""The sweep on one machine, in place of EventBridge Scheduler and Lambda's queue poller."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from local.template import Template
from providers.model.health import floor_minute

MINUTE: Final = timedelta(minutes=1)
_AT_ONCE: Final = 10
_POLL_S: Final = 1.0
"""Seconds between two looks into the queues. Besides the sweep, data planes put messages there."""


class LocalClock:
    """The machine's clock, which can be put forward: a provider is probed once a minute, too slow for a developer."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC) + self.ahead

    def new_id(self) -> str:
        """Return a new ULID, with the machine's own time."""
        from ulid import ULID

        return str(ULID())

    def put_forward_to(self, at: datetime) -> None:
        """Set the clock to `at`, unless that is in the past."""
        self.ahead += max(timedelta(0), at - self.now())


class Sweeper:
    """Runs sweeps: the scheduled functions, then the workers on what they queued.

    Args:
        template: names the scheduled functions and the queue workers.
        invoke: runs a function with an event.
        sqs: a client of the queues, whose names are their logical ids.
        clock: put forward by a minute if the current minute was already swept.
    """

    def __init__(
        self, template: Template, invoke: Callable[[str, dict[str, Any]], Any], sqs: Any, clock: LocalClock
    ) -> None:
        self._template = template
        self._invoke = invoke
        self._sqs = sqs
        self._clock = clock
        self._swept: datetime | None = None
        self._one_at_a_time = threading.Lock()

    def sweep(self) -> dict[str, Any]:
        """Sweep once; return its minute and the number of providers that were due."""
        with self._one_at_a_time:
            if self._swept is not None:
                self._clock.put_forward_to(self._swept + MINUTE)
            now = self._clock.now()
            self._swept = floor_minute(now)
            due = sum(self._invoke(name, {"time": now.isoformat()}).get("due", 0) for name in self._template.scheduled)
            self._work()
            return {"minute": f"{self._swept:%Y-%m-%dT%H:%M:%SZ}", "due": due}

    def work(self) -> None:
        """Have the workers handle what is queued."""
        with self._one_at_a_time:
            self._work()

    def _work(self) -> None:
        for name, queue in self._template.queue_workers:
            self._work_off(name, self._sqs.get_queue_url(QueueName=queue)["QueueUrl"])

    def _work_off(self, function: str, url: str) -> None:
        """Pass messages to a worker until the queue is empty; failed ones return after half a minute."""
        while messages := self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=_AT_ONCE, VisibilityTimeout=30
        ).get("Messages"):
            records = [{"messageId": each["MessageId"], "body": each["Body"]} for each in messages]
            result = self._invoke(function, {"Records": records})
            failed = {each["itemIdentifier"] for each in result["batchItemFailures"]}
            for each in messages:
                if each["MessageId"] not in failed:
                    self._sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])

    async def keep_sweeping(self, seconds: float) -> None:
        """Sweep every `seconds`, and handle what is queued in between, until cancelled."""
        due = time.monotonic() + seconds
        while True:
            await asyncio.sleep(min(_POLL_S, max(0.0, due - time.monotonic())))
            if time.monotonic() < due:
                await asyncio.to_thread(self.work)
            else:
                await asyncio.to_thread(self.sweep)
                due = time.monotonic() + seconds
