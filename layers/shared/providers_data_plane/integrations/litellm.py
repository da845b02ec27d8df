"""A callback for LiteLLM's proxy and router: calls of a deployment that names a provider use its active credential.

In the proxy's configuration (`providers routing litellm` writes the deployments):

    litellm_settings:
      callbacks: ["providers_data_plane.integrations.litellm.callback"]
    model_list:
      - model_name: production
        litellm_params: {model: openai/gpt-5}
        model_info: {provider_id: prov_…}
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from litellm import get_llm_provider
from litellm.integrations.custom_logger import CustomLogger

from providers_contract import vendors
from providers_data_plane.credentials import Credential, Credentials
from providers_data_plane.errors import ConfigurationError
from providers_data_plane.integrations.aws import place

_PLACES: Final = ("api_base", "base_url", "aws_bedrock_runtime_endpoint", "client")
"""What would send the credential elsewhere, and a client that was made with another credential."""

_AWS: Final = {
    "AWS_ACCESS_KEY_ID": "aws_access_key_id",
    "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
    "AWS_SESSION_TOKEN": "aws_session_token",
    "AWS_BEARER_TOKEN_BEDROCK": "api_key",
}


class ProviderCredentials(CustomLogger):  # type: ignore[misc, unused-ignore]  # litellm is not installed everywhere
    """Puts the active credential of a deployment's provider into each call, and reports refusals.

    Args:
        credentials: by default those of the environment, read with the first call.
    """

    def __init__(self, credentials: Credentials | None = None) -> None:
        super().__init__()
        if credentials is not None:
            self.credentials = credentials

    @cached_property
    def credentials(self) -> Credentials:
        """The credentials of the environment."""
        return Credentials.from_environment()

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any] | None:  # noqa: ARG002 - LiteLLM's signature
        """Return the call with the provider's credential, and with the only base_url to which it may be sent."""
        provider = _provider_in(kwargs)
        if provider is None:
            return None
        async with self.credentials.use(provider) as credential:
            _check_vendor(kwargs, credential)
            kept = {name: value for name, value in kwargs.items() if name not in _PLACES}
            return kept | parameters(credential)

    async def async_log_failure_event(
        self,
        kwargs: dict[str, Any],
        response_obj: Any,  # noqa: ARG002 - LiteLLM's signature
        start_time: Any,  # noqa: ARG002
        end_time: Any,  # noqa: ARG002
    ) -> None:
        """Report a refused key, so that its provider is probed within seconds."""
        provider = _provider_in(kwargs.get("litellm_params") or {})
        if provider is not None:
            async with self.credentials.use(provider) as credential:
                credential.report(kwargs.get("exception"))


def parameters(credential: Credential) -> dict[str, Any]:
    """Return LiteLLM's parameters for a credential."""
    facts, key = vendors.facts(credential.vendor), credential.api_key
    if facts.key_header is None:  # Bedrock: its requests are signed
        region, endpoint = place(credential)
        parts = facts.variables.exported(key, None)
        found = {parameter: parts[name] for name, parameter in _AWS.items() if parts.get(name)}
        return found | {"aws_region_name": region, "aws_bedrock_runtime_endpoint": endpoint, "api_base": endpoint}
    if facts.name == "google":
        base_url = (facts.sdk_base_url(credential.base_url) or f"https://{facts.hosts[0]}") + "/v1beta"
    elif facts.openai_path is not None and facts.name != "azure":
        base_url = facts.openai_base_url(credential.base_url)
    else:
        base_url = facts.sdk_base_url(credential.base_url) or f"https://{facts.hosts[0]}"
    return {"api_key": key, "api_base": base_url}


def _check_vendor(kwargs: dict[str, Any], credential: Credential) -> None:
    """Raise ConfigurationError unless LiteLLM sends the call to the credential's vendor."""
    _, found, *_ = get_llm_provider(
        model=str(kwargs.get("model")), custom_llm_provider=kwargs.get("custom_llm_provider")
    )
    if found != vendors.LITELLM_NAMES[credential.vendor]:
        raise ConfigurationError(
            f"LiteLLM sends the model to {found}, but {credential.provider_id} is a provider of {credential.vendor}"
        )


def _provider_in(kwargs: dict[str, Any]) -> str | None:
    """Return the provider that the deployment names, or None.

    The router overwrites `model_info`, and one of the two places of metadata; callers can write the other, for example
    in `fallbacks`. Without a router, `model_info` alone comes from the request's body, so both must agree.
    """
    own = _named(kwargs)
    return own if own in (_named(kwargs.get("metadata")), _named(kwargs.get("litellm_metadata"))) else None


def _named(place: Any) -> str | None:
    """Return the provider that the `model_info` of a place names. Callers can put anything into some places."""
    info = place.get("model_info") if isinstance(place, dict) else None
    found = info.get("provider_id") if isinstance(info, dict) else None
    return found if isinstance(found, str) else None


callback: Final = ProviderCredentials()
