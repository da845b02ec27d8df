"""The load: a program that keeps requests in flight until its standard input ends, and prints how they ended.

`python -m tests.real.load LITELLM_URL PROVIDER_IDS REQUESTS`: the ids are JSON, by vendor. Half of the requests are
streams. The credentials and the key of the proxy come from the environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Final

WORDS: Final = 20
"""Tokens of a request; the emulator's tokens are words, so a response that has them all is complete."""
RETRY_S: Final = 1
"""After a failed request, its caller waits as long before the next."""
PROMPT: Final[Any] = [{"role": "user", "content": "Hello"}]
LITELLM: Final = "litellm"

Say = Callable[[bool], Awaitable[str]]


class Load:
    """What the requests use, and how they ended.

    Args:
        litellm: the address of the proxy; empty to use none.
        ids: the providers' ids, by vendor; empty to use the environment's keys.
    """

    def __init__(self, litellm: str, ids: dict[str, str]) -> None:
        self.litellm = litellm
        self.ids = ids
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.stopping = asyncio.Event()

    async def ways(self, closing: AsyncExitStack) -> dict[str, Say]:
        """Return the ways to say something, by name: each vendor's own SDK, and LiteLLM for each vendor."""
        found: dict[str, Say] = {}
        if self.ids:
            found |= await sdk_ways(self.ids, closing)
        if self.litellm:
            import openai

            key = os.environ["LITELLM_MASTER_KEY"]
            proxied = await closing.enter_async_context(
                openai.AsyncOpenAI(base_url=self.litellm, api_key=key, max_retries=0, timeout=60)
            )
            for vendor in self.ids or ("openai",):
                found[f"{LITELLM} {vendor}"] = _chat(proxied, vendor)
        return found

    async def keep_going(self, name: str, say: Say, stream: bool) -> None:
        """Make one request after another, until the load stops."""
        while not self.stopping.is_set():
            kind = f"{name}, {'streamed' if stream else 'whole'}"
            try:
                text = await say(stream)
            except Exception as error:  # noqa: BLE001 - each failure is counted
                self.failed[kind] += 1
                self.reasons[f"{kind}: {type(error).__name__} {str(error)[:160]}"] += 1
                await asyncio.sleep(RETRY_S)
                continue
            if len(text.split()) == WORDS:
                self.done[kind] += 1
            else:
                self.failed[kind] += 1
                self.reasons[f"{kind}: {len(text.split())} of {WORDS} tokens"] += 1


def _chat(client: Any, model: str) -> Say:
    async def say(stream: bool) -> str:
        made = await client.chat.completions.create(model=model, messages=PROMPT, max_tokens=WORDS, stream=stream)
        if not stream:
            return made.choices[0].message.content or ""
        return "".join([each.choices[0].delta.content or "" async for each in made if each.choices])

    return say


def _responses(client: Any) -> Say:
    async def say(stream: bool) -> str:
        made = await client.responses.create(model="m", input="Hello", max_output_tokens=WORDS, stream=stream)
        if not stream:
            return str(made.output_text)
        return "".join([event.delta async for event in made if event.type == "response.output_text.delta"])

    return say


def _messages(client: Any) -> Say:
    async def say(stream: bool) -> str:
        if not stream:
            made = await client.messages.create(model="m", messages=PROMPT, max_tokens=WORDS)
            return "".join(block.text for block in made.content)
        async with client.messages.stream(model="m", messages=PROMPT, max_tokens=WORDS) as streamed:
            return "".join([text async for text in streamed.text_stream])

    return say


def _gemini(client: Any) -> Say:
    asked = {"model": "m", "contents": "Hello", "config": {"max_output_tokens": WORDS}}

    async def say(stream: bool) -> str:
        if not stream:
            return (await client.models.generate_content(**asked)).text or ""
        made = await client.models.generate_content_stream(**asked)
        return "".join([chunk.text or "" async for chunk in made])

    return say


def _converse(client: Any) -> Say:
    asked = {
        "modelId": "amazon.emulated-v1:0",
        "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
        "inferenceConfig": {"maxTokens": WORDS},
    }

    async def say(stream: bool) -> str:
        if not stream:
            return str((await client.converse(**asked))["output"]["message"]["content"][0]["text"])
        made = await client.converse_stream(**asked)
        events = [event async for event in made["stream"]]
        return "".join(each["contentBlockDelta"]["delta"]["text"] for each in events if "contentBlockDelta" in each)

    return say


async def sdk_ways(ids: dict[str, str], closing: AsyncExitStack) -> dict[str, Say]:
    """Return the ways through the vendors' own SDKs."""
    from botocore.config import Config

    from providers_data_plane import Credentials
    from providers_data_plane.integrations import aws, sdks

    credentials = Credentials.from_environment()
    closing.callback(credentials.close)
    enter = closing.enter_async_context
    once: dict[str, Any] = {"max_retries": 0, "timeout": 60}
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)
    azure = sdks.async_azure_openai(credentials, ids["azure"], api_version="2024-10-21", **once)
    return {
        "openai": _responses(await enter(sdks.async_openai(credentials, ids["openai"], **once))),
        "azure": _chat(await enter(azure), "gpt"),
        "anthropic": _messages(await enter(sdks.async_anthropic(credentials, ids["anthropic"], **once))),
        "google": _gemini(await enter(sdks.google(credentials, ids["google"]).aio)),
        "groq": _chat(await enter(sdks.async_groq(credentials, ids["groq"], **once)), "m"),
        "fireworks": _chat(await enter(sdks.async_fireworks(credentials, ids["fireworks"], **once)), "m"),
        "bedrock": _converse(await enter(aws.async_bedrock(credentials, ids["bedrock"], config=config))),
    }


def say(line: str) -> None:
    """Print a line for the program that started this one."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(litellm: str, ids: dict[str, str], requests: int) -> dict[str, Any]:
    """Keep requests in flight until standard input ends; return how they ended."""
    load = Load(litellm, ids)
    async with AsyncExitStack() as closing:
        ways = list((await load.ways(closing)).items())
        asked = [(*ways[number % len(ways)], number // len(ways) % 2 == 1) for number in range(requests)]
        going = [asyncio.create_task(load.keep_going(*each)) for each in asked]
        say("ready")
        await asyncio.to_thread(sys.stdin.read)
        load.stopping.set()
        await asyncio.gather(*going)
    return {"done": load.done, "failed": load.failed, "reasons": load.reasons.most_common(10)}


if __name__ == "__main__":
    say(json.dumps(asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])))))
