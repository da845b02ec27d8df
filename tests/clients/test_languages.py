"""The examples in other languages on docs/use.md read a stored credential from a running stack."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx2
import pytest

from local.background import in_background
from local.stack import Stack, running_stack
from local.vendors.keys import fake_key
from openapi.files import ROOT
from tests.kit.use_page import PAGE

NODE: Final = ROOT / "tests" / "clients" / "node_modules"
GO: Final = Path("/usr/share/gocode")
"""Where Debian's packages of Go libraries are."""

KEY: Final = fake_key("openai", serial=830_003)

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Yield a stack whose embedded AWS other programs can reach, with the page's provider."""
    with in_background(running_stack(aws_port=0)) as stack:
        body = {"vendor": "openai", "name": "OpenAI Production", "api_key": KEY}
        headers = {"Authorization": f"Bearer {stack.management_key.reveal()}"}
        httpx2.post(f"{stack.url}/manage/v1/providers", json=body, headers=headers, trust_env=False).raise_for_status()
        yield stack


def example(language: str) -> str:
    """Return the page's only block in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


def run(*command: str, at: Path, stack: Stack, **more: str) -> str:
    """Return the output of a program that finds the stack as the page says."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(at), **stack.environment(), **more}
    done = subprocess.run(command, cwd=at, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not (NODE / "@aws-sdk").exists(), reason="npm is not installed")
def test_node(stack: Stack, tmp_path: Path) -> None:
    """The program for Node prints what it read."""
    (tmp_path / "node_modules").symlink_to(NODE)
    (tmp_path / "program.mjs").write_text(example("js"))
    assert run("node", "program.mjs", at=tmp_path, stack=stack) == "openai null 1 30\n"


@pytest.mark.skipif(not (shutil.which("go") and GO.exists()), reason="Debian's Go and AWS SDK are not installed")
def test_go(stack: Stack, tmp_path: Path) -> None:
    """The program for Go prints what it read. Debian's SDK is older than AWS_ENDPOINT_URL, so the test passes it."""
    endpoint = "aws.EndpointResolverFunc(func(string, string) (aws.Endpoint, error) {\n"
    endpoint += f'return aws.Endpoint{{URL: "{stack.aws_url}"}}, nil }})'
    program = example("go").replace("Config(ctx)", f"Config(ctx, config.WithEndpointResolver({endpoint}))")
    (tmp_path / "program.go").write_text(program)
    go = {"GO111MODULE": "off", "GOPATH": str(GO), "GOCACHE": str(tmp_path / "cache")}
    assert run("go", "run", "program.go", at=tmp_path, stack=stack, **go) == "openai <nil> 1 30\n"


@pytest.mark.parametrize("aws", [shutil.which("aws", path="/usr/local/bin:/usr/bin")])
def test_the_aws_cli(stack: Stack, tmp_path: Path, aws: str | None) -> None:
    """The command returns the credential. Debian's version is older than AWS_ENDPOINT_URL, so the test passes it."""
    if aws is None or "aws-cli/2" not in run(aws, "--version", at=tmp_path, stack=stack):
        pytest.skip("the AWS CLI, version 2, is not installed")
    command = example("bash").replace("aws lambda", f"{aws} --endpoint-url {stack.aws_url} lambda")
    printed = run("bash", "-c", command, at=tmp_path, stack=stack)
    found = json.JSONDecoder().raw_decode(printed)[0]["data"]
    assert (found["vendor"], found["version"], found["secret"]) == ("openai", 1, KEY)
