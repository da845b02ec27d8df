"""One row for each operation that needs a management key: the scope that it requires, and a request that succeeds.

The scopes are repeated here so that a wrong one in the contract fails a test. The request is sent with every scope,
twice with one Idempotency-Key, and with each of its AWS calls failing; and those calls are compared with its role. A
new operation needs a row only here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from providers_contract.operations import OPERATIONS, Operation, allowed_methods
from providers_contract.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class Existing:
    """Existing resources: a provider, an inactive version of it, and the slug of a routing config."""

    provider_id: str
    number: str
    slug: str


@dataclass(frozen=True, slots=True)
class Row:
    """The arguments of `tests.kit.lambdas.call`, made from the existing resources; `scope` is None if any key may."""

    scope: Scope | None
    request: Callable[[Existing], Mapping[str, Any]]


METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Every method that a route of API Gateway can have."""


def other_methods(operation: Operation) -> frozenset[str]:
    """Return the methods besides its own that an operation's function responds to.

    The path's GET, or its only operation, responds to every method that the path lacks. Without a key that is HEAD
    only, because an anonymous route has a throttle of its own for each method.
    """
    allowed = allowed_methods(operation.path)
    if operation.changes and allowed != [operation.method, "OPTIONS"]:
        return frozenset()
    others = METHODS - {*allowed} | {"HEAD", "OPTIONS"}
    return others & {"HEAD"} if operation.anonymous else others


def _nothing(_: Existing) -> Mapping[str, Any]:
    return {}


def _provider(at: Existing) -> Mapping[str, Any]:
    return {"path": {"provider_id": at.provider_id}}


def _body(**fields: Any) -> Callable[[Existing], Mapping[str, Any]]:
    return lambda at: {"path": {"provider_id": at.provider_id}, "body": fields}


def _config(at: Existing) -> Mapping[str, Any]:
    return {"path": {"slug": at.slug}}


_READ, _WRITE = Scope.PROVIDERS_READ, Scope.PROVIDERS_WRITE
_NEW: Final = {"vendor": "openai", "name": "Third", "api_key": "sk-proj-FAKE-valid-EXAMPLE-000004"}

ROWS: Final[Mapping[str, Row]] = {
    "list_providers": Row(_READ, _nothing),
    "add_provider": Row(_WRITE, lambda _: {"body": _NEW}),
    "get_provider": Row(_READ, _provider),
    "update_provider": Row(_WRITE, _body(name="New")),
    "delete_provider": Row(_WRITE, _provider),
    "get_provider_health": Row(_READ, _provider),
    "list_versions": Row(_READ, _provider),
    "rollback_provider": Row(_WRITE, _body()),
    "destroy_version": Row(_WRITE, lambda at: {"path": {"provider_id": at.provider_id, "number": at.number}}),
    "list_audit": Row(_READ, _nothing),
    "create_upload": Row(_WRITE, lambda _: {"body": {"vendor": "openai", "name": "New"}}),
    "list_routing_configs": Row(Scope.ROUTING_READ, lambda _: {"query": {"limit": "1"}}),
    "get_routing_config": Row(Scope.ROUTING_READ, _config),
    "put_routing_config": Row(
        Scope.ROUTING_WRITE,
        lambda at: {
            "path": {"slug": "new"},
            "body": {"strategy": "fallback", "attempts": [{"provider_id": at.provider_id, "model": "m"}]},
        },
    ),
    "delete_routing_config": Row(Scope.ROUTING_WRITE, _config),
    "get_management_key": Row(None, _nothing),
}

CHANGING: Final = {name for name, operation in OPERATIONS.items() if operation.changes}
