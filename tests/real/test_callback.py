"""The LiteLLM callback: which calls get a credential, and where it can go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from providers_data_plane import ConfigurationError, Credentials
from tests.kit.used import Used, used_stack
from tests.real.proxy import MODELS

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


def chosen(provider: str, metadata: str = "metadata") -> dict[str, Any]:
    """Return what the router writes into a call for which it chose a deployment of `provider`."""
    return {"model_info": {"provider_id": provider}, metadata: {"model_info": {"provider_id": provider}}}


def test_a_call_gets_the_credential_and_its_only_address(used: Used, credentials: Credentials) -> None:
    """The key replaces every other, and no address or client of the call can send it elsewhere."""
    elsewhere = {"api_base": "https://evil.example", "base_url": "https://evil.example", "client": object()}

    found = before(credentials, model="openai/gpt", api_key="other", **chosen(used.ids["openai"]), **elsewhere)

    sent = {name: value for name, value in found.items() if name not in ("metadata", "model_info")}
    assert sent == {"model": "openai/gpt", "api_key": used.keys["openai"], "api_base": used.base_url("openai")}


@pytest.mark.parametrize(
    ("vendor", "host"),
    [
        ("openai", "https://api.openai.com/v1"),
        ("anthropic", "https://api.anthropic.com"),
        ("google", "https://generativelanguage.googleapis.com/v1beta"),
        ("groq", "https://api.groq.com/openai/v1"),
        ("fireworks", "https://api.fireworks.ai/inference/v1"),
        ("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com"),
    ],
)
def test_a_key_without_a_base_url_goes_to_its_vendor(
    used: Used, credentials: Credentials, vendor: str, host: str
) -> None:
    """The vendor's own address is set explicitly, so that the call's cannot be used."""
    from tests.kit.used import new_key

    own = used.client.add_provider(vendor, f"{vendor} at home", new_key(vendor)).data

    found = before(credentials, model=MODELS[vendor], api_base="https://evil.example", **chosen(own.id))

    assert found["api_base"] == host


def test_bedrock_gets_an_access_key(used: Used, credentials: Credentials) -> None:
    """A Bedrock credential becomes LiteLLM's parameters for signing."""
    call = chosen(used.ids["bedrock"], "litellm_metadata") | {"model": MODELS["bedrock"]}

    found = before(credentials, **call)

    key_id, secret, region = used.keys["bedrock"].split("::")
    assert found == call | {
        "aws_access_key_id": key_id,
        "aws_secret_access_key": secret,
        "aws_region_name": region,
        "aws_bedrock_runtime_endpoint": used.base_url("bedrock"),
        "api_base": used.base_url("bedrock"),
    }


def test_a_bedrock_api_key_has_an_address(used: Used, credentials: Credentials) -> None:
    """A Bedrock API key is sent as a bearer token: the call gets the address of its region with it."""
    from local.vendors.keys import fake_key

    token, _, region = fake_key("bedrock", "valid-api-key", serial=78).partition("::")
    own = used.client.add_provider("bedrock", "by token", f"{token}::{region or 'us-east-1'}").data

    found = before(credentials, model=MODELS["bedrock"], api_base="https://evil.example", **chosen(own.id))

    address = f"https://bedrock-runtime.{region or 'us-east-1'}.amazonaws.com"
    assert found["api_key"] == token
    assert (found["api_base"], found["aws_bedrock_runtime_endpoint"]) == (address, address)


@pytest.mark.parametrize(
    ("vendor", "call"),
    [
        ("bedrock", {"model": "openai/gpt"}),
        ("bedrock", {"model": "bedrock/claude", "custom_llm_provider": "openai"}),
        ("openai", {"model": "anthropic/claude"}),
        ("google", {"model": "openai/gemini"}),
    ],
)
def test_a_key_is_not_sent_to_another_vendor(
    used: Used, credentials: Credentials, vendor: str, call: dict[str, Any]
) -> None:
    """A call of a deployment whose model is another vendor's is refused, and gets no key."""
    with pytest.raises(ConfigurationError, match=f"is a provider of {vendor}"):
        before(credentials, **call, **chosen(used.ids[vendor]))


@pytest.mark.parametrize("kwargs", [{}, {"metadata": None}, {"metadata": {"model_info": {"id": "x"}}}])
def test_other_deployments_are_left_alone(credentials: Credentials, kwargs: dict[str, Any]) -> None:
    """A deployment that names no provider keeps its own key."""
    assert before(credentials, **kwargs) is None


def test_a_caller_cannot_choose_a_provider(used: Used, credentials: Credentials) -> None:
    """A provider counts only if the call and its metadata name the same one, as the router writes it."""
    openai, groq = ({"model_info": {"provider_id": used.ids[vendor]}} for vendor in ("openai", "groq"))

    assert before(credentials, **openai) is None
    assert before(credentials, metadata=openai) is None
    assert before(credentials, litellm_metadata=openai) is None
    assert before(credentials, metadata=openai, litellm_metadata=openai, model_info={"id": "another"}) is None
    assert before(credentials, **openai, metadata=groq, litellm_metadata={"model_info": "groq"}) is None


@pytest.mark.parametrize(("own", "other"), [("metadata", "litellm_metadata"), ("litellm_metadata", "metadata")])
def test_a_fallback_cannot_choose_a_provider(used: Used, credentials: Credentials, own: str, other: str) -> None:
    """The router merges a fallback of the request into the call: its metadata does not replace the deployment's."""
    openai, groq = used.ids["openai"], used.ids["groq"]

    found = before(
        credentials, model="groq/llama", **chosen(groq, own), **{other: {"model_info": {"provider_id": openai}}}
    )

    assert found["api_key"] == used.keys["groq"]


@pytest.mark.filterwarnings("ignore::UserWarning")  # LiteLLM's own warnings are not errors here
@pytest.mark.parametrize("route", ["aanthropic_messages", "aresponses", "acompletion"])
def test_a_routers_fallback_keeps_its_deployments_provider(used: Used, credentials: Credentials, route: str) -> None:
    """LiteLLM's own router, with a request whose fallback names another provider, sends the deployment's key only."""
    import litellm

    from providers_data_plane.integrations.litellm import ProviderCredentials

    vendor = "anthropic" if route == "aanthropic_messages" else "openai"
    failing = {"model": f"{vendor}/m", "api_key": "wrong", "api_base": f"{used.emulator.url}/nowhere"}
    deployments = [
        {"model_name": "first", "litellm_params": failing},
        {"model_name": "second", "litellm_params": {"model": f"{vendor}/m"}}
        | {"model_info": {"provider_id": used.ids[vendor]}},
    ]
    other = {"model_info": {"provider_id": used.ids["groq"]}}
    prompt = [{"role": "user", "content": "Hello"}]
    asked: Any = {"input": "Hello"} if route == "aresponses" else {"messages": prompt, "max_tokens": 3}
    fallback = {"model": "second", "metadata": other, "litellm_metadata": other} | other

    async def call() -> None:
        router = litellm.Router(deployments, num_retries=0, disable_cooldowns=True)
        await getattr(router, route)(model="first", **asked, fallbacks=[fallback])

    used.emulator.generations.clear()
    previous, litellm.callbacks = litellm.callbacks, [ProviderCredentials(credentials)]
    try:
        asyncio.run(call())
    finally:
        litellm.callbacks = previous

    assert {each.key for each in used.emulator.generations} == {used.keys[vendor]}


def test_a_refused_key_is_reported(used: Used) -> None:
    """A failed call with the vendor's 401 requests a probe of the provider."""
    import httpx2
    from openai import AuthenticationError  # an exception with the status of the vendor's response

    from providers_data_plane.integrations.litellm import ProviderCredentials

    credentials = used.credentials()
    error = AuthenticationError(
        "no", response=httpx2.Response(401, request=httpx2.Request("POST", "http://x")), body=None
    )
    kwargs = {"litellm_params": chosen(used.ids["groq"]), "exception": error}
    asyncio.run(ProviderCredentials(credentials).async_log_failure_event(kwargs, None, None, None))
    credentials.close()

    sqs = used.stack.ports.sqs
    queue = sqs.get_queue_url(QueueName="ProbeQueue")["QueueUrl"]
    assert any(used.ids["groq"] in each["Body"] for each in sqs.receive_message(QueueUrl=queue)["Messages"])
