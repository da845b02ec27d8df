"""The packages `providers-client` and `providers-data-plane`: the contents of their wheels; each works alone."""

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


def without(names: tuple[str, ...]) -> str:
    """Return the beginning of a program in which these packages are not installed."""
    return f"import sys; sys.modules.update(dict.fromkeys({names!r}))\n"


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
MCP_1 = "import sys; del sys.modules['mcp']; sys.modules['mcp_types'] = None; "
"""The first version of the library, which the server cannot use, has no such package."""
PROGRAMS = [
    ("from providers_client import Client; print(Client.__name__)", 0, "Client"),
    (RUN.format(["providers", "--version"], "cli.app"), 0, "0."),
    (RUN.format(["providers", "--help"], "cli.app"), 0, "rotate"),
    (RUN.format(["providers", "import", "--help"], "cli.app"), 0, ".env"),
    (RUN.format(["providers-mcp"], "mcp.__main__"), 2, "pip install 'providers-client[mcp]'"),
    (MCP_1 + RUN.format(["providers-mcp"], "mcp.__main__"), 2, "pip install 'providers-client[mcp]'"),
]


@pytest.mark.parametrize(("program", "code", "said"), PROGRAMS)
def test_the_client_works_without_the_server(wheel: Path, tmp_path: Path, program: str, code: int, said: str) -> None:
    """The client works from the wheel alone, without the server, the AWS SDK or the MCP library."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", without(SERVER) + program],
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


DATA_PLANE = ROOT / "packages" / "data-plane"
NOT_ITS_OWN = ("providers", "providers_client", "providers_contract", "boto3", "pydantic", "httpx", "httpx2", "local")
MAX_IMPORT_S = 0.06
"""The time that `import providers_data_plane` may add to the start of a program."""

READS = """
import pkgutil
import providers_data_plane as package
from providers_data_plane.contract.vendors import NAMES, facts

for each in pkgutil.iter_modules(package.__path__, "providers_data_plane."):
    __import__(each.name)
credentials = package.Credentials(package.Settings("main", "secrets", "key", 3600, org="org_a"))
credentials.use("OpenAI Production")
print(package.__file__, [facts(name).hosts[0] for name in NAMES])
"""


@pytest.fixture(scope="module")
def data_plane_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data plane's wheel, built from this checkout and unpacked."""
    folder = tmp_path_factory.mktemp("data-plane")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=DATA_PLANE, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    with zipfile.ZipFile(found) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_data_planes_wheel_shares_no_file_with_the_clients(wheel: Path, data_plane_wheel: Path) -> None:
    """Both can be installed together, in any versions: each package has a top-level folder of its own."""
    (info,) = data_plane_wheel.glob("*.dist-info")
    assert {path.name for path in data_plane_wheel.iterdir()} == {"providers_data_plane", info.name}
    with zipfile.ZipFile(wheel) as archive:
        assert not any(name.startswith("providers_data_plane/") for name in archive.namelist())
    assert (data_plane_wheel / "providers_data_plane" / "py.typed").exists()
    needed = [line for line in (info / "METADATA").read_text().splitlines() if line.startswith("Requires-Dist: ")]
    assert [Requirement(line[15:]).name for line in needed if "extra ==" not in line] == ["botocore", "cryptography"]


def test_the_data_plane_works_with_botocore_and_cryptography_only(data_plane_wheel: Path) -> None:
    """Every module of its wheel, except integrations, imports without the layer, the client and their libraries."""
    environment = os.environ | {"PYTHONPATH": str(data_plane_wheel)}
    command = [sys.executable, "-c", without(NOT_ITS_OWN) + READS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(data_plane_wheel) in done.stdout


def test_the_data_plane_is_imported_quickly(data_plane_wheel: Path) -> None:
    """Importing it costs little, because botocore and cryptography are loaded with the first credential."""
    timed = "import time; began = time.process_time(); import providers_data_plane; print(time.process_time() - began)"
    environment = os.environ | {"PYTHONPATH": str(data_plane_wheel)}
    run = [sys.executable, "-c", timed]
    took = [
        float(subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout) for _ in range(3)
    ]
    assert min(took) < MAX_IMPORT_S
