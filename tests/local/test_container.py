"""The container image's files. Building it needs an engine and a registry: `.ci/run` does it where there are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.local.test_process import banner

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COPIED = re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_the_copied_files_serve_the_stack(tmp_path: Path) -> None:
    """The files that the image has, and the variables that it sets, are enough to serve the stack."""
    app, data = tmp_path / "app", tmp_path / "data"
    for each in (path for paths in COPIED for path in paths.split()):
        source, target = ROOT / each, app / each
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(source, target)
    (given,) = re.findall(r"^ENV (.+)$", DOCKERFILE, re.MULTILINE)
    environment = dict(
        pair.split("=", 1) for pair in given.replace("/app", str(app)).replace("/data", str(data)).split()
    )
    run = [sys.executable, "-m", "local"]
    with subprocess.Popen(
        run, cwd=app, env=os.environ | environment | {"PORT": "0"}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert f"All data is kept in {data}" in banner(process)
        finally:
            process.terminate()


def test_the_context_has_what_is_copied_and_nothing_else() -> None:
    """.dockerignore lets in exactly what the Dockerfile copies."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert {each[1:] for each in lines if each.startswith("!")} == {path for paths in COPIED for path in paths.split()}


def test_the_port_is_published_on_this_machine_only() -> None:
    """The API is reachable from this machine, not from the network."""
    (port,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    assert COMPOSE["services"]["api"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"PORT={port} " in DOCKERFILE
