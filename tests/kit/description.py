"""Check responses against the API's OpenAPI description: a response that it does not describe fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

ROOT: Final = Path(__file__).parent.parent.parent
FILE: Final = ROOT / "functions" / "get_openapi" / "openapi.json"


NOT_REST: Final = {
    "get_console": "pages for people",
    "mcp": "JSON-RPC, which describes itself",
    "show_upload": "a page for people",
    "use_upload": "a page for people",
}
"""Functions with a route outside the REST API, and the reason."""


@cache
def document() -> Any:
    """Return the committed description."""
    return json.loads(FILE.read_text())


@cache
def operations() -> dict[str, Any]:
    """Return every operation by its id, which is its function's name."""
    return {operation["operationId"]: operation for path in document()["paths"].values() for operation in path.values()}


def resolved(part: Any) -> Any:
    """Return the target of a reference; anything else unchanged."""
    if "$ref" not in part:
        return part
    found = document()
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def closed(schema: Any) -> Any:
    """Return `schema` with additional properties forbidden at every level."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {"additionalProperties": False} | inner if isinstance(schema.get("properties"), dict) else inner


@cache
def validator(name: str, *, strict: bool = True) -> Draft202012Validator:
    """Return a validator for a component's schema; `strict` refuses members that the schema does not name."""
    components = document()["components"]
    schemas = closed(components["schemas"]) if strict else components["schemas"]
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def check_response(function: str, status: int, headers: Mapping[str, str], body: Any) -> None:
    """Fail unless the operation's description has the status, the headers, the body and the error's code."""
    if function in NOT_REST:
        return
    assert function in operations(), f"{function} is not described: run `make openapi`"
    responses = operations()[function]["responses"]
    assert str(status) in responses, f"{function} responds {status}, which is not described"
    response = resolved(responses[str(status)])
    content = response.get("content")
    if content is None:
        assert body is None, f"{function} responds {status} with a body"
    else:
        assert headers["Content-Type"] in content
        schema = content["application/json"]["schema"]
        if "$ref" in schema:
            faults = [fault.message for fault in validator(schema["$ref"].rpartition("/")[2]).iter_errors(body)]
            assert faults == [], f"{function} responds {status} with a body that is not described"
    if status >= 400:
        code = body["error"]["code"]
        assert code in response["x-error-codes"], f"{function} responds {status} {code}, which is not described"
        return
    required = {name for name, header in response["headers"].items() if resolved(header)["required"]}
    assert required <= headers.keys(), f"{function} responds {status} without {required - headers.keys()}"
    sent = set(headers) - {"Content-Type", "Cache-Control"}
    assert sent <= response["headers"].keys(), f"{function} responds {status} with headers that are not described"
