"""The OpenAPI document: the template's routes, what `@endpoint` was told, and the table of rows, joined."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from local.template import Route, Template
from openapi.prose import INTRODUCTION, TAGS
from openapi.shapes import schemas
from providers.edge.endpoint import Endpoint
from providers_client.version import VERSION
from providers_contract.errors import ERRORS, error_body
from providers_contract.examples import REQUEST_ID
from providers_contract.operations import ALWAYS, IDEMPOTENCY, LEFT_OUT, ROWS, WITH_BODY, WITH_KEY, Row, Success
from providers_contract.parameters import ANSWER_HEADERS, HEADERS, PATH, QUERY

Json = dict[str, Any]

SCHEME: Final = "managementKey"
_RENAMED: Final = {413: "Content Too Large", 422: "Unprocessable Content"}
"""By RFC 9110, which Python follows from 3.13 on."""

_LIMITS: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_RETRY: Final = {409: False, 429: True, 502: False, 503: True, 504: False}
"""Statuses that can have a Retry-After, and whether they always do."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An endpoint with all that is known of it. `endpoint` is None where no management key is asked for."""

    name: str
    route: Route
    row: Row
    endpoint: Endpoint | None
    text: str

    @property
    def path(self) -> list[str]:
        """The names of its path parameters."""
        return re.findall(r"\{(\w+)\}", self.route.resource)

    @property
    def mutates(self) -> bool:
        """Whether it changes something."""
        return self.route.method != "GET"

    def codes(self) -> list[str]:
        """The errors that it can answer with, in the order of the API's table."""
        found = {*ALWAYS, *self.row.codes}
        if self.endpoint:
            found |= {*WITH_KEY}
            if "cursor" in self.endpoint.query:
                found.add("invalid_cursor")
            if self.mutates:
                found |= {*IDEMPOTENCY}
        if self.row.body:
            found |= {*WITH_BODY}
        if "provider_id" in self.path:
            found.add("provider_not_found")
        if "slug" in self.path:
            found.add("routing_config_not_found")
        if "If-Match" in self.row.headers:
            found.add("etag_mismatch")
        unknown = found - ERRORS.keys()
        if unknown:
            raise ValueError(f"{self.name} names codes that the API does not have: {', '.join(sorted(unknown))}")
        return [code for code in ERRORS if code in found]


def operations(
    template: Template, rows: Mapping[str, Row] = ROWS, left_out: Mapping[str, str] = LEFT_OUT
) -> list[Operation]:
    """Every route that is described, in the order of the table.

    Raises ValueError for a route without a row, a row without a route, and a row that differs from its code.
    """
    routes: dict[str, Route] = {}
    for route in template.routes:
        name = template.module(route.function).split(".")[-2]
        if name not in left_out:
            routes[name] = route
    if routes.keys() != rows.keys():
        lacking, idle = sorted(routes.keys() - rows.keys()), sorted(rows.keys() - routes.keys())
        raise ValueError(f"openapi/rows.py lacks {lacking}, and has rows without a route for {idle}")
    found = []
    for name, row in rows.items():
        handler = importlib.import_module(template.module(routes[name].function)).handler
        endpoint: Endpoint | None = getattr(handler, "endpoint", None)
        if (endpoint is None) != (routes[name].function in template.open_routes):
            raise ValueError(f"{name}: the template and the code disagree on whether a management key is needed")
        if endpoint is not None and endpoint.has_body != (row.body is not None):
            raise ValueError(f"{name}: the row and the code disagree on whether there is a body")
        text = inspect.cleandoc(endpoint.text if endpoint else handler.__doc__ or "")
        found.append(Operation(name, routes[name], row, endpoint, f"{text}\n\n{row.text}".strip()))
    return found


class _Describing:
    """One document being made; collects the components that its operations refer to."""

    def __init__(self, described: Sequence[Operation]) -> None:
        self._operations = described
        self._headers: Json = {}
        self._responses: Json = {}

    def document(self) -> Json:
        paths: dict[str, Json] = {}
        for each in self._operations:
            paths.setdefault(each.route.resource, {})[each.route.method.lower()] = self._operation(each)
        codes = [code for code in ERRORS if any(code in each.codes() for each in self._operations)]
        used = {each.row.tag for each in self._operations}
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Providers API",
                "version": VERSION,
                "summary": "An organization's LLM provider credentials: added, verified, rotated, watched and deleted.",
                "description": INTRODUCTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "../..", "description": "The API that serves this document, whatever its stage."}],
            "security": [{SCHEME: []}],
            "tags": [
                {"name": name, "x-displayName": title, "description": text}
                for name, (title, text) in TAGS.items()
                if name in used
            ],
            "paths": paths,
            "components": {
                "schemas": schemas(each.row for each in self._operations),
                "responses": dict(sorted(self._responses.items())),
                "parameters": dict(self._parameters()),
                "headers": dict(sorted(self._headers.items())),
                "examples": {code: {"summary": ERRORS[code].meaning, "value": _example(code)} for code in codes},
                "securitySchemes": {
                    SCHEME: {
                        "type": "http",
                        "scheme": "bearer",
                        "bearerFormat": "mlx_mk_<key id>_<secret>",
                        "description": "A management key. It stands for one organization and allows what its scopes"
                        " say; each operation names the one that it needs (`x-required-scope`).",
                    }
                },
            },
        }

    def _operation(self, each: Operation) -> Json:
        row, endpoint = each.row, each.endpoint
        found: Json = {"operationId": each.name, "tags": [row.tag], "summary": row.summary, "description": each.text}
        if endpoint:
            scope = endpoint.scope.value
            found["description"] += f"\n\nNeeds the scope `{scope}`."
            found |= {"security": [{SCHEME: [scope]}], "x-required-scope": scope}
        else:
            found["security"] = []
        parameters = [_ref("parameters", name) for name in self._parameter_names(each)]
        if parameters:
            found["parameters"] = parameters
        if row.body:
            examples = {name: {"value": value} for name, value in row.bodies.items()}
            content = {"schema": _ref("schemas", row.body.__name__), "examples": examples}
            found["requestBody"] = {"required": not row.body_optional, "content": {"application/json": content}}
        successes = {status: self._success(each, success) for status, success in row.successes.items()}
        failures = {status: self._failure(status, codes) for status, codes in _by_status(each.codes()).items()}
        both = successes | failures
        found["responses"] = {str(status): both[status] for status in sorted(both)}
        return found

    def _parameter_names(self, each: Operation) -> list[str]:
        query = each.endpoint.query if each.endpoint else ()
        once = ("Idempotency-Key",) if each.endpoint and each.mutates and IDEMPOTENCY else ()
        return [*each.path, *query, *each.row.headers, *once]

    def _parameters(self) -> Iterator[tuple[str, Json]]:
        """Each parameter that an operation takes, once."""
        used = {name for each in self._operations for name in self._parameter_names(each)}
        for place, table in (("path", PATH), ("query", QUERY), ("header", HEADERS)):
            for name, known in table.items():
                if name in used:
                    yield name, {"name": name, "in": place, "required": place == "path"} | known

    def _header(self, name: str, *, always: bool = True) -> Json:
        known = ANSWER_HEADERS[name]
        key = name if always else f"{name}-sometimes"
        self._headers[key] = known | {"required": always}
        return _ref("headers", key)

    def _success(self, each: Operation, success: Success) -> Json:
        headers = {name: self._header(name) for name in success.headers}
        if each.endpoint:
            headers |= {name: self._header(name) for name in _LIMITS}
            if each.mutates and IDEMPOTENCY:
                headers["Idempotency-Replayed"] = self._header("Idempotency-Replayed", always=False)
        headers["X-Request-Id"] = self._header("X-Request-Id")
        found: Json = {"description": success.text, "headers": headers}
        if success.example is not None:
            schema = _ref("schemas", success.model.__name__) if success.model else {"type": "object"}
            found["content"] = {"application/json": {"schema": schema, "example": success.example}}
        links = {
            other.name: {"operationId": other.name, "parameters": {name: place}}
            for name, place in each.row.gives.items()
            if success.model
            for other in self._operations
            if other.path == [name] and other.name != each.name
        }
        return found | ({"links": links} if links else {})

    def _failure(self, status: int, codes: Sequence[str]) -> Json:
        """The failures of one status; shared as a component where few codes are in it."""
        headers = {name: self._header(name, always=False) for name in (*_LIMITS, "X-Request-Id")}
        if status in _RETRY:
            headers["Retry-After"] = self._header("Retry-After", always=_RETRY[status])
        if status == 401:
            headers["WWW-Authenticate"] = self._header("WWW-Authenticate")
        content = {
            "schema": _ref("schemas", "Error"),
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


def describe(template: Template) -> Json:
    """The document of the API that `template` deploys."""
    return _Describing(operations(template)).document()


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
