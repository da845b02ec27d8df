"""Handlers that no caller waits for: the schedule's and the queue's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from providers.edge.logs import where
from providers.ports import Ports, Work

logger = Logger()

MARGIN_S: Final = 8.0
"""Before the function's own end nothing new is begun: a probe's five seconds, and its writes."""

CONCURRENCY: Final = 20
"""Vendors asked at once by one worker; with many more, waiting for the worker's own CPU would show as their latency."""


NAMESPACE: Final = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "providers-api")

METRICS: Final = {"published": "EventsPublishedLate", "quarantined": "EventsQuarantined"}
"""Counts of scheduled work that are CloudWatch metrics, in the stack's namespace."""


def scheduled(
    ports: Callable[[], Ports], work: Callable[[Ports, datetime, datetime], dict[str, int]]
) -> Callable[[Any, Any], dict[str, int]]:
    """The handler of a schedule: does `work`, logs what it counts, and publishes as metrics what operators watch.

    `work` gets the time that it is for, and the time when it should end. Raises what `work` raises, so that the
    schedule tries again.
    """

    def handler(event: Any, context: Any) -> dict[str, int]:
        given = event.get("time") if isinstance(event, dict) else None
        clock = ports().clock
        now = datetime.fromisoformat(given) if isinstance(given, str) else clock.now()
        left = timedelta(milliseconds=context.get_remaining_time_in_millis()) - timedelta(seconds=MARGIN_S)
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
    """The handler of a queue: does `work` for every message at once, and names the messages that are to come again.

    One message that cannot be read, or fails, keeps none of the others from being done.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
        left_s = context.get_remaining_time_in_millis() / 1000 - MARGIN_S
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
