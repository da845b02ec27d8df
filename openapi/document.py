"""The OpenAPI document, generated from the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final

from openapi.prose import INTRODUCTION, TAGS
from openapi.shapes import schemas
from openapi.webhooks import event_schemas, webhooks
from providers_client.version import VERSION
from providers_contract.errors import ERRORS, error_body
from providers_contract.examples import REQUEST_ID
from providers_contract.operations import OPERATIONS, Operation, Success
from providers_contract.parameters import HEADERS, PATH, QUERY, RESPONSE_HEADERS

Json = dict[str, Any]

SCHEME: Final = "managementKey"
_RENAMED: Final = {413: "Content Too Large", 422: "Unprocessable Content"}
"""According to RFC 9110, which Python follows since 3.13."""

_SERVERS: Final = [
    {
        "url": "https://{host}/{stage}",
        "description": "A stack. Its output `ApiUrl` is the address; a custom domain has no stage.",
        "variables": {
            "host": {"default": "api-id.execute-api.eu-central-1.amazonaws.com"},
            "stage": {"default": "live"},
        },
    },
    {"url": "http://127.0.0.1:8787", "description": "The local stack, `make run`."},
    {"url": "../..", "description": "The API that serves this document, at any stage."},
]
"""Code generators use the first, pages that load the document the last."""

_LIMITS: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_RETRY: Final = {409: False, 429: True, 502: False, 503: True, 504: False}
"""Statuses that can have a Retry-After, and whether they always do."""


class _DocumentBuilder:
    """Builds one document; collects the components that its operations refer to."""

    def __init__(self, described: Sequence[Operation]) -> None:
        self._operations = described
        self._headers: Json = {}
        self._responses: Json = {}

    def document(self) -> Json:
        paths: dict[str, Json] = {}
        for each in self._operations:
            paths.setdefault(each.path, {})[each.method.lower()] = self._operation(each)
        codes = [code for code in ERRORS if any(code in each.error_codes for each in self._operations)]
        used = {"events", *(each.tag for each in self._operations)}
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Providers API",
                "version": VERSION,
                "summary": "Add, verify, rotate, monitor and delete an organization's LLM provider credentials.",
                "description": INTRODUCTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": _SERVERS,
            "security": [{SCHEME: []}],
            "tags": [
                {"name": name, "x-displayName": title, "description": text}
                for name, (title, text) in TAGS.items()
                if name in used
            ],
            "paths": paths,
            "webhooks": webhooks(),
            "components": {
                "schemas": dict(sorted((schemas(self._operations) | event_schemas()).items())),
                "responses": dict(sorted(self._responses.items())),
                "parameters": dict(self._parameters()),
                "headers": dict(sorted(self._headers.items())),
                "examples": {code: {"summary": ERRORS[code].meaning, "value": _example(code)} for code in codes},
                "securitySchemes": {
                    SCHEME: {
                        "type": "http",
                        "scheme": "bearer",
                        "bearerFormat": "mlx_mk_<key id>_<secret>",
                        "description": "A management key. It belongs to one organization; an operation may require one"
                        " of its scopes (`x-required-scope`).",
                    }
                },
            },
        }

    def _operation(self, each: Operation) -> Json:
        found: Json = {"operationId": each.name, "tags": [each.tag], "summary": each.summary, "description": each.text}
        if each.scope:
            scope = each.scope.value
            found["description"] += f"\n\nRequires the scope `{scope}`."
            found |= {"security": [{SCHEME: [scope]}], "x-required-scope": scope}
        else:
            found["security"] = [] if each.anonymous else [{SCHEME: []}]
        parameters = [_ref("parameters", name) for name in _parameter_names(each)]
        if parameters:
            found["parameters"] = parameters
        if each.body:
            examples = {name: {"value": value} for name, value in each.body_examples.items()}
            content = {"schema": _ref("schemas", each.body), "examples": examples}
            found["requestBody"] = {"required": not each.body_optional, "content": {"application/json": content}}
        successes = {status: self._success(each, success) for status, success in each.successes.items()}
        failures = {status: self._failure(status, codes) for status, codes in _by_status(each.error_codes).items()}
        both = successes | failures
        found["responses"] = {str(status): both[status] for status in sorted(both)}
        return found

    def _parameters(self) -> Iterator[tuple[str, Json]]:
        """Yield each parameter of the operations once."""
        used = {name for each in self._operations for name in _parameter_names(each)}
        for location, table in (("path", PATH), ("query", QUERY), ("header", HEADERS)):
            for name, known in table.items():
                if name in used:
                    yield name, {"name": name, "in": location, "required": location == "path"} | known

    def _header(self, name: str, *, always: bool = True) -> Json:
        known = RESPONSE_HEADERS[name]
        key = name if always else f"{name}-sometimes"
        self._headers[key] = known | {"required": always}
        return _ref("headers", key)

    def _success(self, each: Operation, success: Success) -> Json:
        headers = {name: self._header(name) for name in success.headers}
        if not each.anonymous:
            headers |= {name: self._header(name) for name in _LIMITS}
            if each.changes:
                headers["Idempotency-Replayed"] = self._header("Idempotency-Replayed", always=False)
        headers["X-Request-Id"] = self._header("X-Request-Id")
        found: Json = {"description": success.text, "headers": headers}
        if success.example is not None:
            schema = _ref("schemas", success.model) if success.model else {"type": "object"}
            found["content"] = {"application/json": {"schema": schema, "example": success.example}}
        links = {
            other.name: {"operationId": other.name, "parameters": {name: expression}}
            for name, expression in each.gives.items()
            if success.model
            for other in self._operations
            if other.path_parameters == [name] and other.name != each.name
        }
        return found | ({"links": links} if links else {})

    def _failure(self, status: int, codes: Sequence[str]) -> Json:
        """Return the error responses of one status, as a shared component if they have only a few codes."""
        headers = {name: self._header(name, always=False) for name in (*_LIMITS, "X-Request-Id")}
        if status in _RETRY:
            headers["Retry-After"] = self._header("Retry-After", always=_RETRY[status])
        if status == 401:
            headers["WWW-Authenticate"] = self._header("WWW-Authenticate")
        content = {
            "schema": _ref("schemas", "ErrorResponse"),
            "examples": {code: _ref("examples", code) for code in codes},
        }
        found = {
            "description": f"{_phrase(status)}\n\n"
            + "\n".join(f"- `{code}`: {ERRORS[code].meaning}" for code in codes),
            "headers": headers,
            "content": {"application/json": content},
            "x-error-codes": [*codes],
        }
        if len(codes) > 2:
            return found
        name = "-or-".join(codes)
        self._responses[name] = found
        return _ref("responses", name)


def describe(operations: Iterable[Operation] = tuple(OPERATIONS.values())) -> Json:
    """Return the OpenAPI document."""
    return _DocumentBuilder([*operations]).document()


def _parameter_names(each: Operation) -> list[str]:
    once = ("Idempotency-Key",) if each.changes else ()
    return [*each.path_parameters, *each.query, *each.headers, *once]


def _by_status(codes: Sequence[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for code in codes:
        found.setdefault(ERRORS[code].status, []).append(code)
    return found


def _example(code: str) -> Json:
    known = ERRORS[code]
    return error_body(code, known.message, REQUEST_ID, known.fields)


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _phrase(status: int) -> str:
    return _RENAMED.get(status, HTTPStatus(status).phrase)
