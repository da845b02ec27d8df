"""Check which architecture a build is for: `python -m deploy.build FOLDER ARCHITECTURE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

MACHINES: Final = {62: "x86_64", 183: "arm64"}
"""`e_machine` in the ELF header of a compiled package."""


class WrongBuild(Exception):
    """There is no build, or it is for another architecture."""


def architecture_of(build: Path) -> str:
    """Return the architecture that the layer's compiled packages run on.

    Raises WrongBuild if there are none.
    """
    for library in (build / "SharedLayer").rglob("*.so"):
        with library.open("rb") as file:
            header = file.read(20)
        return MACHINES.get(int.from_bytes(header[18:20], "little"), "an unknown architecture")
    raise WrongBuild(f"There is no build in {build}. Run: make build")


def check(build: Path, architecture: str) -> None:
    """Raise WrongBuild unless the build is for `architecture`: its functions would start, and then fail to import."""
    found = architecture_of(build)
    if found != architecture:
        raise WrongBuild(
            f"The build in {build} is for {found}, and Architecture is {architecture}. "
            f"Run: make build ARCH={architecture}"
        )


if __name__ == "__main__":
    try:
        check(Path(sys.argv[1]), sys.argv[2])
    except WrongBuild as error:
        sys.exit(str(error))
