"""Builds the wheel: the package, with the modules of `providers_contract` that it imports as a part of it.

The client's wheel also contains `providers_contract`. Two wheels with the same files overwrite each other when they are
installed together, and break when one is removed. A wheel of the contract alone would be a dependency by a name that
anyone could register on PyPI.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LAYER = Path(__file__).parent.parent.parent / "layers" / "shared"
PACKAGE = "providers_data_plane"
CONTRACT = ("__init__", "credentials", "frozen", "hosts", "ids", "limits", "names", "secret", "vendor", "vendors")
"""The modules of the contract that the package imports, itself or through another one. None imports pydantic."""


class Vendoring(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the files to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the files to a temporary folder, and have the wheel contain it."""
        self.folder = Path(tempfile.mkdtemp())
        shutil.copytree(LAYER / PACKAGE, self.folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        contract = self.folder / PACKAGE / "contract"
        contract.mkdir()
        for name in CONTRACT:
            shutil.copy(LAYER / "providers_contract" / f"{name}.py", contract)
        shutil.copy(LAYER / "providers_contract" / "vendors.json", contract)
        for path in self.folder.rglob("*.py"):
            text = re.sub(r"\bproviders_contract\b", f"{PACKAGE}.contract", path.read_text())
            path.write_text(text)
        build_data["force_include"][str(self.folder / PACKAGE)] = PACKAGE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder)
