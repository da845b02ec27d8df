"""The CloudWatch metrics of a stack. docs/metrics.md has the same table."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal

from providers_contract.frozen import dataclass
from providers_contract.vendors import NAMES
from providers_contract.vocabulary import Outcome


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric.

    Args:
        name: in CloudWatch.
        unit: CloudWatch's unit.
        meaning: its description.
        dimensions: their names; `DIMENSIONS` has the values. No dimension is an id: CloudWatch bills each combination.
    """

    name: str
    unit: Literal["Count", "Milliseconds", "Seconds"]
    meaning: str
    dimensions: tuple[str, ...] = ()


_VENDOR_OUTCOME: Final = ("vendor", "outcome")

DIMENSIONS: Final[dict[str, Collection[str]]] = {"vendor": NAMES, "outcome": tuple(each.value for each in Outcome)}
"""Every dimension with all of its values."""

ROTATIONS: Final = Metric("Rotations", "Count", "active credentials replaced, rollbacks included", ("vendor",))
VERIFICATIONS: Final = Metric(
    "Verifications", "Count", "credentials verified with their vendor before they were stored", _VENDOR_OUTCOME
)
VERIFICATION_LATENCY: Final = Metric(
    "VerificationLatency", "Milliseconds", "the vendor's response time in a verification", _VENDOR_OUTCOME
)
PROBES: Final = Metric("Probes", "Count", "health probes recorded", _VENDOR_OUTCOME)
PROBE_LATENCY: Final = Metric("ProbeLatency", "Milliseconds", "the vendor's response time in a probe", _VENDOR_OUTCOME)
PROVIDERS_DUE: Final = Metric("ProvidersDue", "Count", "providers that one run of the sweep queued for a probe")
PROVIDERS_BACKED_OFF: Final = Metric(
    "ProvidersBackedOff", "Count", "providers that one run of the sweep skipped, because earlier probes failed"
)
PROVIDERS_UNHEALTHY: Final = Metric("ProvidersUnhealthy", "Count", "providers that were unhealthy after their probe")
SWEEP_LAG: Final = Metric(
    "SweepLag", "Seconds", "from the start of the minute that a batch of probes is for until a worker reads it"
)
OUTBOX_AGE: Final = Metric(
    "OutboxAge", "Seconds", "age of the oldest unpublished event in each shard of the outbox, 0 if it is empty"
)
EVENTS_PUBLISHED: Final = Metric("EventsPublished", "Count", "events that EventBridge accepted")
EVENTS_QUARANTINED: Final = Metric(
    "EventsQuarantined", "Count", "events that EventBridge rejected permanently, or for a day"
)
DYNAMODB_FAILURES: Final = Metric(
    "DynamoDBFailures", "Count", "DynamoDB calls that failed or got no response, retries included; no throttles"
)
KMS_FAILURES: Final = Metric(
    "KMSFailures", "Count", "KMS calls that failed or got no response, retries included; no throttles"
)
DYNAMODB_THROTTLES: Final = Metric(
    "DynamoDBThrottles", "Count", "DynamoDB responses that throttled a call or a part of it, retries included"
)
KMS_THROTTLES: Final = Metric("KMSThrottles", "Count", "KMS responses that throttled a call, retries included")
LOST_LEASES: Final = Metric(
    "LostLeases", "Count", "requests that outlived the lease on their Idempotency-Key, so that another took over"
)
RETIRED_VERSIONS: Final = Metric(
    "RetiredVersions", "Count", "key versions that one run of the reaper destroyed at the end of their grace window"
)

METRICS: Final = tuple(each for each in list(globals().values()) if isinstance(each, Metric))
