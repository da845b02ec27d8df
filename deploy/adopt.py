"""Create a stack that adopts retained tables and their key: `make adopt`.

A stack that was deleted leaves these three. CloudFormation imports them into a new stack that has nothing else, and
`make deploy` then updates that stack to the whole template.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from local.template import Template

RETAINED: Final = {"MainTable": "TableName", "SecretsTable": "TableName", "CredentialsKey": "KeyId"}
"""The resources that outlive a stack, and the property that identifies each of them."""


def retained_only(template: Template) -> dict[str, Any]:
    """Return a template with the retained resources alone, and the parameters that they use."""
    resources = {name: _attributes_as_lists(template.content["Resources"][name]) for name in RETAINED}
    used = template.content["Parameters"]
    parameters = {name: each for name, each in used.items() if f'{{"Ref": "{name}"}}' in json.dumps(resources)}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Parameters": parameters, "Resources": resources}


def _attributes_as_lists(value: Any) -> Any:
    """Return `value` with `Fn::GetAtt: A.b` as a list, which JSON requires."""
    if isinstance(value, list):
        return [_attributes_as_lists(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: each.split(".", 1) if name == "Fn::GetAtt" and isinstance(each, str) else _attributes_as_lists(each)
        for name, each in value.items()
    }


def adopt(stack: str, identifiers: dict[str, str]) -> None:
    """Import the resources into the new stack.

    Raises ClientError, and WaiterError; then nothing of the new stack is left, so that it can be tried again.
    """
    stacks = boto3.client("cloudformation")
    change: dict[str, str] = {"StackName": stack, "ChangeSetName": "adopt"}
    stacks.create_change_set(
        **change,
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(retained_only(Template())),
        ResourcesToImport=[
            {
                "LogicalResourceId": name,
                "ResourceType": Template().content["Resources"][name]["Type"],
                "ResourceIdentifier": {RETAINED[name]: value},
            }
            for name, value in identifiers.items()
        ],
    )
    try:
        stacks.get_waiter("change_set_create_complete").wait(**change)
    except WaiterError as error:
        reason = stacks.describe_change_set(**change).get("StatusReason") or str(error)
        stacks.delete_stack(StackName=stack)  # it has no resource yet
        raise WaiterError("adopt", reason, error.last_response) from None
    stacks.execute_change_set(**change)
    stacks.get_waiter("stack_import_complete").wait(StackName=stack)


def main() -> int:
    """Adopt what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m deploy.adopt", description=__doc__)
    parser.add_argument("--stack", required=True, help="name of the new stack")
    parser.add_argument("--main-table", required=True, help="name of the main table")
    parser.add_argument("--secrets-table", required=True, help="name of the table with the sealed credentials")
    parser.add_argument("--kms-key", required=True, help="id of the KMS key that encrypts both")
    given = parser.parse_args()
    found = {
        "MainTable": given.main_table,
        "SecretsTable": given.secrets_table,
        "CredentialsKey": given.kms_key.rpartition("/")[2],
    }
    try:
        adopt(given.stack, found)
    except (BotoCoreError, ClientError, WaiterError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{given.stack} has the tables and the key. Next: make deploy STACK={given.stack}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
