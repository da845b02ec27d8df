"""The formats in which vendors send generated text, whole and as streams.

Each function follows the vendor's own reference; the tests read the result with the vendor's own SDK.
"""

from __future__ import annotations

import binascii
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

REQUEST_ID: Final = "emulated"
_CREATED: Final = 1_767_225_600
_PROMPT_TOKENS: Final = 7


@dataclass(frozen=True, slots=True)
class Request:
    """A generation request: the model, and the body as sent."""

    model: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """A format.

    Args:
        whole: the response to a request that is not streamed.
        stream: the blocks of a stream: what precedes the first token, one block a token, what follows the last.
        limit: the path to the maximum number of tokens in a request's body; several if there are several names.
        content_type: that of a stream.
    """

    whole: Callable[[Request, list[str]], Mapping[str, Any]]
    stream: Callable[[Request, list[str]], Iterator[bytes]]
    limit: tuple[str, ...]
    content_type: str = "text/event-stream"

    def max_tokens(self, body: Mapping[str, Any]) -> int | None:
        """Return the maximum number of tokens that the request sets, or None."""
        for path in self.limit:
            found: Any = body
            for name in path.split("."):
                found = found.get(name) if isinstance(found, dict) else None
            if isinstance(found, int):
                return max(1, found)
        return None


def _event(data: Mapping[str, Any], name: str | None = None) -> bytes:
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def _usage(tokens: list[str], given: str, made: str) -> dict[str, int]:
    return {given: _PROMPT_TOKENS, made: len(tokens), "total_tokens": _PROMPT_TOKENS + len(tokens)}


# https://platform.openai.com/docs/api-reference/chat


def _chat(request: Request, kind: str, choice: dict[str, Any]) -> dict[str, Any]:
    first = {"id": f"chatcmpl-{REQUEST_ID}", "object": kind, "created": _CREATED, "model": request.model}
    return first | {"choices": [{"index": 0, "logprobs": None} | choice]}


def _chat_whole(request: Request, tokens: list[str]) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(tokens), "refusal": None}
    whole = _chat(request, "chat.completion", {"message": message, "finish_reason": "stop"})
    return whole | {"service_tier": "default", "usage": _usage(tokens, "prompt_tokens", "completion_tokens")}


def _chat_stream(request: Request, tokens: list[str]) -> Iterator[bytes]:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
        return _event(_chat(request, "chat.completion.chunk", {"delta": delta, "finish_reason": reason}))

    yield chunk({"role": "assistant", "content": ""})
    yield from (chunk({"content": token}) for token in tokens)
    last = chunk({}, "stop")
    if (request.body.get("stream_options") or {}).get("include_usage"):
        usage = {"choices": [], "usage": _usage(tokens, "prompt_tokens", "completion_tokens")}
        last += _event(_chat(request, "chat.completion.chunk", {}) | usage)
    yield last + b"data: [DONE]\n\n"


CHAT: Final = Dialect(_chat_whole, _chat_stream, ("max_completion_tokens", "max_tokens"))


# https://platform.openai.com/docs/api-reference/responses


def _response(request: Request, tokens: list[str] | None) -> dict[str, Any]:
    """Return the response object; `tokens` is None while it is in progress."""
    usage = None if tokens is None else _usage(tokens, "input_tokens", "output_tokens")
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return {
        "id": f"resp_{REQUEST_ID}",
        "object": "response",
        "created_at": _CREATED,
        "model": request.model,
        "status": "in_progress" if tokens is None else "completed",
        "output": [] if tokens is None else [_message("".join(tokens))],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": None if usage is None else usage | details,
    }


def _message(text: str | None) -> dict[str, Any]:
    content = [] if text is None else [_part(text)]
    status = "in_progress" if text is None else "completed"
    return {"id": f"msg_{REQUEST_ID}", "type": "message", "role": "assistant", "status": status, "content": content}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _responses_stream(request: Request, tokens: list[str]) -> Iterator[bytes]:
    sent = 0

    def event(kind: str, **members: Any) -> bytes:
        nonlocal sent
        sent += 1
        return _event({"type": f"response.{kind}", "sequence_number": sent - 1} | members, f"response.{kind}")

    item = {"output_index": 0, "item_id": f"msg_{REQUEST_ID}"}
    at = item | {"content_index": 0}
    text = "".join(tokens)
    yield (
        event("created", response=_response(request, None))
        + event("in_progress", response=_response(request, None))
        + event("output_item.added", output_index=0, item=_message(None))
        + event("content_part.added", part=_part(""), **at)
    )
    yield from (event("output_text.delta", delta=token, logprobs=[], **at) for token in tokens)
    yield (
        event("output_text.done", text=text, logprobs=[], **at)
        + event("content_part.done", part=_part(text), **at)
        + event("output_item.done", output_index=0, item=_message(text))
        + event("completed", response=_response(request, tokens))
    )


RESPONSES: Final = Dialect(_response, _responses_stream, ("max_output_tokens",))


# https://docs.anthropic.com/en/api/messages


def _messages_whole(request: Request, tokens: list[str], *, begun: bool = False) -> dict[str, Any]:
    return {
        "id": f"msg_{REQUEST_ID}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [] if begun else [{"type": "text", "text": "".join(tokens)}],
        "stop_reason": None if begun else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": _PROMPT_TOKENS, "output_tokens": 1 if begun else len(tokens)},
    }


def _messages_stream(request: Request, tokens: list[str]) -> Iterator[bytes]:
    def event(kind: str, **members: Any) -> bytes:
        return _event({"type": kind} | members, kind)

    yield event("message_start", message=_messages_whole(request, tokens, begun=True)) + event(
        "content_block_start", index=0, content_block={"type": "text", "text": ""}
    )
    for token in tokens:
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": token})
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    yield (
        event("content_block_stop", index=0)
        + event("message_delta", delta=ended, usage={"output_tokens": len(tokens)})
        + event("message_stop")
    )


MESSAGES: Final = Dialect(_messages_whole, _messages_stream, ("max_tokens",))


# https://ai.google.dev/api/generate-content


def _gemini(request: Request, text: str, count: int, *, last: bool) -> dict[str, Any]:
    candidate = {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}
    counts = {"promptTokenCount": _PROMPT_TOKENS, "candidatesTokenCount": count}
    return {
        "candidates": [candidate | ({"finishReason": "STOP"} if last else {})],
        "usageMetadata": counts | {"totalTokenCount": _PROMPT_TOKENS + count},
        "modelVersion": request.model,
        "responseId": REQUEST_ID,
    }


def _gemini_stream(request: Request, tokens: list[str]) -> Iterator[bytes]:
    yield b""
    for number, token in enumerate(tokens, 1):
        yield _event(_gemini(request, token, number, last=number == len(tokens)))
    yield b""


GEMINI: Final = Dialect(
    lambda request, tokens: _gemini(request, "".join(tokens), len(tokens), last=True),
    _gemini_stream,
    ("generationConfig.maxOutputTokens", "generationConfig.max_output_tokens"),
)


# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html


def frame(event: str, payload: Mapping[str, Any]) -> bytes:
    """Return a message in AWS's event stream encoding, which botocore only decodes."""
    headers = {":event-type": event, ":content-type": "application/json", ":message-type": "event"}
    head = b"".join(
        struct.pack(f"!B{len(name)}sBH{len(value)}s", len(name), name.encode(), 7, len(value), value.encode())
        for name, value in headers.items()
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", len(head) + len(body) + 16, len(head))
    message = prelude + struct.pack("!I", binascii.crc32(prelude)) + head + body
    return message + struct.pack("!I", binascii.crc32(message))


def _converse_usage(tokens: list[str]) -> dict[str, Any]:
    usage = {"inputTokens": _PROMPT_TOKENS, "outputTokens": len(tokens), "totalTokens": _PROMPT_TOKENS + len(tokens)}
    return {"usage": usage, "metrics": {"latencyMs": 1}}


def _converse_whole(_: Request, tokens: list[str]) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"text": "".join(tokens)}]}
    return {"output": {"message": message}, "stopReason": "end_turn"} | _converse_usage(tokens)


def _converse_stream(_: Request, tokens: list[str]) -> Iterator[bytes]:
    yield frame("messageStart", {"role": "assistant"})
    for token in tokens:
        yield frame("contentBlockDelta", {"delta": {"text": token}, "contentBlockIndex": 0})
    yield (
        frame("contentBlockStop", {"contentBlockIndex": 0})
        + frame("messageStop", {"stopReason": "end_turn"})
        + frame("metadata", _converse_usage(tokens))
    )


CONVERSE: Final = Dialect(
    _converse_whole, _converse_stream, ("inferenceConfig.maxTokens",), "application/vnd.amazon.eventstream"
)
