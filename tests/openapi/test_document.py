"""The OpenAPI document is current, valid and complete."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from local.template import Template
from openapi.files import DESCRIPTION, PAGE, ROOT, written
from openapi.prose import TAGS
from openapi.shapes import model
from providers.model.events import EventType
from providers_contract.errors import ERRORS
from providers_contract.operations import OPERATIONS
from providers_contract.parameters import HEADERS, PATH, QUERY
from tests.kit.description import NOT_REST, document, resolved, validator
from tests.kit.description import operations as described
from tests.kit.operations import other_methods

TEMPLATE = Template()
WRITTEN = written()


@pytest.mark.parametrize("path", [DESCRIPTION, PAGE], ids=lambda path: path.name)
def test_the_files_are_current(path: Path) -> None:
    """The generated files match the contract."""
    assert path.read_text() == WRITTEN[path], "run `make openapi` and commit the files"


def test_the_description_is_valid_openapi() -> None:
    """The document is valid OpenAPI, so that generators and viewers accept it."""
    assert [str(error) for error in OpenAPIV31SpecValidator(document()).iter_errors()] == []


ROUTES = {
    TEMPLATE.module(name).split(".")[1]: TEMPLATE.route(name) for name in {each.function for each in TEMPLATE.routes}
}


def test_every_route_is_an_operation() -> None:
    """The template routes exactly the contract's operations, plus the pages and the MCP endpoint."""
    routes = {name: (each.method, each.resource) for name, each in ROUTES.items() if name not in NOT_REST}
    assert routes == {name: (each.method, each.path) for name, each in OPERATIONS.items()}


def test_the_template_routes_the_methods_that_a_path_lacks() -> None:
    """One function of each path responds to the methods that no operation has; without a key, HEAD only, with GET."""
    for name, operation in OPERATIONS.items():
        function = ROUTES[name].function
        routed = {
            each.method for each in TEMPLATE.routes if (each.function, each.resource) == (function, operation.path)
        }
        assert routed == {operation.method, *other_methods(operation)}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_functions_decorator_matches_its_operation(name: str) -> None:
    """A function requires a management key unless its operation is anonymous."""
    operation = OPERATIONS[name]
    handler = importlib.import_module(f"functions.{name}.app").handler
    assert getattr(handler, "operation", operation) is operation
    assert hasattr(handler, "operation") != operation.anonymous
    assert (ROUTES[name].function in TEMPLATE.open_routes) == operation.anonymous


@pytest.mark.parametrize("name", OPERATIONS)
def test_everything_that_an_operation_names_exists(name: str) -> None:
    """Every model, error code, parameter and header of an operation exists."""
    operation = OPERATIONS[name]
    models = [operation.body, *(success.model for success in operation.successes.values())]
    assert all(issubclass(model(each), BaseModel) for each in models if each)
    assert {*operation.codes} <= ERRORS.keys()
    assert {*operation.path_parameters} <= PATH.keys()
    assert {*operation.query} <= QUERY.keys()
    assert {*operation.headers} <= HEADERS.keys()
    assert operation.tag in TAGS


def test_every_code_belongs_to_an_operation() -> None:
    """Every error code belongs to an operation or says which interface returns it."""
    codes = {
        code
        for operation in described().values()
        for response in operation["responses"].values()
        for code in resolved(response).get("x-error-codes", [])
    }
    assert codes == {code for code, row in ERRORS.items() if row.elsewhere is None}
    assert document()["components"]["examples"].keys() == codes


def test_every_code_is_documented_under_its_status() -> None:
    """Every error code is documented under its status."""
    for operation in described().values():
        for status, response in operation["responses"].items():
            assert {str(ERRORS[code].status) for code in resolved(response).get("x-error-codes", [status][:0])} <= {
                status
            }


def parts(node: Any) -> Iterator[Any]:
    """Return every object within `node`."""
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from parts(each)


def examples() -> list[tuple[str, str, Any]]:
    """Return every body example: location, schema name, value."""
    found = []
    for name, operation in described().items():
        content = [("request", operation.get("requestBody", {}))]
        content += [(status, resolved(response)) for status, response in operation["responses"].items()]
        for where, holder in content:
            media = holder.get("content", {}).get("application/json")
            if media and "$ref" in media["schema"]:
                given = {"": {"value": media["example"]}} if "example" in media else media["examples"]
                schema = media["schema"]["$ref"].rpartition("/")[2]
                found += [
                    (f"{name} {where} {label}".strip(), schema, resolved(each)["value"])
                    for label, each in given.items()
                ]
    return found


@pytest.mark.parametrize(("schema", "value"), [pytest.param(*rest, id=where) for where, *rest in examples()])
def test_examples_match_their_schemas(schema: str, value: Any) -> None:
    """Examples are valid and contain no field that the schema does not name."""
    assert [error.message for error in validator(schema).iter_errors(value)] == []


def test_examples_of_parameters_match_their_schemas() -> None:
    """Parameter examples are valid, so that a path can be pasted from the page."""
    for parameter in document()["components"]["parameters"].values():
        if "example" in parameter:
            Draft202012Validator(parameter["schema"]).validate(parameter["example"])


def test_every_success_has_an_example_or_no_body() -> None:
    """Every success has an example or no body, and every failure has an example for each code."""
    for operation in described().values():
        for response in map(resolved, operation["responses"].values()):
            content = response.get("content", {}).get("application/json", {})
            assert not content or "example" in content or list(content["examples"]) == response["x-error-codes"]


def test_it_contains_no_real_looking_key() -> None:
    """The public document contains no real-looking key."""
    text = DESCRIPTION.read_text() + PAGE.read_text()
    keys = re.findall(r"(?:sk-[\w-]{8,}|mlx_mk_\w+|AKIA\w+)", text)
    assert len(keys) > 5
    assert [key for key in keys if "FAKE" not in key and "EXAMPLE" not in key] == []


def test_every_operation_documents_its_key_and_scope() -> None:
    """Every operation documents whether it needs a key, and which scope."""
    for name, operation in described().items():
        scope = operation.get("x-required-scope")
        expected = [] if OPERATIONS[name].anonymous else [{"managementKey": [scope] if scope else []}]
        assert operation["security"] == expected
        assert ("401" in operation["responses"], "403" in operation["responses"]) == (expected != [], scope is not None)


@pytest.mark.parametrize("stage", ["", "/live"])
def test_the_server_url_leads_to_the_stage(stage: str) -> None:
    """The document's relative server URL leads to the stage, so that pages that load it need no configuration."""
    *_, server = document()["servers"]
    address = urljoin(f"https://api.example{stage}/manage/v1/openapi.json", server["url"])
    assert address.rstrip("/") == f"https://api.example{stage}"


def test_the_first_server_is_complete_without_a_base() -> None:
    """Generators use the first server: an absolute URL whose variables have defaults."""
    server, *_ = document()["servers"]
    defaults = {name: variable["default"] for name, variable in server["variables"].items()}
    assert re.fullmatch(r"https://[a-z0-9.-]+/live", server["url"].format(**defaults))


def test_no_field_has_a_default() -> None:
    """No schema of a body or a response has a default: openapi-typescript makes such fields required."""
    assert [part for part in parts(document()["components"]["schemas"]) if "default" in part] == []


def test_every_event_is_a_webhook_with_its_example() -> None:
    """The webhooks are the events; the examples of docs/events.md match their schemas and have no other fields."""
    examples = re.findall(r"```json\n(\{\n  \"version\".*?)```", (ROOT / "docs" / "events.md").read_text(), re.DOTALL)
    events = {each["detail-type"]: each for each in map(json.loads, examples)}
    assert events.keys() == document()["webhooks"].keys() == {kind.value for kind in EventType}
    for name, webhook in document()["webhooks"].items():
        schema = webhook["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert [error.message for error in validator(schema).iter_errors(events[name])] == []
        assert list(validator(schema).iter_errors(events[name] | {"detail": {}}))


def test_ids_are_unique_and_every_component_is_used() -> None:
    """Ids are unique identifiers, every tag has a description, and every component is used."""
    ids = [operation["operationId"] for path in document()["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", each) for each in ids)
    explained = {tag["name"] for tag in document()["tags"]}
    assert {tag for operation in described().values() for tag in operation["tags"]} | {"events"} == explained
    used = {part["$ref"] for part in parts(document()) if "$ref" in part}
    components = document()["components"]
    kinds = ("schemas", "responses", "parameters", "headers", "examples")
    assert {f"#/components/{kind}/{name}" for kind in kinds for name in components[kind]} == used


def test_the_document_is_reproducible() -> None:
    """The document is reproducible: no time, random id or set order affects it."""
    assert written() == WRITTEN
    assert json.loads(WRITTEN[DESCRIPTION]) == yaml.safe_load(WRITTEN[DESCRIPTION])


def test_every_link_on_the_page_has_a_target() -> None:
    """Every link on the page leads to one of its headings."""
    text = WRITTEN[PAGE]
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(#([^)]+)\)", text)
    assert len(links) > 20
    assert set(links) <= anchors
    assert len(headings) == len(set(headings))
