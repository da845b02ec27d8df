"""Call vendors on one event loop: verify, probe, close."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from threading import Thread
from typing import Any, Final, TypeVar

from providers.adapters.http import CheckedBackend, HttpTransport
from providers.model.policy import PROBE_DEADLINE_S, VERIFICATION_DEADLINE_S
from providers.model.vendor import Credential, Vendor, VerifyContext
from providers.model.verdict import Verdict
from providers.ports import Transport, TransportFailure
from providers_contract.vocabulary import Reason

SIGNATURE_PATIENCE_S: Final = 6.0
"""Seconds of a verification's ten that may be spent waiting before a second try (vendors.md, trap 6)."""

T = TypeVar("T")


class VendorVerifier:
    """Verifies and probes over httpcore2. Connections are reused between calls from synchronous code.

    Args:
        loopback: whether vendors may be at loopback addresses (a stack on one machine).
        emulator: host and port of the vendor emulator, which may be at any address.
        reroute: returns the origin to use for a host instead, or None.
    """

    def __init__(
        self,
        *,
        loopback: bool = False,
        emulator: tuple[str, int] | None = None,
        reroute: Callable[[str], str | None] | None = None,
    ) -> None:
        self.deadline_s = VERIFICATION_DEADLINE_S
        self.probe_deadline_s = PROBE_DEADLINE_S
        self._loop = _LoopThread()
        self._transport = HttpTransport(CheckedBackend(loopback=loopback, emulator=emulator), reroute=reroute)

    def verify(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """Return the verdict of a verification, which may wait once and retry."""
        return self.run(self._call(vendor, credential, base_url, self.deadline_s, SIGNATURE_PATIENCE_S))

    async def probe(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """Return the verdict of a health probe: half the time of a verification, and no retry."""
        return await self._call(vendor, credential, base_url, self.probe_deadline_s, 0.0)

    async def _call(
        self, vendor: Vendor, credential: Credential, base_url: str | None, deadline_s: float, patience_s: float
    ) -> Verdict:
        now = datetime.now(UTC)  # signatures need the real time, not a test's clock
        return await run_exchange(
            self._transport, vendor, credential, base_url, now, deadline_s=deadline_s, patience_s=patience_s
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the event loop that calls vendors, and wait for its result."""
        return self._loop.run(work)

    def close(self) -> None:
        """Cancel running calls, close every connection and end the event loop."""
        self._loop.run(self._transport.aclose())
        self._loop.close()


async def run_exchange(
    transport: Transport,
    vendor: Vendor,
    credential: Credential,
    base_url: str | None,
    now: datetime,
    *,
    deadline_s: float,
    patience_s: float = 0.0,
) -> Verdict:
    """Drive the vendor's exchange over `transport`, in `deadline_s` seconds at most.

    A failure of the network or of the vendor is a verdict, never an exception. `patience_s` is the maximum time to wait
        before a second try.
    """
    exchange = vendor.verify(credential, base_url, VerifyContext(now, patience_s))
    try:
        async with asyncio.timeout(deadline_s):
            request = next(exchange)
            while True:
                if request.delay_s:
                    await asyncio.sleep(request.delay_s)
                request = exchange.send(await transport.send(request))
    except StopIteration as finished:
        verdict: Verdict = finished.value
        return verdict
    except TimeoutError:
        return Verdict(Reason.TIMEOUT)
    except TransportFailure as failure:
        return Verdict(failure.reason)


class _LoopThread:
    """One event loop in its own thread, so that synchronous callers can reuse connections."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="vendors", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and wait for its result. May be called from many threads at once."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Cancel running calls, stop the loop and end the thread."""
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
