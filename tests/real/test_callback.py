"""The LiteLLM callback: which calls get a credential, and where it can go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from providers_data_plane import Credentials
from tests.kit.used import Used, used_stack

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def used() -> Iterator[Used]:
    """Run a stack with a provider of each vendor."""
    with used_stack() as running:
        yield running


@pytest.fixture
def credentials(used: Used) -> Iterator[Credentials]:
    """Yield the stack's credentials."""
    made = used.credentials()
    yield made
    made.close()


def before(credentials: Credentials, **kwargs: Any) -> Any:
    """Return what the callback makes of a call; None if it leaves the call as it is."""
    from providers_data_plane.integrations.litellm import ProviderCredentials

    return asyncio.run(ProviderCredentials(credentials).async_pre_call_deployment_hook(kwargs, None))


def chosen(used: Used, vendor: str) -> dict[str, Any]:
    """Return the metadata of a call for which the router chose a deployment of `vendor`'s provider."""
    return {"model_info": {"provider_id": used.ids[vendor]}}


def test_a_call_gets_the_credential_and_its_only_address(used: Used, credentials: Credentials) -> None:
    """The key replaces every other, and no address or client of the call can send it elsewhere."""
    elsewhere = {"api_base": "https://evil.example", "base_url": "https://evil.example", "client": object()}

    found = before(credentials, model="gpt", api_key="other", metadata=chosen(used, "openai"), **elsewhere)

    sent = {name: value for name, value in found.items() if name != "metadata"}
    assert sent == {"model": "gpt", "api_key": used.keys["openai"], "api_base": used.base_url("openai")}


@pytest.mark.parametrize(
    ("vendor", "host"),
    [
        ("openai", "https://api.openai.com/v1"),
        ("anthropic", "https://api.anthropic.com"),
        ("google", "https://generativelanguage.googleapis.com/v1beta"),
        ("groq", "https://api.groq.com/openai/v1"),
        ("fireworks", "https://api.fireworks.ai/inference/v1"),
    ],
)
def test_a_key_without_a_base_url_goes_to_its_vendor(
    used: Used, credentials: Credentials, vendor: str, host: str
) -> None:
    """The vendor's own address is set explicitly, so that the call's cannot be used."""
    from tests.kit.used import new_key

    own = used.client.add_provider(vendor, f"{vendor} at home", new_key(vendor)).data

    found = before(credentials, api_base="https://evil.example", metadata={"model_info": {"provider_id": own.id}})

    assert found["api_base"] == host


def test_bedrock_gets_an_access_key(used: Used, credentials: Credentials) -> None:
    """A Bedrock credential becomes LiteLLM's parameters for signing."""
    found = before(credentials, litellm_metadata=chosen(used, "bedrock"))

    key_id, secret, region = used.keys["bedrock"].split("::")
    assert found | {"litellm_metadata": None} == {
        "litellm_metadata": None,
        "aws_access_key_id": key_id,
        "aws_secret_access_key": secret,
        "aws_region_name": region,
        "aws_bedrock_runtime_endpoint": used.base_url("bedrock"),
    }


@pytest.mark.parametrize("kwargs", [{}, {"metadata": None}, {"metadata": {"model_info": {"id": "x"}}}])
def test_other_deployments_are_left_alone(credentials: Credentials, kwargs: dict[str, Any]) -> None:
    """A deployment that names no provider keeps its own key."""
    assert before(credentials, **kwargs) is None


def test_a_caller_cannot_choose_a_provider(used: Used, credentials: Credentials) -> None:
    """Only the metadata, which the router writes, names a provider; a member of the request's body does not."""
    assert before(credentials, model_info={"provider_id": used.ids["openai"]}) is None


def test_a_refused_key_is_reported(used: Used) -> None:
    """A failed call with the vendor's 401 requests a probe of the provider."""
    import httpx2
    from openai import AuthenticationError  # an exception with the status of the vendor's response

    from providers_data_plane.integrations.litellm import ProviderCredentials

    credentials = used.credentials()
    error = AuthenticationError(
        "no", response=httpx2.Response(401, request=httpx2.Request("POST", "http://x")), body=None
    )
    kwargs = {"litellm_params": {"metadata": chosen(used, "groq")}, "exception": error}
    asyncio.run(ProviderCredentials(credentials).async_log_failure_event(kwargs, None, None, None))
    credentials.close()

    sqs = used.stack.ports.sqs
    queue = sqs.get_queue_url(QueueName="ProbeQueue")["QueueUrl"]
    assert any(used.ids["groq"] in each["Body"] for each in sqs.receive_message(QueueUrl=queue)["Messages"])
