"""Runs operators' actions in the stack's own function: an operator needs only the permission to invoke it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from providers_client.errors import ConfigurationError, ConnectionFailed, UnexpectedResponse, Unprocessable, from_body
from providers_client.sending import is_loopback

OUTPUT: Final = "OperateFunctionName"
LOCAL_FUNCTION: Final = "OperateFunction"
FUNCTION_TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Operator:
    """Invokes the operator function of a CloudFormation stack, or of the stack that `make run` serves.

    Args:
        stack: the CloudFormation stack's name; None for the local one.
        local_url: the local stack's address.
    """

    stack: str | None
    local_url: str = ""

    def __call__(self, action: str, **arguments: Any) -> Any:
        """Run `action` and return its result.

        Raises ConfigurationError if the function refuses an argument, otherwise ProvidersAPIError.
        """
        result = self._invoke({"action": action, "arguments": arguments})
        if "data" in result:
            return result["data"]
        error = from_body(result)
        if error is None:
            raise UnexpectedResponse("the operator function failed; see its log", code="operate_failed")
        if isinstance(error, Unprocessable):
            raise ConfigurationError(error.message)
        raise error

    def _invoke(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        try:
            import boto3  # late, and optional: the other commands do without it
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise ConfigurationError("install providers-client[operator] for this command") from None
        # Never retried: a retry would create a second key that no one sees.
        config = Config(read_timeout=FUNCTION_TIMEOUT_S + 10, retries={"total_max_attempts": 1})
        endpoint = _loopback(self.local_url) if self.stack is None else None
        try:
            if self.stack is None:
                session, name = boto3.Session("local", "local", region_name="us-east-1"), LOCAL_FUNCTION
            else:
                session = boto3.Session()
                name = self._function(session.client("cloudformation"), self.stack)
            functions = session.client("lambda", endpoint_url=endpoint, config=config)
            result = json.loads(functions.invoke(FunctionName=name, Payload=json.dumps(payload))["Payload"].read())
        except (ClientError, BotoCoreError) as error:
            message = str(error) if self.stack is None else str(error).replace(self.stack, "(--stack)")
            raise ConnectionFailed(message, code="aws_failed") from None
        except json.JSONDecodeError:
            result = None
        return result if isinstance(result, dict) else {}

    @staticmethod
    def _function(cloudformation: Any, stack: str) -> str:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        for each in found.get("Outputs", []):
            if each["OutputKey"] == OUTPUT:
                return str(each["OutputValue"])
        message = f"--stack is not a stack of the Providers API: it has no output {OUTPUT!r}"
        raise UnexpectedResponse(message, code="no_such_stack")


def _loopback(base_url: str) -> str:
    """Return the address of the local stack. Raises ConfigurationError if it is not on this machine."""
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if not is_loopback(url):
        raise ConfigurationError("--local is for a stack on this machine, such as --url http://127.0.0.1:8787")
    return str(url.copy_with(path="/", query=None))
