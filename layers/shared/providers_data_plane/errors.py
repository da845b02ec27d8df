"""What reading a credential raises. Every error has a `code` of the API; no message contains a part of a credential.

CredentialError
├── ProviderNotFound     provider_not_found: no such provider in the organization, by id or by name
├── VersionNotFound      version_not_found: no such key version, or its grace window has ended
├── ProviderDisabled     provider_disabled: its owner has disabled it
├── BaseUrlNotAllowed    base_url_not_allowed: its host is neither the vendor's nor allowed by the operator
├── CredentialTampered   credential_tampered: the stored credential was not sealed for its place and destination
├── Unavailable          dependency_unavailable: AWS cannot be reached, and nothing that may still be used is cached
└── ConfigurationError   invalid_configuration: a setting is missing or invalid
"""

from __future__ import annotations

from typing import ClassVar


class CredentialError(Exception):
    """The root of the tree; never raised itself."""

    code: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ProviderNotFound(CredentialError):
    """The organization has no such provider."""

    code = "provider_not_found"


class VersionNotFound(CredentialError):
    """The provider has no such key version, or its grace window has ended."""

    code = "version_not_found"

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} does not exist or is no longer readable")
        self.version = version


class ProviderDisabled(CredentialError):
    """The provider's owner has disabled it."""

    code = "provider_disabled"


class BaseUrlNotAllowed(CredentialError):
    """The credential may not be sent to its base_url: the operator allows the host no longer, or not here."""

    code = "base_url_not_allowed"


class CredentialTampered(CredentialError):
    """The stored credential was not sealed for this organization, provider, version, vendor and base_url."""

    code = "credential_tampered"


class Unavailable(CredentialError):
    """DynamoDB or KMS is unavailable, and no cached credential may still be used."""

    code = "dependency_unavailable"


class ConfigurationError(CredentialError):
    """A setting is missing or invalid."""

    code = "invalid_configuration"
