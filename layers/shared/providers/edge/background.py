"""The handlers of schedules and queues, for which no caller waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from providers.edge.logs import log_context, logger, where
from providers.edge.metrics import metrics_written
from providers.ports import Ports, Work

MARGIN_S: Final = 8.0
"""No new work starts this long before the function's timeout: five seconds for a probe, and its writes."""

CONCURRENCY: Final = 20
"""Concurrent probes of one worker. With many more, waiting for the worker's CPU would show as vendor latency."""


def scheduled(
    ports: Callable[[], Ports], work: Callable[[Ports, datetime, datetime], dict[str, int]]
) -> Callable[[Any, Any], dict[str, int]]:
    """Return the handler of a schedule: it runs `work` and logs its counts.

    `work` gets its scheduled time, and the time when it should end. The handler raises the exceptions of `work`, so
    that the schedule retries.
    """

    def handler(event: Any, context: Any) -> dict[str, int]:
        given = event.get("time") if isinstance(event, dict) else None
        clock = ports().clock
        now = datetime.fromisoformat(given) if isinstance(given, str) else clock.now()
        left = timedelta(milliseconds=context.get_remaining_time_in_millis()) - timedelta(seconds=MARGIN_S)
        with log_context(context), metrics_written(ports):
            done = work(ports(), now, clock.now() + left)
            logger.info("ran", extra=done)
        return done

    return handler


def queue_worker(
    ports: Callable[[], Ports], work: Work
) -> Callable[[dict[str, Any], Any], dict[str, list[dict[str, str]]]]:
    """Return the handler of a queue: it runs `work` on all messages and returns the messages to deliver again.

    A message that is malformed or fails does not affect the others.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
        left_s = context.get_remaining_time_in_millis() / 1000 - MARGIN_S
        with log_context(context), metrics_written(ports):
            failed = ports().run(_work_all(ports(), work, event["Records"], left_s))
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    return handler


async def _work_all(ports: Ports, work: Work, records: list[dict[str, Any]], left_s: float) -> list[str]:
    end = asyncio.get_running_loop().time() + left_s
    done = await work(ports, [record["body"] for record in records], CONCURRENCY, end)
    failed = []
    for record, outcome in zip(records, done, strict=True):
        if isinstance(outcome, Exception):
            logger.error("message failed", message_id=record["messageId"], **where(outcome))
        if outcome is not True:
            failed.append(record["messageId"])
    return failed
