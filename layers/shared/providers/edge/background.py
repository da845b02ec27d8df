"""The handlers of schedules and queues, for which no caller waits."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit

from providers.edge.logs import log_context, logger, where
from providers.ports import Ports, Work

MARGIN_S: Final = 8.0
"""Nothing new is started this long before the function's timeout: five seconds of a probe, and its writes."""

CONCURRENCY: Final = 20
"""Concurrent probes of one worker. With many more, waiting for the worker's CPU would show as vendor latency."""


NAMESPACE: Final = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "providers-api")

METRICS: Final = {"published": "EventsPublishedLate", "quarantined": "EventsQuarantined"}
"""Counts of scheduled work that are CloudWatch metrics, in the stack's namespace."""


def scheduled(
    ports: Callable[[], Ports], work: Callable[[Ports, datetime, datetime], dict[str, int]]
) -> Callable[[Any, Any], dict[str, int]]:
    """Return the handler of a schedule: it runs `work`, logs its counts and publishes those that operators watch.

    `work` gets the time that it is for, and the time when it should end. The handler raises what `work` raises, so that
    the schedule retries.
    """

    def handler(event: Any, context: Any) -> dict[str, int]:
        given = event.get("time") if isinstance(event, dict) else None
        clock = ports().clock
        now = datetime.fromisoformat(given) if isinstance(given, str) else clock.now()
        left = timedelta(milliseconds=context.get_remaining_time_in_millis()) - timedelta(seconds=MARGIN_S)
        with log_context(context):
            done = work(ports(), now, clock.now() + left)
            logger.info("ran", extra=done)
        for name in METRICS.keys() & done.keys():
            if done[name]:
                with single_metric(METRICS[name], MetricUnit.Count, done[name], namespace=NAMESPACE):
                    pass
        return done

    return handler


def queue_worker(
    ports: Callable[[], Ports], work: Work
) -> Callable[[dict[str, Any], Any], dict[str, list[dict[str, str]]]]:
    """Return the handler of a queue: it runs `work` on all messages at once and returns those to be delivered again.

    A message that is malformed or fails does not affect the others.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
        left_s = context.get_remaining_time_in_millis() / 1000 - MARGIN_S
        with log_context(context):
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
