"""The values of fields in requests and responses.

A client must accept values that are not listed here: the API may add some.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """The permissions of a management key."""

    PROVIDERS_READ = "providers:read"
    PROVIDERS_WRITE = "providers:write"
    ROUTING_READ = "routing:read"
    ROUTING_WRITE = "routing:write"

    @property
    def writes(self) -> bool:
        """Whether it permits changes."""
        return self.value.endswith(":write")


class Status(StrEnum):
    """A provider's status. `pending`: stored while the vendor was unavailable, not yet verified."""

    ACTIVE = "active"
    DISABLED = "disabled"
    PENDING = "pending"


class HealthState(StrEnum):
    """A provider's health. `unknown`: the active key version has not been probed yet."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class Outcome(StrEnum):
    """The result of a verification or a probe."""

    VALID = "valid"
    LIMITED = "limited"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"

    @property
    def promotes(self) -> bool:
        """Whether a credential with this outcome may be stored and become active."""
        return self in (Outcome.VALID, Outcome.LIMITED)


class Reason(StrEnum):
    """The reasons for which a verification or a probe does not end with `valid`."""

    # limited: the vendor accepts the credential but restricts its use
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    PAYMENT_REQUIRED = "payment_required"
    INSUFFICIENT_PERMISSION = "insufficient_permission"
    NETWORK_RESTRICTED = "network_restricted"
    NOT_A_MEMBER = "not_a_member"
    SERVICE_NOT_ENABLED = "service_not_enabled"
    KEY_AUTH_DISABLED = "key_auth_disabled"
    ACCOUNT_SUSPENDED = "account_suspended"
    WRONG_REGION = "wrong_region"
    # invalid: the vendor refused the credential itself
    CREDENTIAL_REJECTED = "credential_rejected"
    CREDENTIAL_EXPIRED = "credential_expired"
    CREDENTIAL_SUSPENDED = "credential_suspended"
    CREDENTIAL_LEAKED = "credential_leaked"
    ACCOUNT_DISABLED = "account_disabled"
    # indeterminate: the vendor or the network failed, or the response is not a known one
    TIMEOUT = "timeout"
    DNS_FAILED = "dns_failed"
    CONNECTION_FAILED = "connection_failed"
    CONNECTION_DROPPED = "connection_dropped"
    TLS_FAILED = "tls_failed"
    ADDRESS_REFUSED = "address_refused"
    HTTP_5XX = "http_5xx"
    OVERLOADED = "overloaded"
    THROTTLED = "throttled"
    REDIRECTED = "redirected"
    ANSWER_TOO_LARGE = "answer_too_large"
    UNEXPECTED_ANSWER = "unexpected_answer"
    WRONG_PATH = "wrong_path"
    LOCATION_NOT_SUPPORTED = "location_not_supported"
    NETWORK_BLOCKED = "network_blocked"
    CLOCK_SKEW = "clock_skew"
    REGION_NOT_ENABLED = "region_not_enabled"
    # indeterminate: no request was sent
    BASE_URL_NOT_ALLOWED = "base_url_not_allowed"
    SEAL_BROKEN = "seal_broken"


class Action(StrEnum):
    """The changes in the audit trail. Only the sweep makes `VERIFIED` and `PENDING_EXPIRED`, of pending providers."""

    CREATED = "provider.created"
    UPDATED = "provider.updated"
    ROTATED = "provider.rotated"
    ROLLED_BACK = "provider.rolled_back"
    VERSION_DESTROYED = "provider.version_destroyed"
    VERIFIED = "provider.verified"
    PENDING_EXPIRED = "provider.pending_expired"
    DELETED = "provider.deleted"
    ROUTING_CREATED = "routing_config.created"
    ROUTING_UPDATED = "routing_config.updated"
    ROUTING_DELETED = "routing_config.deleted"
    UPLOAD_CREATED = "upload.created"


class ActorType(StrEnum):
    """The author of a change. `upload`: a person with a one-time link; `system`: the sweep."""

    MANAGEMENT_KEY = "management_key"
    UPLOAD = "upload"
    SYSTEM = "system"


class ResourceType(StrEnum):
    """The kinds of resources in the audit trail and in errors."""

    PROVIDER = "provider"
    ROUTING_CONFIG = "routing_config"
    UPLOAD = "upload"


class WarningCode(StrEnum):
    """The warnings about a change."""

    ACCOUNT_CHANGED = "account_changed"
    BASE_URL_RESET = "base_url_reset"
    CREDENTIAL_UNCHANGED = "credential_unchanged"
    DUPLICATE_CREDENTIAL = "duplicate_credential"
    UNFAMILIAR_FORMAT = "unfamiliar_format"
    VERSION_RETIRED_EARLY = "version_retired_early"
    WRONG_REGION = "wrong_region"


class Strategy(StrEnum):
    """The ways in which a routing config uses its attempts. `single` has exactly one."""

    SINGLE = "single"
    FALLBACK = "fallback"


class HistorySpan(StrEnum):
    """The time that a provider's health history covers."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"


DEFAULT_HISTORY_SPAN: Final = HistorySpan.DAY


class Include(StrEnum):
    """Fields of a list's entries that are returned on request only."""

    HISTORY = "history"
    SPARKLINE = "sparkline"
