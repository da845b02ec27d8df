"""`providers exec` runs a program with the vendors' keys in its environment, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest

from local.vendors.cases.bedrock_keys import REGION, SECRET_ACCESS_KEY
from tests.client.conftest import Commands
from tests.kit.used import Used, used_stack

SHOW: Final = "import json, os, sys; print(json.dumps({'pid': os.getpid(), 'argv': sys.orig_argv, **os.environ}))"
STALE: Final = {
    "OPENAI_API_KEY": "sk-stale",
    "OPENAI_BASE_URL": "https://stale.example.com",
    "AZURE_OPENAI_AD_TOKEN": "stale",
    "AWS_SESSION_TOKEN": "stale",
    "AWS_BEARER_TOKEN_BEDROCK": "stale",
    "AWS_ENDPOINT_URL_BEDROCK": "https://stale.example.com",
    "ANTHROPIC_BEDROCK_BASE_URL": "https://stale.example.com",
    "AWS_BEDROCK_BASE_URL": "https://stale.example.com",
    "OPENAI_API_BASE": "https://stale.example.com",
    "GOOGLE_GENAI_USE_ENTERPRISE": "true",
}


@pytest.fixture(scope="module")
def used() -> Iterator[Used]:
    """Run a stack with four providers."""
    with used_stack(("openai", "azure", "bedrock", "google")) as running:
        yield running


def start(used: Used, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start the command line with the stack's variables in its environment, as a person does who pasted them."""
    given = os.environ | used.stack.environment() | environment
    program = [sys.executable, "-m", "providers_client", *arguments]
    return subprocess.Popen(program, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def shown(used: Used, *providers: str, **environment: str) -> Any:
    """Return what a program that `exec` runs sees of itself."""
    options = [part for each in providers for part in ("--provider", each)]
    with start(used, "exec", *options, "--", sys.executable, "-c", SHOW, **environment) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return json.loads(out) | {"is_the_same_process": json.loads(out)["pid"] == process.pid}


def test_a_program_finds_the_keys_where_the_sdks_look(used: Used) -> None:
    """The variables of several vendors are set, and stale ones that an SDK would use are not."""
    found = shown(used, "OpenAI", used.ids["azure"], "bedrock", "google", **STALE)

    url = used.emulator.url
    expected = {
        "OPENAI_API_KEY": used.keys["openai"],
        "OPENAI_BASE_URL": f"{url}/openai/v1",
        "AZURE_OPENAI_API_KEY": used.keys["azure"],
        "AZURE_OPENAI_ENDPOINT": f"{url}/azure",
        "AZURE_OPENAI_AD_TOKEN": None,
        "AWS_ACCESS_KEY_ID": used.keys["bedrock"].partition("::")[0],
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_SESSION_TOKEN": None,
        "AWS_BEARER_TOKEN_BEDROCK": None,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL_BEDROCK": f"{url}/bedrock",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"{url}/bedrock",
        "ANTHROPIC_BEDROCK_BASE_URL": None,
        "AWS_BEDROCK_BASE_URL": None,
        "OPENAI_API_BASE": None,
        "GOOGLE_GENAI_USE_ENTERPRISE": None,
        "GEMINI_API_KEY": used.keys["google"],
        "GOOGLE_API_KEY": used.keys["google"],
        "GOOGLE_GEMINI_BASE_URL": f"{url}/google",
    }
    assert {name: found.get(name) for name in expected} == expected


def test_the_program_replaces_the_command_line(used: Used) -> None:
    """The program has the process of the command line, its own arguments, and no key among them."""
    found = shown(used, "openai")

    assert found["is_the_same_process"]
    assert found["argv"] == [sys.executable, "-c", SHOW]


def test_a_variable_without_a_value_is_not_kept(used: Used) -> None:
    """A key for the vendor's own host is never sent to an address that was in the environment before."""
    added = used.client.add_provider("openai", "At home", "sk-proj-FAKE-valid-EXAMPLE-612345").data

    found = shown(used, added.id, **STALE)

    assert found["OPENAI_API_KEY"].endswith("612345")
    assert "OPENAI_BASE_URL" not in found


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (("--provider", "nobody"), {}, "provider_not_found"),
        (("--provider", "openai"), {"MAIN_TABLE": ""}, "MAIN_TABLE"),
        (("--provider", "openai", "--provider", "OPENAI"), {}, "several providers of openai"),
    ],
)
def test_a_mistake_runs_nothing(
    used: Used, arguments: tuple[str, ...], environment: dict[str, str], message: str
) -> None:
    """A provider that cannot be read gives an error, and the program does not run."""
    with start(used, "exec", *arguments, "--", sys.executable, "-c", "print('ran')", **environment) as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (2, "")
    assert message in err
    assert used.keys["openai"] not in err


def test_a_program_that_does_not_exist(used: Used) -> None:
    """A program that cannot be run gives a short error that does not repeat its name."""
    with start(used, "exec", "--provider", "openai", "--", "/no/such/program") as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (2, "")
    assert "cannot run the command: No such file or directory" in err
    assert "/no/such" not in err


def test_it_needs_the_data_planes_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package of the data plane, the command names what to install."""
    monkeypatch.setitem(sys.modules, "providers_data_plane", None)

    done = Commands({})("exec", "--provider", "openai", "--", "true")

    assert done.code == 2
    assert "install providers-data-plane" in done.err
