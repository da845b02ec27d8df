"""The GitHub workflows, which cannot run here: they start what exists, and the policy checks see all of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(path: Path) -> list[dict[str, Any]]:
    """Return the steps of every job."""
    return [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_what_exists(path: Path) -> None:
    """Make targets, and `.ci/run`, which can be executed."""
    makefile = (ROOT / "Makefile").read_text()
    for command in (step["run"] for step in steps(path) if "run" in step):
        program, *arguments = command.split()
        if program == "make":
            assert re.search(rf"^{arguments[0]}:", makefile, re.MULTILINE), command
        elif program != "gh":
            assert (ROOT / program).stat().st_mode & 0o100, command


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_an_action_is_pinned_to_a_commit_and_says_its_version(path: Path) -> None:
    """A tag can be moved to other code, which would then run with the role of the deployment."""
    used = re.findall(r"uses: (.+)", path.read_text())
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", each)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_permission_that_its_job_does_not_name(path: Path) -> None:
    """The default of a repository may be to write."""
    found = yaml.safe_load(path.read_text())
    assert found["permissions"] == {}
    assert all(job["permissions"]["contents"] in ("read", "write") for job in found["jobs"].values())


def test_the_policy_checks_see_every_template_image_and_workflow() -> None:
    """checkov is given files, because a folder would include virtual environments."""
    checked = set(yaml.safe_load((ROOT / ".checkov.yaml").read_text())["file"])
    templates = {"template.yaml", *(f"{path.parent.name}/template.yaml" for path in ROOT.glob("*/template.yaml"))}
    assert checked == templates | {"Dockerfile"} | {str(path.relative_to(ROOT)) for path in WORKFLOWS}
    lint = re.search(r"cfn-lint .*", (ROOT / "Makefile").read_text())
    assert lint
    assert set(re.findall(r"\S*template\.yaml", lint.group())) == templates


def test_every_suppression_has_a_reason() -> None:
    """A comment precedes each check that is skipped for all resources."""
    lines = (ROOT / ".checkov.yaml").read_text().partition("skip-check:\n")[2].splitlines()
    skipped = [number for number, line in enumerate(lines) if line.strip().startswith("- ")]
    assert skipped
    assert all(lines[number - 1].strip().startswith("#") for number in skipped)
