"""`make management-key`: mint a management key for a deployed stack, with the operator's own AWS credentials."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from providers.bootstrap import Dependencies, Settings
from providers.model.errors import Unavailable
from providers.model.provider import Scope
from providers.model.secret import Secret
from providers.usecases.management_keys import mint_management_key

_ORG = re.compile(r"[A-Za-z0-9_-]{1,64}")


def outputs_of(stack: str) -> Mapping[str, str]:
    """The outputs of a CloudFormation stack. Raises botocore's errors."""
    (found,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {str(each.get("OutputKey")): str(each.get("OutputValue")) for each in found.get("Outputs", [])}


def mint(outputs: Mapping[str, str], org: str, name: str, scopes: Sequence[Scope]) -> Secret:
    """A new key of the stack with these outputs; makes the stack's digest key where this is the first.

    Raises KeyError where the stack is another one, Unavailable.
    """
    environment = {
        "MAIN_TABLE": outputs["MainTableName"],
        "SECRETS_TABLE": outputs["SecretsTableName"],
        "KMS_KEY_ID": outputs["KmsKeyId"],
    }
    ports = Dependencies(Settings.from_environment(environment))
    ports.digests.create()
    return mint_management_key(ports, org, name, scopes)[1]


def main(arguments: Sequence[str]) -> int:
    """Print the key's token, this once."""
    parser = argparse.ArgumentParser(prog="make management-key", description=__doc__)
    parser.add_argument("--stack", required=True, help="the CloudFormation stack's name")
    parser.add_argument("--org", required=True, help="the organization that the key is for (letters, digits, _ and -)")
    parser.add_argument("--name", default="minted by an operator", help="what the key is for")
    parser.add_argument("--scope", action="append", choices=[scope.value for scope in Scope], help="default: all")
    given: Any = parser.parse_args(arguments)
    if not _ORG.fullmatch(given.org):
        parser.error("--org has letters, digits, _ and - only, 64 at most")
    scopes = [Scope(each) for each in given.scope or Scope]
    try:
        token = mint(outputs_of(given.stack), given.org, given.name, scopes)
    except KeyError as missing:
        print(f"{given.stack} is not a stack of the Providers API: it has no output {missing}", file=sys.stderr)
        return 1
    except (ClientError, BotoCoreError, Unavailable) as error:
        print(f"no key was minted: {error}", file=sys.stderr)
        return 1
    print(token.reveal())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
