"""Real parts under rotation: a LiteLLM proxy and the vendors' own SDKs, while every key is replaced and revoked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from local.vendors.keys import identity
from tests.kit.used import Used, new_key, used_stack
from tests.real import proxy
from tests.real.load import LITELLM, WORDS

pytestmark = pytest.mark.real

GRACE_S: Final = 20
MAX_AGE_S: Final = 2
TOKEN_S: Final = 0.25
"""With it a request lasts five seconds at the vendor."""
IN_FLIGHT: Final = 50
ROTATIONS: Final = int(os.environ.get("ROTATIONS") or 50)
RESTARTS: Final = 2
UPDATES: Final = 20
UPDATE_S: Final = 1.1
"""Not a divisor of a request's duration, so that an update comes at another point of the requests each time."""
ROOT: Final = Path(__file__).parent.parent.parent
CALLBACK: Final = "providers_data_plane.integrations.litellm.callback"


@dataclass
class Outcome:
    """How the requests of a load ended."""

    done: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    reasons: list[Any] = field(default_factory=list)

    def count(self, what: str, word: str = "") -> int:
        """Return the number of requests that are `done` or `failed`, and whose kind contains `word`."""
        return sum(count for kind, count in getattr(self, what).items() if word in kind)


@contextmanager
def load(url: str, ids: Mapping[str, str], requests: int, environment: Mapping[str, str]) -> Iterator[Outcome]:
    """Keep requests in flight while the block runs; the outcome is complete after it."""
    program = [sys.executable, "-m", "tests.real.load", url, json.dumps(ids), str(requests)]
    given = os.environ | environment | {"LITELLM_MASTER_KEY": proxy.MASTER_KEY, "NO_PROXY": "127.0.0.1"}
    outcome = Outcome()
    with subprocess.Popen(program, env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield outcome
            process.stdin.close()
            found = json.loads(process.stdout.read())
        finally:
            process.kill()
    outcome.done, outcome.failed, outcome.reasons = found["done"], found["failed"], found["reasons"]


@dataclass
class Rotations:
    """Replaces keys, and revokes the old ones at their vendors as soon as that is safe."""

    used: Used
    retired: list[tuple[float, str, str]] = field(default_factory=list)
    ends: dict[tuple[str, str], float] = field(default_factory=dict)
    replaced: list[str] = field(default_factory=list)
    revoked: int = 0

    def rotate(self, vendor: str) -> None:
        """Replace the key of a provider."""
        old = self.used.rotate(vendor)
        end = time.monotonic() + GRACE_S
        self.ends[vendor, identity(vendor, old)] = end
        self.retired.append((end, vendor, old))
        self.replaced.append(old)

    def revoke_what_is_safe(self) -> None:
        """Revoke the keys whose grace windows have ended: `provider.safe_to_revoke` is published no earlier."""
        now = time.monotonic()
        for end, vendor, key in [each for each in self.retired if now >= each[0]]:
            self.used.revoke(vendor, key)
            self.retired.remove((end, vendor, key))
            self.revoked += 1


@pytest.fixture(scope="module")
def used() -> Iterator[Used]:
    """Run a stack with a provider of each vendor, and vendors that need seconds for a response."""
    with used_stack(GRACE_SECONDS=str(GRACE_S)) as running:
        running.emulator.token_s = TOKEN_S
        yield running


def test_no_request_fails_while_every_key_is_rotated_and_revoked(used: Used, tmp_path: Path) -> None:
    """Every request succeeds, and no old key reaches a vendor after its grace window."""
    environment = used.stack.environment() | {"PROVIDERS_MAX_AGE_SECONDS": str(MAX_AGE_S)}
    config = {
        "litellm_settings": {"callbacks": [CALLBACK]},
        "model_list": [proxy.model(vendor, model_info={"provider_id": used.ids[vendor]}) for vendor in used.ids],
    }
    rotations = Rotations(used)
    began = time.monotonic()
    with (
        proxy.running(tmp_path, config, environment) as url,
        load(url, used.ids, IN_FLIGHT, environment) as outcome,
    ):
        with ThreadPoolExecutor(2) as pool:
            for _ in range(ROTATIONS):
                list(pool.map(rotations.rotate, used.ids))
                rotations.revoke_what_is_safe()
        while rotations.retired:
            time.sleep(0.1)
            rotations.revoke_what_is_safe()
        time.sleep(MAX_AGE_S)
    took = time.monotonic() - began

    generations = list(used.emulator.generations)
    late = [each for each in generations if each.began > rotations.ends.get((each.vendor, each.key), each.began)]
    streams = [each for each in generations if each.streamed]
    used_keys = {(each.vendor, each.key) for each in generations}
    sys.stdout.write(
        f"\n{len(used.ids)} providers rotated {ROTATIONS} times in {took:.0f} s, {rotations.revoked} keys revoked, "
        f"{len(used_keys)} keys used:\n"
        f"  {outcome.count('done')} requests succeeded ({outcome.count('done', LITELLM)} through LiteLLM, "
        f"{outcome.count('done', 'streamed')} streams), {outcome.count('failed')} failed, "
        f"{len(late)} with an old key after its grace window\n"
    )
    assert outcome.count("failed") == 0, outcome.reasons
    assert late == []
    written = "".join(path.read_text(errors="replace") for path in tmp_path.iterdir()) + repr(outcome)
    assert not [key for key in rotations.replaced if key in written], "a key in a log or in the configuration"
    assert all(each.ended is not None for each in streams)
    assert rotations.revoked == ROTATIONS * len(used.ids)
    assert all(outcome.done.values())
    assert len(outcome.done) == 4 * len(used.ids)


def alternative(how: str, outcome: Outcome, rotations: int) -> None:
    """Print how the requests of an alternative ended."""
    sys.stdout.write(
        f"\nLiteLLM with {how}, {rotations} rotations, {IN_FLIGHT // 2} callers:\n"
        f"  {outcome.count('done')} requests succeeded, {outcome.count('failed')} failed\n"
    )
    assert outcome.count("done") > 0


def test_restarts_fail_requests(used: Used, tmp_path: Path) -> None:
    """The same proxy with its key in an environment variable fails requests when it is restarted for a rotation."""
    own = {"api_base": used.base_url("openai"), "api_key": "os.environ/OPENAI_API_KEY"}
    config = {"model_list": [proxy.model("openai", litellm_params=own)]}
    port = proxy.free_port()

    key = new_key("openai")
    process = proxy.start(tmp_path, config, {"OPENAI_API_KEY": key}, port)
    try:
        proxy.wait_until_ready(process, port)
        with load(f"http://127.0.0.1:{port}", {}, IN_FLIGHT // 2, {}) as outcome:
            for _ in range(RESTARTS):
                time.sleep(2 * TOKEN_S * WORDS)
                old, key = key, new_key("openai")
                proxy.stop(process)
                process = proxy.start(tmp_path, config, {"OPENAI_API_KEY": key}, port)
                proxy.wait_until_ready(process, port)
                used.revoke("openai", old)
    finally:
        proxy.stop(process)
    alternative("the key in an environment variable", outcome, RESTARTS)
    assert outcome.count("failed") > 0


def test_stored_credentials_of_litellm(used: Used, tmp_path: Path) -> None:
    """LiteLLM's own stored credential is replaced through its API; requests that have read the old key may fail.

    Nothing tells when the old key is no longer used, so it is revoked as soon as the API has confirmed the new one. One
    process: others would learn of the new key later, from the database. How many requests fail is a matter of
    milliseconds, so the test prints it and expects only that new keys were used.
    """
    own = {"api_base": used.base_url("openai"), "litellm_credential_name": "stored"}
    config = {
        "litellm_settings": {"callbacks": ["tests.real.stored.callback"]},
        "model_list": [proxy.model("openai", litellm_params=own)],
    }
    environment = {"LITELLM_SALT_KEY": "FAKE", "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    headers = {"authorization": f"Bearer {proxy.MASTER_KEY}"}
    key = new_key("openai")
    keys = {key}
    with (
        proxy.running(tmp_path, config, environment) as url,
        httpx2.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as http,
    ):
        http.post("/v1/chat/completions", json={"model": "openai", "messages": []})  # connects the database
        stored = {"credential_name": "stored", "credential_values": {"api_key": key}, "credential_info": {}}
        http.post("/credentials", json=stored).raise_for_status()
        with load(url, {}, IN_FLIGHT // 2, {}) as outcome:
            for _ in range(UPDATES):
                time.sleep(UPDATE_S)
                old, key = key, new_key("openai")
                keys.add(key)
                stored["credential_values"] = {"api_key": key}
                http.patch("/credentials/stored", json=stored).raise_for_status()
                used.revoke("openai", old)
    alternative("its own stored credential, updated through its API", outcome, UPDATES)
    used_keys = {identity("openai", each) for each in keys} & {each.key for each in used.emulator.generations}
    assert len(used_keys) > 2
