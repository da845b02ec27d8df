"""The vendors' own SDKs, and any HTTP client, use the active credential in each request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

import httpx
import httpx2
import pytest

from providers_data_plane import BaseUrlNotAllowed, ConfigurationError, Credentials, Settings
from providers_data_plane.integrations import aws, sdks
from providers_data_plane.integrations.auth import httpx2_auth, httpx_auth
from tests.kit.used import Used, aws_client, new_key, used_stack

PROMPT: Final[Any] = [{"role": "user", "content": "Hello"}]
TEXT: Final = "This text comes"


@dataclass(frozen=True)
class Stored:
    """A credential of Bedrock."""

    api_key: str
    base_url: str | None
    vendor: str = "bedrock"


@pytest.fixture(scope="module")
def used() -> Iterator[Used]:
    """Run a stack with a provider of each vendor."""
    with used_stack() as running:
        yield running


@pytest.fixture
def credentials(used: Used) -> Iterator[Credentials]:
    """Yield the stack's credentials, which check for a rotation before each use."""
    made = used.credentials(PROVIDERS_MAX_AGE_SECONDS="0.001")
    yield made
    made.close()


def _openai(credentials: Credentials, vendor: str) -> str:
    with sdks.openai(credentials, vendor, max_retries=0) as client:
        said = client.chat.completions.create(model="m", messages=PROMPT, max_tokens=3)
        return said.choices[0].message.content or ""


def _openai_stream(credentials: Credentials, vendor: str) -> str:
    async def said() -> str:
        async with sdks.async_openai(credentials, vendor, max_retries=0) as client:
            stream = await client.responses.create(model="m", input="Hello", max_output_tokens=3, stream=True)
            return "".join([event.delta async for event in stream if event.type == "response.output_text.delta"])

    return asyncio.run(said())


def _azure(credentials: Credentials, vendor: str) -> str:
    with sdks.azure_openai(credentials, vendor, api_version="2024-10-21", max_retries=0) as client:
        said = client.chat.completions.create(model="gpt", messages=PROMPT, max_tokens=3)
        return said.choices[0].message.content or ""


def _azure_stream(credentials: Credentials, vendor: str) -> str:
    async def said() -> str:
        async with sdks.async_azure_openai(credentials, vendor, api_version="2024-10-21", max_retries=0) as client:
            stream = await client.chat.completions.create(model="gpt", messages=PROMPT, max_tokens=3, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    return asyncio.run(said())


def _anthropic(credentials: Credentials, vendor: str) -> str:
    with sdks.anthropic(credentials, vendor, max_retries=0) as client:
        said = client.messages.create(model="m", messages=PROMPT, max_tokens=3)
        return "".join(block.text for block in said.content if block.type == "text")


def _anthropic_stream(credentials: Credentials, vendor: str) -> str:
    async def said() -> str:
        async with (
            sdks.async_anthropic(credentials, vendor, max_retries=0) as client,
            client.messages.stream(model="m", messages=PROMPT, max_tokens=3) as stream,
        ):
            return "".join([text async for text in stream.text_stream])

    return asyncio.run(said())


def _google(credentials: Credentials, vendor: str) -> str:
    with sdks.google(credentials, vendor) as client:
        said = client.models.generate_content(model="m", contents="Hello", config={"max_output_tokens": 3})
        return said.text or ""


def _google_stream(credentials: Credentials, vendor: str) -> str:
    async def said() -> str:
        async with sdks.google(credentials, vendor).aio as client:
            config: Any = {"max_output_tokens": 3}
            stream = await client.models.generate_content_stream(model="m", contents="Hello", config=config)
            return "".join([chunk.text or "" async for chunk in stream])

    return asyncio.run(said())


def _groq(credentials: Credentials, vendor: str) -> str:
    with sdks.groq(credentials, vendor, max_retries=0) as client:
        said = client.chat.completions.create(model="m", messages=PROMPT, max_tokens=3)
        return said.choices[0].message.content or ""


def _groq_stream(credentials: Credentials, vendor: str) -> str:
    async def said() -> str:
        async with sdks.async_groq(credentials, vendor, max_retries=0) as client:
            stream = await client.chat.completions.create(model="m", messages=PROMPT, max_tokens=3, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    return asyncio.run(said())


def _bedrock(credentials: Credentials, vendor: str) -> str:
    client = aws.bedrock(credentials, vendor)
    asked = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "inferenceConfig": {"maxTokens": 3}}
    said = client.converse(modelId="amazon.emulated-v1:0", **asked)
    client.close()
    return str(said["output"]["message"]["content"][0]["text"])


def _httpx2(credentials: Credentials, vendor: str) -> str:
    with credentials.use(vendor) as credential, httpx2.Client(auth=httpx2_auth(credentials, vendor)) as client:
        said = client.post(f"{credential.base_url}/chat/completions", json={"max_tokens": 3}).raise_for_status()
        return str(said.json()["choices"][0]["message"]["content"])


def _httpx(credentials: Credentials, vendor: str) -> str:
    async def said() -> str:
        async with (
            credentials.use(vendor) as credential,
            httpx.AsyncClient(auth=httpx_auth(credentials, vendor)) as client,
        ):
            response = await client.post(f"{credential.base_url}/chat/completions", json={"max_tokens": 3})
            return str(response.raise_for_status().json()["choices"][0]["message"]["content"])

    return asyncio.run(said())


USES: Final[dict[str, tuple[str, Callable[[Credentials, str], str]]]] = {
    "openai": ("openai", _openai),
    "openai, async": ("openai", _openai_stream),
    "openai for groq": ("groq", _openai),
    "openai for fireworks": ("fireworks", _openai_stream),
    "openai for azure": ("azure", _openai),
    "azure": ("azure", _azure),
    "azure, async": ("azure", _azure_stream),
    "anthropic": ("anthropic", _anthropic),
    "anthropic, async": ("anthropic", _anthropic_stream),
    "google": ("google", _google),
    "google, async": ("google", _google_stream),
    "groq": ("groq", _groq),
    "groq, async": ("groq", _groq_stream),
    "bedrock": ("bedrock", _bedrock),
    "httpx2": ("openai", _httpx2),
    "httpx, async": ("fireworks", _httpx),
}


@pytest.mark.parametrize(("vendor", "say"), USES.values(), ids=USES)
def test_an_sdk_follows_a_rotation(
    used: Used, credentials: Credentials, vendor: str, say: Callable[[Credentials, str], str]
) -> None:
    """A call works before a rotation, and after it with the old key revoked; the vendor sees only the active key."""
    used.emulator.generations.clear()
    before = say(credentials, vendor).strip()
    used.revoke(vendor, used.rotate(vendor))
    after = say(credentials, vendor).strip()

    assert (before, after) == (TEXT, TEXT)
    assert len({each.key for each in used.emulator.generations}) == 2


def test_one_client_follows_a_rotation(used: Used, credentials: Credentials) -> None:
    """A client that was made before a rotation sends the new key after it."""
    with sdks.openai(credentials, "openai", max_retries=0) as client:
        client.chat.completions.create(model="m", messages=PROMPT, max_tokens=1)
        used.revoke("openai", used.rotate("openai"))
        client.chat.completions.create(model="m", messages=PROMPT, max_tokens=1)


def test_a_key_is_not_sent_to_another_host(used: Used, credentials: Credentials) -> None:
    """A request to a host that is not the provider's base_url is refused before it is sent."""
    used.emulator.reset()
    with httpx2.Client(auth=httpx2_auth(credentials, "openai")) as client, pytest.raises(BaseUrlNotAllowed):
        client.get(used.stack.url)

    assert used.emulator.requests == 0


def test_an_own_host_is_the_vendors_own(used: Used, credentials: Credentials) -> None:
    """Without a base_url a key is sent to the vendor's own hosts only, not to the emulator."""
    added = used.client.add_provider("groq", "groq at home", used.keys["groq"]).data
    with httpx2.Client(auth=httpx2_auth(credentials, added.id)) as client, pytest.raises(BaseUrlNotAllowed):
        client.get(f"{used.emulator.url}/groq/openai/v1/models")


@pytest.mark.parametrize("url", ["http://api.groq.com/", "https://api.groq.com:8443/"])
def test_a_vendors_own_host_is_called_by_https(used: Used, credentials: Credentials, url: str) -> None:
    """Without a base_url a key is sent by https on port 443 only."""
    added = used.client.add_provider("groq", f"groq for {url}", new_key("groq")).data
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200))
    with httpx2.Client(auth=httpx2_auth(credentials, added.id), transport=transport) as client:
        assert client.get("https://api.groq.com/").status_code == 200
        with pytest.raises(BaseUrlNotAllowed):
            client.get(url)


REDIRECTED: Final[dict[str, tuple[Callable[[Credentials, str], Any], str]]] = {
    "anthropic": (sdks.anthropic, "_client"),
    "anthropic, async": (sdks.async_anthropic, "_client"),
    "azure": (lambda *given: sdks.azure_openai(*given, api_version="1"), "_client"),
    "azure, async": (lambda *given: sdks.async_azure_openai(*given, api_version="1"), "_client"),
    "google": (sdks.google, "_api_client._httpx_client"),
    "google, async": (sdks.google, "_api_client._async_httpx_client"),
}
"""What makes each client whose key is in a header of the vendor's own, and where its HTTP client is."""


@pytest.mark.parametrize("name", REDIRECTED)
def test_a_redirect_takes_no_key_to_another_host(used: Used, credentials: Credentials, name: str) -> None:
    """Even if an SDK's client follows redirects, it follows them with a key within the same host only."""
    vendor, (make, place) = name.partition(",")[0], REDIRECTED[name]
    sdk, address = make(credentials, vendor), used.base_url(vendor)
    client = attrgetter(place)(sdk)
    library: Any = httpx2 if isinstance(client, httpx2.Client | httpx2.AsyncClient) else httpx
    sent: list[str] = []

    def answer(request: Any) -> Any:
        sent.append(str(request.url))
        found = {address: f"{address}/second", f"{address}/second": "https://evil.example/"}.get(sent[-1])
        return library.Response(307, headers={"location": found}) if found else library.Response(200)

    client._transport, client._mounts, client.follow_redirects = library.MockTransport(answer), {}, True

    async def get() -> None:
        await client.get(address)

    with pytest.raises(BaseUrlNotAllowed, match="redirects"):
        asyncio.run(get()) if name.endswith("async") else client.get(address)

    assert sent == [address, f"{address}/second"]


def test_placeholders_and_other_keys_are_replaced(used: Used, credentials: Credentials) -> None:
    """A request has one key, in the vendor's header; those that an SDK or the caller added are removed."""
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200)

    headers = {"authorization": "Bearer other", "api-key": "other", "x-api-key": "other"}
    transport = httpx2.MockTransport(answer)
    with httpx2.Client(auth=httpx2_auth(credentials, "google"), transport=transport) as client:
        client.get(used.base_url("google"), headers=headers)

    kept = {name: value for name, value in sent[0].headers.items() if "key" in name or name == "authorization"}
    assert kept == {"x-goog-api-key": used.keys["google"]}


def test_a_refused_key_is_reported(used: Used, credentials: Credentials) -> None:
    """A 401 of the vendor requests a probe of the provider."""
    used.revoke("groq", used.keys["groq"])
    queue = used.stack.ports.sqs.get_queue_url(QueueName="ProbeQueue")["QueueUrl"]
    with sdks.groq(credentials, "groq", max_retries=0) as client, pytest.raises(Exception, match="Invalid API Key"):
        client.chat.completions.create(model="m", messages=PROMPT, max_tokens=1)
    credentials.close()
    used.rotate("groq")

    messages = used.stack.ports.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert any(used.ids["groq"] in message["Body"] for message in messages)


def test_a_bedrock_api_key_needs_no_boto3(used: Used, credentials: Credentials) -> None:
    """A Bedrock API key is refused with a reason: boto3 signs with access keys."""
    from local.vendors.keys import fake_key

    key = fake_key("bedrock", "valid-api-key", serial=77)
    added = used.client.add_provider("bedrock", "by token", key, base_url=used.base_url("bedrock")).data

    with pytest.raises(ConfigurationError, match="no AWS access key"):
        aws.bedrock(credentials, added.id)


def test_prompts_do_not_follow_an_endpoint_of_the_environment(used: Used, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bedrock's client sends to the region of its key and ignores AWS_ENDPOINT_URL; a local stack's stays local."""
    added = used.client.add_provider("bedrock", "bedrock at home", new_key("bedrock")).data
    environment = used.stack.environment()
    monkeypatch.setenv("AWS_ENDPOINT_URL", environment["AWS_ENDPOINT_URL"])
    local = Settings.from_environment(environment)
    found = []
    for settings in (local, replace(local, local=False)):
        credentials = Credentials(settings, client=lambda service: aws_client(environment, service))
        client = aws.bedrock(credentials, added.id)
        found.append(client.meta.endpoint_url)
        client.close()
        credentials.close()

    assert found == [environment["AWS_ENDPOINT_URL"], "https://bedrock-runtime.us-east-1.amazonaws.com"]


@pytest.mark.parametrize(
    ("suffix", "base_url"),
    [
        ("::eu-west-1", None),
        ("::eu-west-1", "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("", "https://bedrock.eu-west-1.amazonaws.com"),
        ("", "https://vpce-1a-b2.bedrock-runtime.eu-west-1.vpce.amazonaws.com"),
    ],
)
def test_a_bedrock_api_key_has_a_region(suffix: str, base_url: str | None) -> None:
    """The region of a Bedrock API key is in the key or in its base_url."""
    found = aws.place(Stored(f"ABSKfake{suffix}", base_url))  # type: ignore[arg-type]

    assert found == ("eu-west-1", "https://bedrock-runtime.eu-west-1.amazonaws.com")


def test_a_bedrock_api_key_without_a_region_is_refused() -> None:
    """Without a region a Bedrock API key has no address, and is not sent to one that the environment names."""
    with pytest.raises(ConfigurationError, match="no known region"):
        aws.place(Stored("ABSKfake", None))  # type: ignore[arg-type]


def test_a_repr_shows_no_key(used: Used, credentials: Credentials) -> None:
    """The repr of a client's authentication contains only the provider."""
    assert repr(httpx2_auth(credentials, "openai")) == "Auth(openai)"
