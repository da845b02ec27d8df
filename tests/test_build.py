"""The artifacts of `sam build`: run by `make test-sam`, on a build for this machine's processor."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import botocore
import pytest

from local.template import TEMPLATE, Template

ROOT = Path(__file__).parent.parent
BUILD = ROOT / os.environ.get("SAM_BUILD_DIR", ".aws-sam/local")
SITE = BUILD / "SharedLayer" / "python"
MCP = BUILD / "McpFunction"
UNCHECKED_HASH = 0b01
"""The flags of a .pyc that contains its source's hash and is never compared with it (PEP 552)."""

MOST_MB = 60
MOST_MB_OF_MCP = 12
SERVICES = {"dynamodb", "events", "kms", "sqs", "sts"}
IMPORTS = """
import asyncio, importlib, json, pkgutil, sys
import boto3, httpx2, providers
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from importlib.metadata import version

session = boto3.Session(region_name="eu-central-1", aws_access_key_id="testing", aws_secret_access_key="testing")
endpoints = [session.client(service).meta.endpoint_url for service in ("dynamodb", "events", "kms", "sqs", "sts")]
box = AESGCM(bytes(32))
opened = box.decrypt(bytes(12), box.encrypt(bytes(12), b"sealed", b"bound"), b"bound").decode()
modules = [each.name for each in pkgutil.walk_packages(providers.__path__, "providers.")]
for name in modules:
    importlib.import_module(name)
files = {module.__file__ for module in (boto3, httpx2, providers)}
print(json.dumps({"endpoints": endpoints, "opened": opened, "modules": modules, "files": sorted(files),
                  "ulid": version("python-ulid"), "python": sys.version_info[:2]}))
"""

pytestmark = pytest.mark.sam


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """Check that there is a build to inspect."""
    if not SITE.is_dir():
        pytest.fail(f"there is no build in {BUILD}: run `make test-sam`, which makes one")


def python313() -> str:
    """Return an interpreter of the runtime's version, as the build found one."""
    pyenv = shutil.which("pyenv")
    root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout.strip() if pyenv else ""
    candidates = ["python3.13", *map(str, Path(root or "/nonexistent").glob("versions/3.13.*/bin/python3.13"))]
    for candidate in candidates:
        try:
            found = subprocess.check_output([candidate, "-c", "import sys; print(sys.version_info[:2])"], text=True)
        except (FileNotFoundError, subprocess.CalledProcessError):
            continue
        if found.strip() == "(3, 13)":
            return candidate
    pytest.fail("no Python 3.13 was found")


def test_every_module_of_the_layer_has_bytecode_that_is_never_checked() -> None:
    """All modules have unchecked bytecode: the layer is read-only, so a cold start would have to compile others."""
    for source in SITE.rglob("*.py"):
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        (flags,) = struct.unpack("<I", compiled.read_bytes()[4:8])
        assert flags == UNCHECKED_HASH, source


def test_tracebacks_have_lambdas_paths() -> None:
    """Tracebacks show the paths on Lambda, not those of the build machine."""
    compiled = (SITE / "providers" / "__pycache__" / "bootstrap.cpython-313.pyc").read_bytes()
    assert b"/opt/python/providers/bootstrap.py" in compiled
    assert str(ROOT).encode() not in compiled


def test_the_layer_contains_only_the_models_of_its_services() -> None:
    """The layer contains botocore's data for the services it calls only; all of it is larger than everything else."""
    assert {path.name for path in (SITE / "botocore" / "data").iterdir() if path.is_dir()} == SERVICES


def test_the_models_in_the_layer_have_every_operation_and_no_documentation() -> None:
    """The models are botocore's without their texts, which only people read and every cold start would parse."""
    for path in SITE.glob("botocore/data/*/*/service-2.json.gz"):
        kept = json.loads(gzip.decompress(path.read_bytes()))
        whole = json.loads(
            gzip.decompress((Path(botocore.__file__).parent / path.relative_to(SITE / "botocore")).read_bytes())
        )
        assert kept["operations"].keys() == whole["operations"].keys()
        assert kept["shapes"].keys() == whole["shapes"].keys()
        assert len(json.dumps(kept)) < len(json.dumps(whole)) / 2


def test_the_layer_knows_the_endpoints_of_its_services_in_every_partition() -> None:
    """The list of endpoints has all partitions and regions, for the layer's services only."""
    found = json.loads((SITE / "botocore" / "data" / "endpoints.json").read_text())["partitions"]
    assert {partition["partition"] for partition in found} >= {"aws", "aws-cn", "aws-us-gov"}
    assert {service for partition in found for service in partition["services"]} == SERVICES


def test_the_layer_is_small() -> None:
    """The layer is far below Lambda's 250 MB, because size adds to cold starts."""
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    assert size < MOST_MB * 1_000_000


def test_the_layer_leaves_out_unused_packages() -> None:
    """The layer contains no tests, stubs or scripts of other packages."""
    names = {path.name for path in SITE.rglob("*")}
    assert not names & {"tests", "bin", "pycparser", "RECORD"}
    assert not list(SITE.rglob("*.pyi"))


def test_the_layer_is_compiled_for_one_processor_and_one_python() -> None:
    """Compiled modules are for the right processor and Python version only."""
    tags = {
        found[1]
        for path in SITE.rglob("*.so")
        if (found := re.search(r"\.cpython-313-(\w+)-linux-gnu\.so$", path.name))
    }
    assert tags == {os.uname().machine}
    metadata = json.loads(json.dumps(Template(BUILD / "template.yaml").content["Resources"]["SharedLayer"]["Metadata"]))
    assert metadata["BuildArchitecture"] == metadata["ContextPath"].rpartition("/")[2]


def test_everything_in_the_layer_imports_with_nothing_but_the_layer() -> None:
    """Every module imports with only the standard library and the layer, so nothing needed was removed."""
    ran = subprocess.run(
        [python313(), "-I", "-c", f"import sys; sys.path.insert(0, {str(SITE)!r})\n{IMPORTS}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["opened"] == "sealed"
    assert found["endpoints"][0] == "https://dynamodb.eu-central-1.amazonaws.com"
    assert all(file.startswith(str(SITE)) for file in found["files"])
    assert "providers.bootstrap" in found["modules"]


def test_the_mcp_function_runs_on_the_layer_and_itself() -> None:
    """The MCP function contains the MCP library and duplicates nothing from the layer."""
    listing = f"import json, sys; sys.path[:0] = [{str(MCP)!r}, {str(SITE)!r}]\nimport app, mcp, providers_client\n"
    listing += f"event = json.load(open({str(ROOT / 'events' / 'mcp.json')!r}))\n"
    listing += "response = json.loads(app.handler(event, None)['body'])\n"
    listing += "print(len(response['result']['tools']), mcp.__file__, providers_client.__file__)"
    ran = subprocess.run([python313(), "-I", "-c", listing], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    tools, *files = ran.stdout.splitlines()[-1].split()
    assert tools == "6"
    assert all(file.startswith(str(MCP)) for file in files)
    twice = {path.name for path in MCP.iterdir()} & {path.name for path in SITE.iterdir()}
    assert twice <= {"__pycache__"}


def test_the_mcp_function_contains_little_but_bytecode() -> None:
    """The MCP function has bytecode, no CLI and nothing compiled."""
    for source in MCP.rglob("*.py"):
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        (flags,) = struct.unpack("<I", compiled.read_bytes()[4:8])
        assert flags == UNCHECKED_HASH, source
    names = {path.name for path in MCP.rglob("*")}
    assert not names & {"tests", "bin", "RECORD", "jsonschema", "cryptography"}
    assert not (MCP / "providers_client" / "cli").exists()
    assert not list(MCP.rglob("*.so"))
    assert sum(path.stat().st_size for path in MCP.rglob("*") if path.is_file()) < MOST_MB_OF_MCP * 1_000_000


def test_every_function_is_built_with_its_handler() -> None:
    """Every built function contains its app.py."""
    for name, function in Template(TEMPLATE).of_type("AWS::Serverless::Function").items():
        assert (BUILD / name / "app.py").read_bytes() == (ROOT / function["CodeUri"] / "app.py").read_bytes()
