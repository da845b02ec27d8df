"""Clients of Amazon Bedrock that sign each request with the active access key."""

from __future__ import annotations

import re
from typing import Any, Final

from botocore.credentials import Credentials as AwsCredentials
from botocore.credentials import ReadOnlyCredentials

from providers_contract import vendors
from providers_contract.hosts import host_of
from providers_data_plane.credentials import Credential, Credentials
from providers_data_plane.errors import ConfigurationError

SERVICE = "bedrock-runtime"
_REGION: Final = re.compile(r"(?:^|\.)bedrock[a-z-]*\.([a-z0-9-]+)\.")


class _Active(AwsCredentials):
    """The active access key of a provider: botocore freezes it for each request."""

    def __init__(self, credentials: Credentials, provider: str) -> None:
        self._credentials = credentials
        self._provider = provider
        self.method = "providers-data-plane"

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return the access key for one request."""
        with self._credentials.use(self._provider) as credential:
            return _frozen(credential)

    def get_deferred_property(self, property_name: str) -> Any:
        """Return a function that reads one part of the access key."""
        return lambda: getattr(self.get_frozen_credentials(), property_name)


def bedrock(credentials: Credentials, provider: str, **options: Any) -> Any:
    """Return boto3's `bedrock-runtime` client. `provider` is an id or a name; `options` are those of `Session.client`.

    Raises ConfigurationError for a Bedrock API key, which is a bearer token and needs no boto3.
    """
    import boto3
    from botocore.session import get_session

    session: Any = get_session()
    session._credentials = _Active(credentials, provider)  # noqa: SLF001 - as `set_credentials`, which takes fixed ones
    made: Any = boto3.Session(botocore_session=session)
    return made.client(SERVICE, **_place(credentials, provider) | options)


def async_bedrock(credentials: Credentials, provider: str, **options: Any) -> Any:
    """Return aiobotocore's `bedrock-runtime` client, as an asynchronous context manager."""
    from aiobotocore.credentials import AioCredentials
    from aiobotocore.session import get_session

    class Active(AioCredentials):  # type: ignore[misc, unused-ignore]
        """The active access key, frozen for each request."""

        async def get_frozen_credentials(self) -> ReadOnlyCredentials:
            async with credentials.use(provider) as credential:
                return _frozen(credential)

    session = get_session()
    session._credentials = Active("-", "-")  # noqa: SLF001
    return session.create_client(SERVICE, **_place(credentials, provider) | options)


def _frozen(credential: Credential) -> ReadOnlyCredentials:
    parts = vendors.facts(credential.vendor).variables.exported(credential.api_key, None)
    key_id, secret = parts.get("AWS_ACCESS_KEY_ID"), parts.get("AWS_SECRET_ACCESS_KEY")
    if key_id is None or secret is None:
        raise ConfigurationError("the provider has no AWS access key")
    return ReadOnlyCredentials(key_id, secret, parts.get("AWS_SESSION_TOKEN"))


def place(credential: Credential) -> tuple[str, str]:
    """Return the region and the endpoint of a Bedrock credential.

    Both are explicit, so that no variable of the environment redirects prompts. Raises ConfigurationError.
    """
    facts = vendors.facts(credential.vendor)
    region = facts.variables.exported(credential.api_key, None).get("AWS_REGION")
    if region is None and facts.owns(credential.base_url):
        found = _REGION.search(host_of(credential.base_url or ""))
        region = found[1] if found else None
    endpoint = facts.sdk_base_url(credential.base_url) or (facts.regional_base_url(region) if region else None)
    if region is None or endpoint is None:
        raise ConfigurationError("the Bedrock key names no known region: store it as KEY::REGION")
    return region, endpoint


def _place(credentials: Credentials, provider: str) -> dict[str, Any]:
    """Return the region and the endpoint of a client."""
    with credentials.use(provider) as credential:
        _frozen(credential)
        region, endpoint = place(credential)
        local = credentials._settings.local and credential.base_url is None  # noqa: SLF001
        return {"region_name": region, "endpoint_url": None if local else endpoint}
