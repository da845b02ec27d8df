"""An eighth vendor takes two files, as CONTRIBUTING promises: this adds one to a copy of the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
COPIED: Final = ("client", "functions", "layers/shared", "local", "openapi", "tests/fixtures", "tests/kit")
"""The code that uses the vendor, and the generators that read it."""
FIXTURE: Final = ROOT / "tests/fixtures/eighth_vendor"


def run(copy: Path, *arguments: str) -> str:
    """Return the output of a command in the copy, run with the copy's code."""
    path = os.pathsep.join(str(copy / each) for each in ("layers/shared", "client", "."))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_eighth_vendor_takes_two_files(tmp_path: Path) -> None:
    """The API, sweep, client, CLI, OpenAPI document and emulator find a new vendor."""
    for folder in COPIED:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "docs").mkdir()
    for file in ("template.yaml", "tests/__init__.py", "docs/events.schema.json"):
        shutil.copy(ROOT / file, tmp_path / file)

    shutil.copy(FIXTURE / "vendor.py", tmp_path / "layers/shared/providers/vendors/acme.py")
    shutil.copy(FIXTURE / "cases.py", tmp_path / "local/vendors/cases/acme.py")
    run(tmp_path, "-m", "tests.kit.vendors_json")

    *_, found = run(tmp_path, "-m", "tests.fixtures.eighth_vendor.tour").splitlines()  # the lines before it are logs
    assert json.loads(found) == {
        "api": {"outcome": "valid", "hint": "acme_…0001", "key_version": 2, "refused": "credential_rejected"},
        "sweep": {"state": "healthy"},
        "import": {"vendor": "acme", "name": "Acme staging", "result": "added"},
        "list": ["Acme production", "Acme staging"],
        "emulator": ["invalid", "valid"],
        "exec": {"ACME_API_KEY": "a key", "ACME_BASE_URL": None, "ACME_API_BASE": None},
        "openapi": True,
        "mcp": ["list_providers", "add_provider", "update_provider"],
    }
