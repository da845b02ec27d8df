"""The vendors' generation calls, whole and streamed, read from the wire; and a key that is revoked meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
import pytest
from botocore.eventstream import EventStreamBuffer

from local.vendors.keys import fake_key
from local.vendors.server import Emulator, running_emulator
from providers import vendors
from tests.vendors.emulator.sending import NO_TLS

TEXT: Final = "This text comes "
PROMPT: Final = [{"role": "user", "content": "Hello"}]


@dataclass(frozen=True)
class Call:
    """A vendor's generation call: how to ask for three tokens, and where the response has the text."""

    vendor: str
    path: str
    body: dict[str, Any]
    whole: Callable[[Any], str]
    delta: Callable[[Any], str]
    header: str = "authorization"
    streamed_path: str = ""
    streamed_body: dict[str, Any] = field(default_factory=lambda: {"stream": True})

    def send(self, emulator: Emulator, *, stream: bool, tokens: int = 3, serial: int = 1) -> Any:
        """Return a context manager with the response."""
        body = json.loads(json.dumps(self.body).replace('"$TOKENS"', str(tokens)))
        path = self.streamed_path if stream and self.streamed_path else self.path
        key = fake_key(self.vendor, "valid-api-key" if self.vendor == "bedrock" else "valid", serial).partition("::")[0]
        headers = {self.header: f"Bearer {key}" if self.header == "authorization" else key}
        return httpx2.stream(
            "POST",
            f"{emulator.url}/{self.vendor}{path}",
            json=body | (self.streamed_body if stream else {}),
            headers=headers,
            verify=NO_TLS,
            trust_env=False,
        )


def chat(vendor: str, path: str, header: str = "authorization") -> Call:
    """Return a chat completion."""
    return Call(
        vendor,
        path,
        {"model": "m", "messages": PROMPT, "max_tokens": "$TOKENS"},
        lambda found: found["choices"][0]["message"]["content"],
        lambda event: event["choices"][0]["delta"].get("content", ""),
        header,
    )


def responses(vendor: str, path: str, header: str = "authorization") -> Call:
    """Return a call of the Responses API."""
    return Call(
        vendor,
        path,
        {"model": "m", "input": "Hello", "max_output_tokens": "$TOKENS"},
        lambda found: found["output"][0]["content"][0]["text"],
        lambda event: event["delta"] if event["type"] == "response.output_text.delta" else "",
        header,
    )


def _gemini_text(found: Any) -> str:
    return str(found["candidates"][0]["content"]["parts"][0]["text"])


CALLS: Final = {
    "openai-chat": chat("openai", "/v1/chat/completions"),
    "openai-responses": responses("openai", "/v1/responses"),
    "azure-chat": chat("azure", "/openai/v1/chat/completions", "api-key"),
    "azure-deployment": chat("azure", "/openai/deployments/gpt/chat/completions?api-version=2024-10-21", "api-key"),
    "azure-responses": responses("azure", "/openai/v1/responses", "api-key"),
    "groq-chat": chat("groq", "/openai/v1/chat/completions"),
    "groq-responses": responses("groq", "/openai/v1/responses"),
    "fireworks-chat": chat("fireworks", "/inference/v1/chat/completions"),
    "fireworks-responses": responses("fireworks", "/inference/v1/responses"),
    "anthropic": Call(
        "anthropic",
        "/v1/messages",
        {"model": "m", "messages": PROMPT, "max_tokens": "$TOKENS"},
        lambda found: found["content"][0]["text"],
        lambda event: event["delta"]["text"] if event["type"] == "content_block_delta" else "",
        "x-api-key",
    ),
    "google": Call(
        "google",
        "/v1beta/models/gemini:generateContent",
        {"contents": [{"parts": [{"text": "Hello"}]}], "generationConfig": {"maxOutputTokens": "$TOKENS"}},
        _gemini_text,
        _gemini_text,
        "x-goog-api-key",
        streamed_path="/v1beta/models/gemini:streamGenerateContent?alt=sse",
        streamed_body={},
    ),
    "bedrock": Call(
        "bedrock",
        "/model/amazon.emulated-v1%3A0/converse",
        {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "inferenceConfig": {"maxTokens": "$TOKENS"}},
        lambda found: found["output"]["message"]["content"][0]["text"],
        lambda event: event.get("delta", {}).get("text", ""),
        streamed_path="/model/amazon.emulated-v1%3A0/converse-stream",
        streamed_body={},
    ),
}
EACH: Final = pytest.mark.parametrize("asked", CALLS.values(), ids=CALLS)


def events_of(response: httpx2.Response) -> Iterator[Any]:
    """Yield the events of a stream, in either format."""
    if response.headers["content-type"] == "application/vnd.amazon.eventstream":
        buffer = EventStreamBuffer()
        for block in response.iter_bytes():
            buffer.add_data(block)
            yield from (json.loads(message.payload) for message in buffer)
        return
    for line in response.iter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


def text_of(call: Call, response: httpx2.Response) -> str:
    """Return the text of a stream."""
    return "".join(call.delta(event) for event in events_of(response))


@EACH
def test_a_response_that_is_not_streamed(emulator: Emulator, asked: Call) -> None:
    """Each vendor's generation call responds with the text in the vendor's format."""
    with asked.send(emulator, stream=False) as response:
        found = json.loads(response.read())

    assert (response.status_code, asked.whole(found)) == (200, TEXT)


@EACH
def test_a_stream(emulator: Emulator, asked: Call) -> None:
    """Each vendor's stream carries the same text, a token at a time."""
    with asked.send(emulator, stream=True) as response:
        deltas = [delta for event in events_of(response) if (delta := asked.delta(event))]

    assert (response.status_code, "".join(deltas), len(deltas)) == (200, TEXT, 3)


def test_every_vendor_generates() -> None:
    """There is a generation call of each vendor in these tests."""
    assert {call.vendor for call in CALLS.values()} == set(vendors.NAMES)


def test_tokens_are_spread_over_time() -> None:
    """A stream of ten tokens, each of which takes 50 ms, takes half a second, and its first token comes at once."""
    with running_emulator(token_s=0.05) as emulator:
        began = time.monotonic()
        with CALLS["openai-chat"].send(emulator, stream=True, tokens=10) as response:
            times = [time.monotonic() - began for event in events_of(response)]

    assert times[0] < 0.25
    assert times[-1] >= 0.5


@EACH
def test_a_key_is_refused_from_the_moment_it_is_revoked_but_a_stream_goes_on(asked: Call) -> None:
    """A stream that began before its key was revoked ends normally; one that begins afterwards is refused."""
    with running_emulator(token_s=0.02) as emulator, asked.send(emulator, stream=True, tokens=10) as begun:
        key = emulator.generations[0].key
        revoked = json.dumps({"vendor": asked.vendor, "key": key, "case": "invalid"}).encode()
        assert emulator.control(revoked)
        with asked.send(emulator, stream=True) as refused, asked.send(emulator, stream=False) as refused_too:
            statuses = refused.status_code, refused_too.status_code
        with asked.send(emulator, stream=False, serial=2) as another:
            assert another.status_code == 200
        text = text_of(asked, begun)

        assert all(400 <= status < 500 for status in statuses)
        assert len(text.split()) == 10
        assert emulator.generations[0].ended is not None


def test_a_key_that_is_not_valid_gets_its_own_response(emulator: Emulator) -> None:
    """A generation call with a key of another case gets that case's response."""
    response = httpx2.post(
        f"{emulator.url}/groq/openai/v1/chat/completions",
        json={},
        headers={"authorization": f"Bearer {fake_key('groq', 'rate-limited')}"},
        verify=NO_TLS,
        trust_env=False,
    )

    assert (response.status_code, response.headers["retry-after"]) == (429, "4")


@pytest.mark.parametrize("secret", ["FAKE/EXAMPLE/ONLY/FAKE/EXAMPLE/ONLY/FAKE", "MADE/UP/EXAMPLE"])
def test_bedrock_checks_the_signature_of_a_body(emulator: Emulator, secret: str) -> None:
    """boto3's signed Converse and ConverseStream calls work, and fail with another secret access key."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError

    key_id = fake_key("bedrock").partition("::")[0]
    session = boto3.Session(key_id, secret, region_name="us-east-1")
    config = Config(retries={"total_max_attempts": 1}, proxies={})
    client: Any = session.client("bedrock-runtime", endpoint_url=f"{emulator.url}/bedrock", config=config)
    asked = {
        "modelId": "amazon.emulated-v1:0",
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "inferenceConfig": {"maxTokens": 3},
    }
    try:
        if secret.startswith("MADE"):
            with pytest.raises(ClientError, match="InvalidSignatureException"):
                client.converse(**asked)
            return
        whole = client.converse(**asked)["output"]["message"]["content"][0]["text"]
        events = list(client.converse_stream(**asked)["stream"])
    finally:
        client.close()

    deltas = [each["contentBlockDelta"]["delta"]["text"] for each in events if "contentBlockDelta" in each]
    assert (whole, "".join(deltas)) == (TEXT, TEXT)
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 3
