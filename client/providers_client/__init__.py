"""A typed client of the Providers API.

    with Client("https://….execute-api.….amazonaws.com/live", "mlx_mk_…") as client:
        for provider in client.list_providers(health="unhealthy"):
            print(provider.name)

`Client.from_environment()` takes the address from PROVIDERS_API_URL and the management key from PROVIDERS_API_KEY.
"""

from providers_client.aio import AsyncClient
from providers_client.calls import UNSET, Unset
from providers_client.errors import (
    AuthenticationFailed,
    ConfigurationError,
    Conflict,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ProvidersAPIError,
    RateLimited,
    ServerFailed,
    UnexpectedAnswer,
    Unprocessable,
    UpstreamFailed,
)
from providers_client.sending import Backoff
from providers_client.sync import Client
from providers_contract.responses import (
    Actor,
    AttemptView,
    AuditEntry,
    Changed,
    Deleted,
    DeletedRoutingConfig,
    DestroyedVersion,
    FieldError,
    Health,
    HealthSummary,
    HistoryPoint,
    Page,
    Percentiles,
    Provider,
    Reference,
    Resource,
    RoutingConfig,
    Upload,
    Verification,
    Version,
    Warning,  # noqa: A004 - the contract's word
    Windows,
    WindowView,
)

__all__ = [
    "UNSET",
    "Actor",
    "AsyncClient",
    "AttemptView",
    "AuditEntry",
    "AuthenticationFailed",
    "Backoff",
    "Changed",
    "Client",
    "ConfigurationError",
    "Conflict",
    "ConnectionFailed",
    "Deleted",
    "DeletedRoutingConfig",
    "DestroyedVersion",
    "FieldError",
    "Health",
    "HealthSummary",
    "HistoryPoint",
    "InvalidRequest",
    "NotFound",
    "Page",
    "Percentiles",
    "PermissionDenied",
    "PreconditionFailed",
    "Provider",
    "ProvidersAPIError",
    "RateLimited",
    "Reference",
    "Resource",
    "RoutingConfig",
    "ServerFailed",
    "UnexpectedAnswer",
    "Unprocessable",
    "Unset",
    "Upload",
    "UpstreamFailed",
    "Verification",
    "Version",
    "Warning",
    "WindowView",
    "Windows",
]
