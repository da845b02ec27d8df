"""The composition root: reads the environment once, builds each client when it is first used.

A test or the local stack passes its own parts to `install`. Functions import their decorators from `entrypoints`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from providers.model.policy import LIMITS, Limits, Policy, Thresholds
from providers_contract.frozen import dataclass
from providers_contract.hosts import host_matches, host_patterns

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from providers.adapters.digests import StackDigests
    from providers.adapters.verifier import VendorVerifier
    from providers.model.vendor import Credential, Vendor
    from providers.model.verdict import Verdict
    from providers.ports import (
        AuditStore,
        Cipher,
        Clock,
        ExpiredStore,
        HealthStore,
        IdempotencyStore,
        ManagementKeyStore,
        Metrics,
        Outbox,
        Ports,
        ProbeStore,
        ProviderStore,
        Publisher,
        Queue,
        RoutingStore,
        UploadStore,
        VerificationCounter,
    )

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in the environment. Only the local stack sets `aws_url` and `vendors_url`, for its emulators."""

    main_table: str
    secrets_table: str
    kms_key_id: str
    grace_s: int = 3600
    rate_limit: int = 60
    verifications_per_org: int = 30
    verifications: int = 300
    allowed_base_url_hosts: tuple[str, ...] = ()
    limits: Limits = LIMITS
    queue_url: str = ""
    event_bus: str = "default"
    metrics_namespace: str = "providers-api"
    interval_minutes: int = 1
    unhealthy_after: int = 3
    recovered_after: int = 2
    degraded_below: float = 0.95
    aws_url: str | None = None
    vendors_url: str | None = None
    local: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, local: bool = False) -> Settings:
        """Return the settings in `environment`. Raises KeyError for a missing variable, ValueError for an invalid one.

        `local` is for the stack in one process; `LOCAL_AWS_URL` has the same effect for a stack in containers.
        """
        vendors_url = environment.get("LOCAL_VENDORS_URL") or None
        aws_url = environment.get("LOCAL_AWS_URL") or None
        return cls(
            main_table=environment["MAIN_TABLE"],
            secrets_table=environment["SECRETS_TABLE"],
            kms_key_id=environment["KMS_KEY_ID"],
            grace_s=int(environment.get("GRACE_SECONDS") or 3600),
            rate_limit=int(environment.get("RATE_LIMIT_PER_MINUTE") or 60),
            verifications_per_org=int(environment.get("VERIFICATIONS_PER_MINUTE_PER_ORG") or 30),
            verifications=int(environment.get("VERIFICATIONS_PER_MINUTE") or 300),
            allowed_base_url_hosts=host_patterns(environment.get("ALLOWED_BASE_URL_HOSTS") or ""),
            limits=Limits(
                **{
                    name: int(environment.get(f"LIMIT_{name.upper()}") or getattr(LIMITS, name))
                    for name in Limits.__slots__
                }
            ),
            queue_url=environment.get("QUEUE_URL") or "",
            event_bus=environment.get("EVENT_BUS") or "default",
            metrics_namespace=environment.get("POWERTOOLS_METRICS_NAMESPACE") or "providers-api",
            interval_minutes=int(environment.get("PROBE_INTERVAL_MINUTES") or 1),
            unhealthy_after=int(environment.get("UNHEALTHY_AFTER") or 3),
            recovered_after=int(environment.get("RECOVERED_AFTER") or 2),
            degraded_below=float(environment.get("DEGRADED_BELOW") or 0.95),
            aws_url=aws_url,
            vendors_url=vendors_url,
            local=local or aws_url is not None,
        )


class Dependencies:
    """The real ports, each built on first use, so that a function loads only the parts that it uses."""

    def __init__(self, settings: Settings) -> None:
        self.settings: Final = settings

    @cached_property
    def policy(self) -> Policy:
        """The operator's settings."""
        return Policy(
            grace=timedelta(seconds=self.settings.grace_s),
            rate_limit=self.settings.rate_limit,
            thresholds=Thresholds(
                self.settings.unhealthy_after,
                self.settings.recovered_after,
                self.settings.degraded_below,
                self.settings.interval_minutes,
            ),
            verifications_per_org=self.settings.verifications_per_org,
            verifications=self.settings.verifications,
            allowed_base_url_hosts=self.settings.allowed_base_url_hosts,
            limits=self.settings.limits,
            local=self.settings.local,
        )

    @cached_property
    def clock(self) -> Clock:
        """The machine's clock."""
        from providers.adapters.clock import SystemClock

        return SystemClock()

    @cached_property
    def metrics(self) -> Metrics:
        """CloudWatch metrics; none in the local stack, which no one monitors and where invocations run in parallel."""
        from providers.adapters.metrics import EmfMetrics, NoMetrics

        return NoMetrics() if self.settings.local else EmfMetrics(self.settings.metrics_namespace)

    @cached_property
    def providers(self) -> ProviderStore:
        """Providers in DynamoDB."""
        from providers.adapters.tables.providers import DynamoProviders

        return DynamoProviders(self.dynamodb, self.settings.main_table, self.settings.secrets_table)

    @cached_property
    def routing(self) -> RoutingStore:
        """Routing configs in DynamoDB."""
        from providers.adapters.tables.routing import DynamoRouting

        return DynamoRouting(self.dynamodb, self.settings.main_table)

    @cached_property
    def expired(self) -> ExpiredStore:
        """The versions that retire, in DynamoDB."""
        from providers.adapters.tables.expiry import DynamoExpired

        return DynamoExpired(self.dynamodb, self.settings.main_table, self.settings.secrets_table)

    @cached_property
    def audit(self) -> AuditStore:
        """The audit trail in DynamoDB."""
        from providers.adapters.tables.audit import DynamoAudit

        return DynamoAudit(self.dynamodb, self.settings.main_table)

    @cached_property
    def idempotency(self) -> IdempotencyStore:
        """Idempotency records in DynamoDB."""
        from providers.adapters.tables.idempotency import DynamoIdempotency

        return DynamoIdempotency(self.dynamodb, self.settings.main_table)

    @cached_property
    def uploads(self) -> UploadStore:
        """Upload links in DynamoDB."""
        from providers.adapters.tables.uploads import DynamoUploads

        return DynamoUploads(self.dynamodb, self.settings.main_table)

    @cached_property
    def verifications(self) -> VerificationCounter:
        """Counters of verifications in DynamoDB."""
        from providers.adapters.tables.counters import DynamoVerifications

        return DynamoVerifications(self.dynamodb, self.settings.main_table)

    @cached_property
    def management_keys(self) -> ManagementKeyStore:
        """Management keys in DynamoDB."""
        from providers.adapters.tables.management_keys import DynamoManagementKeys

        return DynamoManagementKeys(self.dynamodb, self.settings.main_table)

    @cached_property
    def cipher(self) -> Cipher:
        """Envelope encryption under the stack's KMS key."""
        from providers.adapters.envelope import KmsEnvelope
        from providers.adapters.tables.data_keys import DynamoDataKeys

        keys = DynamoDataKeys(self.dynamodb, self.settings.secrets_table, prefix="ORG#")
        return KmsEnvelope(self.kms, self.settings.kms_key_id, keys, self.clock)

    @cached_property
    def digests(self) -> StackDigests:
        """Keyed digests under the stack's digest key."""
        from providers.adapters.digests import StackDigests
        from providers.adapters.tables.data_keys import DynamoDataKeys

        keys = DynamoDataKeys(self.dynamodb, self.settings.main_table)
        return StackDigests(self.kms, self.settings.kms_key_id, keys)

    @cached_property
    def verifier(self) -> VendorVerifier:
        """Calls to vendors over httpcore2."""
        from providers.adapters.verifier import VendorVerifier

        emulator = urlsplit(self.settings.vendors_url or "")
        return VendorVerifier(
            loopback=self.settings.local,
            emulator=(emulator.hostname, emulator.port) if emulator.hostname and emulator.port else None,
            reroute=self._reroute,
        )

    def verify(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """Return the verdict of a verification."""
        return self.verifier.verify(vendor, credential, base_url)

    async def probe(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """Return the verdict of a health probe."""
        return await self.verifier.probe(vendor, credential, base_url)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the event loop that calls vendors."""
        return self.verifier.run(work)

    def close(self) -> None:
        """Cancel running verifications and close the connections to vendors. A Lambda never calls it."""
        if "verifier" in self.__dict__:
            self.verifier.close()

    @cached_property
    def probes(self) -> ProbeStore:
        """Providers as the sweep sees them, in DynamoDB."""
        from providers.adapters.tables.sweep import DynamoProbes

        return DynamoProbes(self.dynamodb, self.settings.main_table, self.settings.secrets_table)

    @cached_property
    def health(self) -> HealthStore:
        """Samples in DynamoDB."""
        from providers.adapters.tables.health import DynamoHealth

        return DynamoHealth(self.dynamodb, self.settings.main_table)

    @cached_property
    def outbox(self) -> Outbox:
        """The outbox in DynamoDB."""
        from providers.adapters.tables.outbox import DynamoOutbox

        return DynamoOutbox(self.dynamodb, self.settings.main_table)

    @cached_property
    def publisher(self) -> Publisher:
        """EventBridge."""
        from providers.adapters.messaging import EventBridgePublisher

        return EventBridgePublisher(self.client("events"), self.settings.event_bus)

    @cached_property
    def queue(self) -> Queue:
        """The queue of the probe workers."""
        from providers.adapters.messaging import SqsQueue

        return SqsQueue(self.client("sqs"), self.settings.queue_url)

    @cached_property
    def vendors(self) -> Callable[[str], Vendor]:
        """The vendors in the layer, by name."""
        from providers import vendors

        return vendors.vendor

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """A DynamoDB client."""
        return self.client("dynamodb")  # type: ignore[no-any-return]

    @cached_property
    def kms(self) -> KMSClient:
        """A KMS client."""
        return self.client("kms")  # type: ignore[no-any-return]

    @cached_property
    def _session(self) -> Session:
        """A session for all clients, which reads credentials and endpoints once; boto3's takes longer to import."""
        from botocore.session import get_session

        return get_session()

    def client(self, service: str) -> Any:
        """Return a client of `service`; the local stack replaces this method."""
        from providers.adapters.aws import build_client, count_failures
        from providers_data_plane.clients import CLIENT_CONFIG, EMULATOR_CONFIG

        url = self.settings.aws_url
        client = build_client(service, url, EMULATOR_CONFIG if url else CLIENT_CONFIG, self._session)
        count_failures(client, service, self.metrics)
        return client

    def _reroute(self, host: str) -> str | None:
        """Return the emulator's URL for a vendor's own host, if there is an emulator; otherwise None."""
        from providers import vendors

        official = any(host_matches(host, vendors.vendor(name).hosts) for name in vendors.NAMES)
        return self.settings.vendors_url if official else None


_installed: list[Ports] = []


def install(ports: Ports | None) -> None:
    """Use `ports` from now on; with None, build them from the environment."""
    _installed[:] = [] if ports is None else [ports]


def ports() -> Ports:
    """Return the ports of this process."""
    if not _installed:
        _installed.append(Dependencies(Settings.from_environment(os.environ)))
    return _installed[0]
