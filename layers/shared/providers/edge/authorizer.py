"""The Lambda authorizer's answer: allow with a context, or deny with the code and message of our 401."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from providers.edge.caller import to_context
from providers.edge.http import lower_headers
from providers.edge.logs import where
from providers.model.errors import Unauthenticated, Unavailable
from providers.ports import Ports
from providers.usecases.management_keys import authenticate

logger = Logger()


def authorize(event: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """The policy for one request. Raises Unavailable, which API Gateway answers with AUTHORIZER_FAILURE.

    A caller over its limit is let through, marked: only an endpoint can answer 429 with the headers that belong to it.
    """
    try:
        caller = authenticate(ports, lower_headers(event).get("authorization"))
    except Unauthenticated as refusal:
        logger.info("refused", code=refusal.code)
        return _policy("Deny", event["methodArn"], "nobody", {"code": refusal.code, "message": refusal.message})
    return _policy("Allow", event["methodArn"], caller.key.id, to_context(caller))


def authorizer(ports: Callable[[], Ports]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The Lambda handler of the authorizer."""

    def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
        try:
            return authorize(event, ports())
        except Unavailable as error:
            logger.error("not done", **where(error))  # noqa: TRY400 - a traceback's text could hold anything
            raise

    return handler


def _policy(effect: str, method_arn: str, principal: str, context: Mapping[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": method_arn}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": dict(context),
    }
