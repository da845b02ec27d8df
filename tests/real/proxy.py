"""A LiteLLM proxy in a process of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2

MODELS: Final = {
    "anthropic": "anthropic/claude-emulated",
    "azure": "azure/gpt-emulated",
    "bedrock": "bedrock/converse/anthropic.claude-emulated-v1:0",
    "fireworks": "fireworks_ai/accounts/fireworks/models/emulated",
    "google": "gemini/gemini-emulated",
    "groq": "groq/llama-emulated",
    "openai": "openai/gpt-emulated",
}
"""A model of each vendor, by LiteLLM's name."""
OFFLINE: Final = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_PROXY": "127.0.0.1"}
"""LiteLLM's own list of prices, instead of one that it fetches."""
START_S: Final = 240
MASTER_KEY: Final = f"sk-{secrets.token_hex(32)}"
"""What callers of the proxy send; it refuses to start without one."""


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def model(name: str, **members: Any) -> dict[str, Any]:
    """Return a deployment of the vendor called `name`; `members` are further ones."""
    params = {"model": MODELS[name]} | ({"api_version": "2024-10-21"} if name == "azure" else {})
    return {"model_name": name, "litellm_params": params | members.pop("litellm_params", {})} | members


def start(
    folder: Path, config: Mapping[str, Any], environment: Mapping[str, str], port: int
) -> subprocess.Popen[bytes]:
    """Start a proxy; its log is a file in `folder`."""
    settings = {"num_retries": 0, "telemetry": False, "drop_params": True} | config.get("litellm_settings", {})
    router = {"num_retries": 0, "disable_cooldowns": True}
    path = folder / f"litellm-{port}.json"
    path.write_text(json.dumps({**config, "litellm_settings": settings, "router_settings": router}))
    program = shutil.which("litellm", path=str(Path(sys.executable).parent))
    assert program is not None
    with (folder / f"litellm-{port}.log").open("ab") as log:
        return subprocess.Popen(
            [program, "--config", str(path), "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, "LITELLM_MASTER_KEY": MASTER_KEY, **environment},
            stdout=log,
            stderr=log,
            cwd=folder,
        )


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the proxy responds. Raises AssertionError if it does not start."""
    until = time.monotonic() + START_S
    with httpx2.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < until:
            assert process.poll() is None, "LiteLLM's proxy has ended"
            try:
                if client.get(f"http://127.0.0.1:{port}/health/liveliness").status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.2)
    raise AssertionError("LiteLLM's proxy did not start")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a proxy as an orchestrator does: SIGTERM, and a while later SIGKILL."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


@contextmanager
def running(folder: Path, config: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[str]:
    """Run a proxy until the block ends, and yield its address."""
    port = free_port()
    process = start(folder, config, environment, port)
    try:
        wait_until_ready(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)
