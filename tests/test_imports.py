"""The modules that an import loads, because imports are most of a cold start."""

import os
import subprocess
import sys

import pytest

from providers import ports

LOADED = "import sys, providers.bootstrap, providers.usecases.resolve; print('\\n'.join(sys.modules))"
FORBIDDEN = ("providers.edge", "providers.entrypoints", "aws_lambda_powertools", "pydantic", "httpx2", "boto3")


def test_the_composition_root_loads_nothing_of_the_edge() -> None:
    """`import providers.bootstrap` leaves the edge, Powertools, pydantic and every client library unloaded."""
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = ran.stdout.split()
    assert "providers.usecases.resolve" in loaded
    assert [name for name in loaded if name.startswith(FORBIDDEN)] == []


def test_the_client_package_loads_its_libraries_on_first_use() -> None:
    """`import providers_client` loads neither httpx2 nor pydantic, and yet has every name that it lists."""
    code = (
        "import sys, providers_client as api; "
        "assert not {'httpx2', 'pydantic'} & {*sys.modules}; "
        "assert all(getattr(api, name).__name__ == name for name in api.__all__ if name != 'UNSET')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_list_for_people_needs_no_library_of_the_client() -> None:
    """`providers list` and completion load neither the HTTP library nor models, retries or tables for terminals.

    Completion imports the module of the command whose argument it completes.
    """
    modules = "audit completing executing health listing providers routing several versions"
    code = (
        "import sys; from importlib import import_module; "
        f"[import_module('providers_client.cli.' + each) for each in {modules.split()}]; "
        "assert not {'httpx2', 'httpcore2', 'pydantic', 'stamina', 'rich', 'asyncio'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_data_planes_package_loads_its_libraries_on_first_use() -> None:
    """`import providers_data_plane` loads neither botocore nor cryptography, and yet has every name that it lists."""
    code = (
        "import sys, providers_data_plane as package; "
        "assert not {'botocore', 'cryptography', 'asyncio', 'providers_contract'} & {*sys.modules}; "
        "assert all(getattr(package, name).__name__ == name for name in package.__all__); "
        "assert not {'boto3', 'pydantic', 'httpx2', 'providers', 'asyncio'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_function_that_reads_loads_no_client_library_of_the_others() -> None:
    """Reading a provider loads neither boto3 nor an event loop, nor the decorators of other functions."""
    code = (
        "import sys, functions.get_provider.app; from providers.bootstrap import Dependencies, Settings; "
        "names = dict(MAIN_TABLE='main', SECRETS_TABLE='secrets', KMS_KEY_ID='key'); "
        "Dependencies(Settings.from_environment(names)).providers; print('\\n'.join(sys.modules))"
    )
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    loaded = set(ran.stdout.split())
    assert "botocore.client" in loaded
    assert not loaded & {"boto3", "s3transfer", "asyncio", "pydantic", "httpx2", "cryptography", "ulid"}
    assert not loaded & {f"providers.edge.{name}" for name in ("authorizer", "background", "open_endpoint")}
    assert not loaded & {f"providers.model.{name}" for name in ("audit", "events", "routing", "upload", "vendor")}
    assert not loaded & {"providers.vendors", "providers.usecases.mutation", "providers.ports.sweep"}


def test_calls_to_vendors_load_no_client() -> None:
    """The adapter that calls vendors loads the pool of connections, and not the client library above it."""
    code = (
        "import sys, providers.adapters.verifier; assert 'httpcore2' in sys.modules; assert 'httpx2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_port_is_imported_by_its_name() -> None:
    """`providers.ports` has every name that it lists, though it imports each on first use, and no other."""
    assert all(getattr(ports, name) is not None for name in ports.__all__)
    assert {*ports._MODULES, "Ports", "Work"} == {*ports.__all__}
    with pytest.raises(AttributeError):
        _ = ports.Unknown  # type: ignore[attr-defined]


def test_a_cold_start_hardly_searches_for_garbage() -> None:
    """Loading a function and botocore runs the garbage collector a few times, a fifth as often as Python's default."""
    code = "import functions.get_provider.app, botocore.session; print(gc.get_stats()[0]['collections'])"
    default = "gc.set_threshold = lambda *_: None"
    searches = [
        int(
            subprocess.run(
                [sys.executable, "-c", f"import gc; {first}; {code}"], stdout=subprocess.PIPE, check=True
            ).stdout
        )
        for first in ("pass", default)
    ]
    assert searches[0] * 5 <= searches[1]
