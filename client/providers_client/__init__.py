"""Typed client of the Providers API.

    with Client("https://….execute-api.….amazonaws.com/live", "mlx_mk_…") as client:
        for provider in client.list_providers(health="unhealthy"):
            print(provider.name)

`Client.from_environment()` takes the address from PROVIDERS_API_URL and the management key from PROVIDERS_API_KEY.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from providers_client.aio import AsyncClient
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
        UnexpectedResponse,
        Unprocessable,
        UpstreamFailed,
    )
    from providers_client.sending import Backoff
    from providers_client.sync import Client
    from providers_client.unset import UNSET, Unset
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
    "UnexpectedResponse",
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

_MODULES: Final = (
    "providers_client.errors",
    "providers_contract.responses",
    "providers_client.unset",
    "providers_client.sending",
    "providers_client.sync",
    "providers_client.aio",
)


def __getattr__(name: str) -> Any:
    """Import a public name on first use: the command line starts without the clients and their HTTP library."""
    if name in __all__:
        for module in map(import_module, _MODULES):
            if hasattr(module, name):
                globals()[name] = found = getattr(module, name)
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
