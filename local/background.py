"""Run an async context manager, or a server of the standard library, in its own thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from socketserver import BaseServer
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def in_background(work: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Enter `work` on an event loop in another thread, yield its value, and exit it when the block ends.

    Exceptions from entering or exiting `work` propagate to the caller.
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
        except BaseException as error:  # noqa: BLE001 - passed to the waiting thread
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


@contextmanager
def served(server: BaseServer, name: str) -> Iterator[None]:
    """Serve in a thread of this name until the block ends, and close the server."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name=name)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
