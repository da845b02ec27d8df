"""The Lambda authorizer: allows a request with the caller as context, or denies it with the 401's code and message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from providers.edge.caller import to_context
from providers.edge.http import lower_headers
from providers.edge.logs import log_context, logger, where
from providers.edge.metrics import metrics_written
from providers.model.errors import Unauthenticated, Unavailable
from providers.usecases.management_keys import authenticate

if TYPE_CHECKING:
    from providers.ports import Ports


def authorize(event: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """Return the policy for one request. Raises Unavailable, to which API Gateway responds AUTHORIZER_FAILURE.

    A caller over its rate limit is allowed, and marked: only an endpoint can respond 429 with the right headers
    (`rate_limit`).
    """
    try:
        caller = authenticate(ports, lower_headers(event).get("authorization"))
    except Unauthenticated as refusal:
        logger.info("refused", code=refusal.code)
        return _policy("Deny", event["methodArn"], "nobody", {"code": refusal.code, "message": refusal.message})
    return _policy("Allow", event["methodArn"], caller.key.id, to_context(caller))


def authorizer(ports: Callable[[], Ports]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Return the Lambda handler of the authorizer."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        with log_context(context, correlation_id=(event.get("requestContext") or {}).get("requestId")):
            try:
                with metrics_written(ports):
                    return authorize(event, ports())
            except Unavailable as error:
                logger.error("authorization failed", **where(error))
                raise

    return handler


def _policy(effect: str, method_arn: str, principal: str, context: Mapping[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": method_arn}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": dict(context),
    }
