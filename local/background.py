"""Run something asynchronous in a thread of its own, for callers that are not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def in_background(work: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Enter `work` on an event loop in another thread, give what it gives, and leave it when the block ends.

    Raises what entering or leaving `work` raises.
    """
    started: Future[tuple[T, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    ended: Future[None] = Future()

    async def hold() -> None:
        stop = asyncio.Event()
        async with work as given:
            started.set_result((given, asyncio.get_running_loop(), stop))
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(hold())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for it
            (ended if started.done() else started).set_exception(error)
        else:
            ended.set_result(None)

    thread = threading.Thread(target=run, name="background")
    thread.start()
    try:
        given, loop, stop = started.result()
        try:
            yield given
        finally:
            loop.call_soon_threadsafe(stop.set)
            ended.result()
    finally:
        thread.join()
