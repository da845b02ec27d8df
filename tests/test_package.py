"""The package `providers-client`: the contents of its wheel, and that it works without the server."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
SERVER = ("providers", "local", "functions", "boto3", "botocore", "cryptography", "aws_lambda_powertools", "mcp")
MAX_PACKAGES = 20

WITHOUT_SERVER = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {SERVER!r}:
            raise ModuleNotFoundError(f"not installed: {{name}}", name=name)

sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_contains_the_client_and_the_contract_only(wheel: Path) -> None:
    """The wheel contains neither the layer nor the local stack, whose names an application's folders could have."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"providers_client", "providers_contract"}
    assert {"providers_contract/vendors.json", "providers_client/py.typed"} <= {*names}


RUN = "import sys; sys.argv = {}; from providers_client.{} import main; sys.exit(main())"
PROGRAMS = [
    ("from providers_client import Client; print(Client.__name__)", 0, "Client"),
    (RUN.format(["providers", "--version"], "cli.app"), 0, "0."),
    (RUN.format(["providers", "--help"], "cli.app"), 0, "rotate"),
    (RUN.format(["providers", "import", "--help"], "cli.app"), 0, ".env"),
    (RUN.format(["providers-mcp"], "mcp.__main__"), 2, "pip install 'providers-client[mcp]'"),
]


@pytest.mark.parametrize(("program", "code", "said"), PROGRAMS)
def test_the_client_works_without_the_server(wheel: Path, tmp_path: Path, program: str, code: int, said: str) -> None:
    """The client works from the wheel alone, without the server, the AWS SDK or the MCP library."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SERVER + program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stderr


def installed(name: str, seen: set[str]) -> set[str]:
    """Return `name` and all packages that its installation without extras requires."""
    key = name.lower().replace("_", "-")
    if key not in seen:
        seen.add(key)
        for line in requires(name) or ():
            each = Requirement(line)
            if each.marker is None or each.marker.evaluate({"extra": ""}):
                distribution(each.name)  # fails if the environment lacks it, and the count would be wrong
                installed(each.name, seen)
    return seen


def test_the_client_installs_few_packages() -> None:
    """Installing the client without extras adds at most 20 packages, itself included."""
    assert len(installed("providers-client", set())) <= MAX_PACKAGES
