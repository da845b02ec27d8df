"""Runs operators' actions in the stack's own function: an operator needs only the permission to invoke it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from providers_client.errors import ConfigurationError, ConnectionFailed, UnexpectedResponse, Unprocessable
from providers_client.failures import from_body
from providers_client.sending import is_loopback

OUTPUT: Final = "OperateFunctionName"
LOCAL_FUNCTION: Final = "OperateFunction"
FUNCTION_TIMEOUT_S: Final = 60
_NAME: Final = re.compile(r"(?=.{1,40}$)[A-Za-z]+(-([A-Za-z]{1,16}|[0-9]{1,4}))*")
"""The usual form of a stack's name, which no key has: errors repeat no other."""


@dataclass(frozen=True, slots=True)
class Described:
    """A stack's parameters and outputs."""

    parameters: Mapping[str, str]
    outputs: Mapping[str, str]


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

    def describe(self) -> Described:
        """Return the stack's parameters and outputs, none of the local one. Raises as a call does."""
        if self.stack is None:
            return Described({}, {})
        with _aws(self.stack) as boto3:
            (found,) = boto3.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        return Described(
            {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])},
            {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
        )

    def _invoke(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        name = LOCAL_FUNCTION if self.stack is None else self.describe().outputs.get(OUTPUT)
        if name is None:
            raise ConfigurationError(f"{_named(self.stack)} is not a stack of the Providers API: no output {OUTPUT!r}")
        endpoint = _loopback(self.local_url) if self.stack is None else None
        with _aws(self.stack) as boto3:
            from botocore.config import Config

            # Never retried: a retry would create a second key that no one sees.
            config = Config(read_timeout=FUNCTION_TIMEOUT_S + 10, retries={"total_max_attempts": 1})
            local = boto3.Session("local", "local", region_name="us-east-1")
            session = local if self.stack is None else boto3.Session()
            functions = session.client("lambda", endpoint_url=endpoint, config=config)
            response = functions.invoke(FunctionName=name, Payload=json.dumps(payload))["Payload"].read()
        try:
            result = json.loads(response)
        except json.JSONDecodeError:
            result = None
        return result if isinstance(result, dict) else {}


@contextmanager
def _aws(stack: str | None) -> Iterator[Any]:
    """Yield boto3, and convert AWS's exceptions to the client's.

    Raises ConfigurationError, which says what to correct, or ConnectionFailed if AWS is unavailable or limits the rate.
    """
    try:
        import boto3  # late, and optional: the other commands do without it
        from botocore import exceptions
    except ImportError:
        raise ConfigurationError("install providers-client[operator] for this command") from None
    try:
        yield boto3
    except exceptions.ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"].get("HTTPStatusCode", 500)
        message = str(error) if stack is None else str(error).replace(stack, _named(stack))
        if code == "ValidationError" and "does not exist" in message:
            where = f"in {boto3.Session().region_name}; AWS_DEFAULT_REGION selects another region"
            raise ConfigurationError(f"{_named(stack)} does not exist {where}") from None
        if 400 <= status < 500 and status != 429 and "Throttl" not in code:
            raise ConfigurationError(message) from None
        raise ConnectionFailed(message, code="aws_failed") from None
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        raise ConnectionFailed(str(error), code="aws_failed") from None
    except (exceptions.BotoCoreError, ValueError) as error:  # no region or an invalid one, no credentials
        raise ConfigurationError(f"AWS: {error}") from None


def _named(stack: str | None) -> str:
    """Return the stack's name for an error message. An unusual name is not repeated: it can be a misplaced key."""
    return f"the stack {stack!r}" if stack and _NAME.fullmatch(stack) else "the stack in --stack"


def _loopback(base_url: str) -> str:
    """Return the address of the local stack. Raises ConfigurationError if it is not on this machine."""
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if not is_loopback(url):
        raise ConfigurationError("--local is for a stack on this machine, such as --url http://127.0.0.1:8787")
    return str(url.copy_with(path="/", query=None))
