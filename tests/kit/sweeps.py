"""One minute of the sweep: queue the due providers and deliver the messages to a worker."""

from __future__ import annotations

from collections.abc import Sequence

from providers.edge.background import queue_worker
from providers.model.events import EventType
from providers.model.provider import Provider
from providers.model.verdict import Verdict
from providers.usecases.probe import probe_messages
from providers.usecases.sweep import dispatch
from providers_contract.vocabulary import Reason
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import Invocation
from tests.kit.requests import ORG, added


def deliver(ports: FakePorts, bodies: Sequence[str], left_ms: int = 60_000) -> list[int]:
    """Deliver messages to a worker; return the positions of the failed ones, which SQS redelivers."""
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    failures = queue_worker(lambda: ports, probe_messages)({"Records": records}, Invocation(left_ms))
    return [int(each["itemIdentifier"]) for each in failures["batchItemFailures"]]


def sweep(ports: FakePorts) -> list[str]:
    """Sweep one minute, delivering each message once; return the queued messages."""
    ports.clock.pass_time(minutes=1)
    ports.queue.sent.clear()
    dispatch(ports, ports.clock.now())
    sent = list(ports.queue.sent)
    assert deliver(ports, sent) == []
    return sent


def stored(ports: FakePorts, provider: Provider) -> Provider:
    found = ports.providers.get(ORG, provider.id)
    assert found is not None
    return found


def health_events(ports: FakePorts) -> list[tuple[str, str]]:
    return [
        (event.detail["from"], event.detail["to"]) for event in ports.events if event.type is EventType.HEALTH_CHANGED
    ]


def pending(ports: FakePorts, mark: str = "one") -> Provider:
    """Return a provider that was stored while its vendor was down."""
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    return added(ports, mark, on_unavailable="store_pending")
