"""Build and deploy the stack: `make deploy [STACK=…] [REGION=…]`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy.build import WrongBuild, check
from deploy.stacks import delete_remains, logs_role_exists, outputs_of, parameters_of

ROOT: Final = Path(__file__).parent.parent


def read_parameters(stack: str, given: Sequence[str], root: Path = ROOT) -> dict[str, str]:
    """Return the parameters of samconfig.toml, of the stack's own file if there is one, and of the command line."""
    found: dict[str, str] = {}
    for path in (root / "samconfig.toml", root / f"samconfig.{stack}.toml"):
        if path.exists():
            tables = tomllib.loads(path.read_text())
            found |= _pairs(tables["default"]["global"]["parameters"]["parameter_overrides"])
    return found | _pairs(given)


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def sam_deploy(sam: str, build: Path, stack: str, parameters: Mapping[str, str]) -> None:
    """Run `sam deploy`. Raises CalledProcessError."""
    command = [sam, "deploy", "--template-file", str(build / "template.yaml"), "--stack-name", stack, "--resolve-s3"]
    command += ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    command += ["--no-progressbar", "--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    subprocess.run(command, cwd=ROOT, check=True)


def deploy(stack: str, sam: str, build: Path, parameters: Mapping[str, str]) -> None:
    """Deploy the build and print the outputs. Raises CalledProcessError, WrongBuild, ClientError, BotoCoreError."""
    check(build, parameters["Architecture"])
    stacks = boto3.client("cloudformation")
    region = stacks.meta.region_name
    if delete_remains(stacks, stack):
        print(f"Deleted the remains of a failed first deployment of {stack}.")
    known = parameters_of(stacks, stack)
    if "ApiGatewayLogsRole" not in (known or {}) and logs_role_exists(boto3.client("apigateway"), boto3.client("iam")):
        parameters = {"ApiGatewayLogsRole": "existing", **parameters}
    if known is None:
        print(f"Deploying the new stack {stack} in {region}.", flush=True)
        # CloudFormation could not delete protected tables if this failed.
        sam_deploy(sam, build, stack, {**parameters, "DeletionProtection": "false"})
        if parameters.get("DeletionProtection") == "false":
            print("The tables have no deletion protection (DeletionProtection=false).")
        else:
            print("Turning on deletion protection for the tables, which exist now.", flush=True)
            sam_deploy(sam, build, stack, {**parameters, "DeletionProtection": "true"})
    else:
        print(f"Updating the stack {stack} in {region}.", flush=True)
        sam_deploy(sam, build, stack, parameters)
    print()
    for name, value in outputs_of(stacks, stack).items():
        print(f"{name:20} {value}")
    if known is None:
        print(f"\nNext, create a management key: make management-key STACK={stack} ORG=<your organization>")


def main() -> int:
    """Build, unless --built is given, and deploy."""
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    parser.add_argument("--stack", default="providers-api", help="name of the stack")
    parser.add_argument("--sam", default="sam", help="the SAM CLI")
    parser.add_argument("--build-dir", type=Path, default=Path(".aws-sam/build"), help="folder of the build")
    parser.add_argument("--built", action="store_true", help="deploy the build as it is")
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="parameters of the stack")
    given = parser.parse_args()
    parameters = read_parameters(given.stack, given.parameters)
    try:
        parameters_of(boto3.client("cloudformation"), given.stack)  # fails without credentials, before the build
        if not given.built:
            wanted = [f"ARCH={parameters['Architecture']}", f"BUILD_DIR={given.build_dir}"]
            subprocess.run(["make", "--no-print-directory", "build", *wanted], cwd=ROOT, check=True)
        deploy(given.stack, given.sam, given.build_dir, parameters)
    except subprocess.CalledProcessError as failed:
        return int(failed.returncode)
    except (WrongBuild, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("SAM_CLI_TELEMETRY", "0")
    sys.exit(main())
