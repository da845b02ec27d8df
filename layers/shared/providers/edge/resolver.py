"""Read a credential for a program in any language. IAM decides who may invoke it; there is no HTTP route."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from providers.edge.http import error_response
from providers.edge.logs import log_context, logger, to_client_error
from providers.edge.metrics import metrics_written
from providers.model.errors import invalid_field
from providers.ports import Ports
from providers.usecases.resolve import find, resolve
from providers_contract.vendors import contains_credential


def resolver(ports: Callable[[], Ports]) -> Callable[[Any, Any], dict[str, Any]]:
    """Return the function's handler: it responds with `{"data": …}`, or with the API's `{"error": …}`.

    The credential is only in the response: the log has the organization, the version and the outcome.
    """

    def handler(event: Any, context: Any) -> dict[str, Any]:
        request_id = str(getattr(context, "aws_request_id", ""))
        response: dict[str, Any]
        with log_context(context):
            code, logged = None, {}
            try:
                org, reference, version = _parsed(event, _organization(context))
                with metrics_written(ports):
                    response = {"data": _resolved(ports(), org, reference, version)}
                logged = {"org": org, "version": response["data"]["version"]}
            except Exception as error:  # noqa: BLE001 - every error becomes a response in the API's format
                failure = to_client_error(error)
                code, response = failure.code, json.loads(error_response(failure, request_id).body)
            logger.info("responded", code=code, **logged)
        return response

    return handler


def _resolved(ports: Ports, org: str, reference: str, version: int | None) -> dict[str, Any]:
    found = resolve(ports, org, find(ports, org, reference), version)
    return {
        "vendor": found.vendor,
        "base_url": found.base_url,
        "version": found.version,
        "secret": found.secret.reveal(),
        "max_age": int(found.max_age_s(ports.policy.grace, ports.clock.now())),
    }


def _organization(context: Any) -> str | None:
    """Return the alias by which the function was invoked, or None: an alias serves the organization of its name.

    IAM cannot look into a payload, but it can allow an alias only. `arn:aws:lambda:…:function:name[:alias]`.
    """
    parts = str(getattr(context, "invoked_function_arn", "")).split(":")
    return parts[7] if len(parts) > 7 and parts[7] != "$LATEST" else None


def _parsed(event: Any, organization: str | None) -> tuple[str, str, int | None]:
    """Return organization, provider and version. Raises Unprocessable, which never echoes them."""
    given = event if isinstance(event, dict) else {}
    org, reference, version = given.get("org", organization), given.get("provider"), given.get("version")
    if not isinstance(org, str) or not org:
        raise invalid_field("org", "org is the organization's id")
    if organization is not None and org != organization:
        raise invalid_field("org", "this alias of the function serves the organization of its own name only")
    if not isinstance(reference, str) or not reference:
        raise invalid_field("provider", "provider is a provider's id or name")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or version < 1):
        raise invalid_field("version", "version is the number of a key version")
    if contains_credential(org) or contains_credential(reference):
        raise invalid_field("provider", "provider is a provider's id or name, not a key")
    return org, reference, version
