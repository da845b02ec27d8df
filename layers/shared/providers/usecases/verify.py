"""Drive a vendor's conversation over a transport, within one total deadline."""

from __future__ import annotations

import asyncio
from datetime import datetime

from providers.model.vendor import Circumstances, Credential, Vendor
from providers.model.verdict import Verdict
from providers.ports import Transport, TransportFailure
from providers_contract.vocabulary import Reason


async def verify(
    transport: Transport,
    vendor: Vendor,
    credential: Credential,
    base_url: str | None,
    now: datetime,
    *,
    deadline_s: float,
    patience_s: float = 0.0,
) -> Verdict:
    """Ask `vendor` about `credential`, in `deadline_s` seconds at most.

    A failure of the network or of the vendor is a verdict, never an exception. `patience_s` is how many seconds of
    the deadline a second try may spend waiting.
    """
    conversation = vendor.verify(credential, base_url, Circumstances(now, patience_s))
    try:
        async with asyncio.timeout(deadline_s):
            request = next(conversation)
            while True:
                if request.delay_s:
                    await asyncio.sleep(request.delay_s)
                request = conversation.send(await transport.send(request))
    except StopIteration as finished:
        verdict: Verdict = finished.value
        return verdict
    except TimeoutError:
        return Verdict(Reason.TIMEOUT)
    except TransportFailure as failure:
        return Verdict(failure.reason)
