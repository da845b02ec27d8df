"""Protocols of everything outside the use cases. `adapters/` implements them, `tests/kit` has fakes.

One contract suite runs over every implementation of the stores. A name is imported when it is first asked for: a
function uses a few of the ports, and the models of all of them would take a tenth of its cold start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from providers.model.policy import Policy
    from providers.model.vendor import Vendor
    from providers.ports.audit import AuditFilter, AuditStore
    from providers.ports.clock import Clock
    from providers.ports.encryption import Cipher, DataKeyStore, Digests, TamperedCredential
    from providers.ports.events import Outbox, Published, Publisher, Refused
    from providers.ports.expiry import Expired, ExpiredStore
    from providers.ports.health import HealthStore
    from providers.ports.idempotency import IdempotencyStore
    from providers.ports.management_keys import ManagementKeyStore
    from providers.ports.metrics import Metrics
    from providers.ports.providers import READ_AT_MOST, ProviderFilter, ProviderStore
    from providers.ports.routing import RoutingStore
    from providers.ports.side_writes import NO_SIDE_WRITES, SideWrites
    from providers.ports.sweep import Due, Probed, ProbeStore, Queue
    from providers.ports.uploads import UploadStore
    from providers.ports.vendors import Prober, Transport, TransportFailure, VerificationCounter, Verifier
    from providers.ports.write_errors import LeaseLost, LimitReached, MissingProvider, NameTaken, StaleWrite, UploadUsed

__all__ = [
    "NO_SIDE_WRITES",
    "READ_AT_MOST",
    "AuditFilter",
    "AuditStore",
    "Cipher",
    "Clock",
    "DataKeyStore",
    "Digests",
    "Due",
    "Expired",
    "ExpiredStore",
    "HealthStore",
    "IdempotencyStore",
    "LeaseLost",
    "LimitReached",
    "ManagementKeyStore",
    "Metrics",
    "MissingProvider",
    "NameTaken",
    "Outbox",
    "Ports",
    "ProbeStore",
    "Probed",
    "Prober",
    "ProviderFilter",
    "ProviderStore",
    "Published",
    "Publisher",
    "Queue",
    "Refused",
    "RoutingStore",
    "SideWrites",
    "StaleWrite",
    "TamperedCredential",
    "Transport",
    "TransportFailure",
    "UploadStore",
    "UploadUsed",
    "VerificationCounter",
    "Verifier",
    "Work",
]

_NAMES: Final = {
    "audit": "AuditFilter AuditStore",
    "clock": "Clock",
    "encryption": "Cipher DataKeyStore Digests TamperedCredential",
    "events": "Outbox Published Publisher Refused",
    "expiry": "Expired ExpiredStore",
    "health": "HealthStore",
    "idempotency": "IdempotencyStore",
    "management_keys": "ManagementKeyStore",
    "metrics": "Metrics",
    "providers": "READ_AT_MOST ProviderFilter ProviderStore",
    "routing": "RoutingStore",
    "side_writes": "NO_SIDE_WRITES SideWrites",
    "sweep": "Due Probed ProbeStore Queue",
    "uploads": "UploadStore",
    "vendors": "Prober Transport TransportFailure VerificationCounter Verifier",
    "write_errors": "LeaseLost LimitReached MissingProvider NameTaken StaleWrite UploadUsed",
}
_MODULES: Final = {name: module for module, names in _NAMES.items() for name in names.split()}

if not TYPE_CHECKING:  # for mypy, the imports above are all there is

    def __getattr__(name: str) -> Any:
        """Import a port, or what belongs to one, on first use."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


T = TypeVar("T")


class Ports(Protocol):
    """Everything that a use case may use; each part is built on first use."""

    @property
    def policy(self) -> Policy:
        """The operator's settings."""
        ...

    @property
    def clock(self) -> Clock:
        """Time and identity."""
        ...

    @property
    def metrics(self) -> Metrics:
        """Metrics for operators."""
        ...

    @property
    def providers(self) -> ProviderStore:
        """Providers and their sealed credentials."""
        ...

    @property
    def routing(self) -> RoutingStore:
        """Routing configs."""
        ...

    @property
    def expired(self) -> ExpiredStore:
        """Retired versions."""
        ...

    @property
    def audit(self) -> AuditStore:
        """The audit trail."""
        ...

    @property
    def idempotency(self) -> IdempotencyStore:
        """Requests by their idempotency keys."""
        ...

    @property
    def uploads(self) -> UploadStore:
        """Upload links."""
        ...

    @property
    def verifications(self) -> VerificationCounter:
        """Counters of verifications."""
        ...

    @property
    def management_keys(self) -> ManagementKeyStore:
        """Management keys and their counters."""
        ...

    @property
    def cipher(self) -> Cipher:
        """Seals and opens credentials."""
        ...

    @property
    def digests(self) -> Digests:
        """Keyed digests."""
        ...

    @property
    def verify(self) -> Verifier:
        """Verifies a credential with its vendor."""
        ...

    @property
    def vendors(self) -> Callable[[str], Vendor]:
        """A vendor by its name; KeyError for an unknown one."""
        ...

    @property
    def probes(self) -> ProbeStore:
        """Providers, as the sweep reads and writes them."""
        ...

    @property
    def health(self) -> HealthStore:
        """Samples."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Events to be published."""
        ...

    @property
    def publisher(self) -> Publisher:
        """Publishes events."""
        ...

    @property
    def queue(self) -> Queue:
        """Work for the probe workers."""
        ...

    @property
    def probe(self) -> Prober:
        """Probes a credential with its vendor."""
        ...

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the event loop of the vendor calls, and wait for its result."""
        ...


Work = Callable[[Ports, Sequence[str], int, float], Awaitable[Sequence[bool | Exception]]]
"""Work on messages: returns for each whether it is done, or the error.

Arguments: the bodies, the maximum concurrency, and when to start no more (on the event loop's clock).
"""
