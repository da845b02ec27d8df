"""What an account has: stacks with their parameters and outputs, and API Gateway's role for logs."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError


def describe(stacks: Any, name: str) -> dict[str, Any] | None:
    """Return a stack, or None if there is none."""
    try:
        (found,) = stacks.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if found["StackStatus"] == "REVIEW_IN_PROGRESS" else dict(found)


def parameters_of(stacks: Any, name: str) -> dict[str, str] | None:
    """Return a stack's parameters, or None if there is no such stack."""
    found = describe(stacks, name)
    return found and {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}


def outputs_of(stacks: Any, name: str) -> dict[str, str]:
    """Return a stack's outputs."""
    found = describe(stacks, name) or {}
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


def delete_remains(stacks: Any, name: str) -> bool:
    """Delete the record of a first deployment that failed, which cannot be updated. Return whether there was one."""
    found = describe(stacks, name)
    if found is None or found["StackStatus"] != "ROLLBACK_COMPLETE":
        return False
    stacks.delete_stack(StackName=name)
    stacks.get_waiter("stack_delete_complete").wait(StackName=name)
    return True


def logs_role_exists(gateway: Any, iam: Any) -> bool:
    """Return whether API Gateway has a role for logs in this account and region that still exists."""
    arn = gateway.get_account().get("cloudwatchRoleArn")
    if not arn:
        return False
    try:
        iam.get_role(RoleName=arn.rpartition("/")[2])
    except iam.exceptions.NoSuchEntityException:
        return False
    return True
