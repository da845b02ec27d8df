"""Use the credentials of the Providers API in a program that calls the vendors.

    credentials = Credentials.from_environment()
    with credentials.use("OpenAI Production") as c:
        client = OpenAI(api_key=c.api_key, base_url=c.base_url)

docs/data-plane.md lists the environment variables and explains how long a credential stays in memory.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from providers_data_plane.credentials import Credential, Credentials, Use
    from providers_data_plane.errors import (
        BaseUrlNotAllowed,
        ConfigurationError,
        CredentialError,
        CredentialTampered,
        ProviderDisabled,
        ProviderNotFound,
        Unavailable,
        VersionNotFound,
    )
    from providers_data_plane.settings import Settings

__all__ = [
    "BaseUrlNotAllowed",
    "ConfigurationError",
    "Credential",
    "CredentialError",
    "CredentialTampered",
    "Credentials",
    "ProviderDisabled",
    "ProviderNotFound",
    "Settings",
    "Unavailable",
    "Use",
    "VersionNotFound",
]

_MODULES: Final = ("errors", "settings", "credentials")


def __getattr__(name: str) -> Any:
    """Import a public name on first use: botocore and cryptography load with the first credential."""
    if name in __all__:
        for module in _MODULES:
            found = getattr(import_module(f"{__name__}.{module}"), name, None)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
