"""Clients that others generate from the API's description compile, and work against a running stack."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from local.vendors.keys import fake_key
from openapi.files import DESCRIPTION, ROOT
from tests.local.conftest import Api

PYTHON: Final = ROOT / ".venv-clients" / "bin"
NODE: Final = ROOT / "tests" / "clients" / "node_modules" / ".bin"

PYTHON_PROGRAM: Final = """
import sys

from generated import AuthenticatedClient
from generated.api.providers import add_provider, list_providers
from generated.models import AddProviderBody, AddProviderBodyVendor, ProviderChanged, ProviderPage

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], httpx_args={"trust_env": False})
body = AddProviderBody(AddProviderBodyVendor.OPENAI, "Generated", sys.argv[3], tags=["generated"])
added = add_provider.sync(client=client, body=body)
assert isinstance(added, ProviderChanged), added
page = list_providers.sync(client=client, tag="generated")
assert isinstance(page, ProviderPage), page
print([(each.name, each.health.state.value, each.key_expires_at) for each in page.data])
"""

TYPESCRIPT_PROGRAM: Final = """
import createClient from "openapi-fetch";
import type { components, paths, webhooks } from "./api";

declare const process: { argv: string[] };
const [url, key, credential] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });

const body: components["schemas"]["AddProviderBody"] = { vendor: "openai", name: "Generated", api_key: credential };
const added = await client.POST("/manage/v1/providers", { body });
if (added.error) throw new Error(added.error.error.message);
const warnings: number = added.data.warnings?.length ?? 0;
const page = await client.GET("/manage/v1/providers", { params: { query: { name: "generated" } } });
if (page.error) throw new Error(page.error.error.message);

type Rotated = webhooks["provider.rotated"]["post"]["requestBody"]["content"]["application/json"];
export const version = (event: Rotated): number => event.detail.key_version;

const shown = page.data.data.map((each) => [each.name, each.health.state, each.key_expires_at]);
console.log(JSON.stringify([warnings, shown]));
"""


def run(*command: str | Path, at: Path) -> str:
    """Return the output of a program. Fails the test with all of it if the program fails."""
    environment = {"PATH": f"{PYTHON}{os.pathsep}{os.environ['PATH']}", "HOME": str(at)}
    done = subprocess.run(
        [str(each) for each in command], cwd=at, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder for the generated code that finds the packages of package-lock.json."""
    (tmp_path / "node_modules").symlink_to(NODE.parent)
    yield tmp_path
    shutil.rmtree(tmp_path)


pytestmark = pytest.mark.clients


@pytest.mark.skipif(not (PYTHON / "openapi-python-client").exists(), reason="run `make test-clients`")
def test_openapi_python_client(api: Api, folder: Path) -> None:
    """A Python client is generated without a warning, passes mypy's strict checks, adds a provider and lists it."""
    generate = ("openapi-python-client", "generate", "--path", DESCRIPTION, "--output-path", "generated")
    run(PYTHON / generate[0], *generate[1:], "--meta", "none", "--fail-on-warning", at=folder)
    (folder / "program.py").write_text(PYTHON_PROGRAM)
    # The rest of the generated code is the same for every API, and not this test's business.
    ours = ("generated/api", "generated/models", "program.py")
    run(PYTHON / "mypy", "--strict", "--follow-imports=silent", *ours, at=folder)
    key = fake_key("openai", serial=830_001)
    printed = run(PYTHON / "python", "program.py", api.stack.url, api.key, key, at=folder)
    assert printed == "[('Generated', 'unknown', None)]\n"


@pytest.mark.skipif(not (NODE / "openapi-typescript").exists(), reason="npm is not installed")
def test_openapi_typescript(api: Api, folder: Path) -> None:
    """TypeScript types are generated, a program with no unneeded field compiles, adds a provider and lists it."""
    run(NODE / "openapi-typescript", DESCRIPTION, "-o", "api.d.ts", at=folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "program.ts").write_text(TYPESCRIPT_PROGRAM)
    options = ("--strict", "--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler")
    run(NODE / "tsc", *options, "--lib", "es2023,dom,dom.iterable", "program.ts", at=folder)
    key = fake_key("openai", serial=830_002)
    printed = run("node", "program.js", api.stack.url, api.key, key, at=folder)
    assert printed == '[0,[["Generated","unknown",null]]]\n'
