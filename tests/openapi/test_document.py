"""The description: current, valid, whole."""

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
from openapi.files import DESCRIPTION, PAGE, written
from openapi.prose import TAGS
from openapi.shapes import model
from providers_contract.errors import ERRORS
from providers_contract.operations import OPERATIONS
from providers_contract.parameters import HEADERS, PATH, QUERY
from tests.kit.description import NOT_REST, document, resolved, validator
from tests.kit.description import operations as described

TEMPLATE = Template()
WRITTEN = written()


@pytest.mark.parametrize("path", [DESCRIPTION, PAGE], ids=lambda path: path.name)
def test_the_files_are_current(path: Path) -> None:
    """Whoever changes an endpoint changes what is said of it."""
    assert path.read_text() == WRITTEN[path], "run `make openapi` and commit what it writes"


def test_the_description_is_valid_openapi() -> None:
    """Generators and viewers refuse what is not."""
    assert [str(fault) for fault in OpenAPIV31SpecValidator(document()).iter_errors()] == []


ROUTES = {TEMPLATE.module(route.function).split(".")[1]: route for route in TEMPLATE.routes}


def test_every_route_is_an_operation() -> None:
    """The template routes exactly the operations of the contract to their functions, and pages and tools besides."""
    routes = {name: (each.method, each.resource) for name, each in ROUTES.items() if name not in NOT_REST}
    assert routes == {name: (each.method, each.path) for name, each in OPERATIONS.items()}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_function_is_of_its_own_operation(name: str) -> None:
    """With a management key exactly if the operation has a scope, and with a body exactly if it has one."""
    operation = OPERATIONS[name]
    handler = importlib.import_module(f"functions.{name}.app").handler
    assert getattr(handler, "operation", operation) is operation
    assert hasattr(handler, "operation") == (operation.scope is not None)
    assert (ROUTES[name].function in TEMPLATE.open_routes) == (operation.scope is None)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_names_what_exists(name: str) -> None:
    """Models, error codes, parameters and headers."""
    operation = OPERATIONS[name]
    models = [operation.body, *(success.model for success in operation.successes.values())]
    assert all(issubclass(model(each), BaseModel) for each in models if each)
    assert {*operation.codes} <= ERRORS.keys()
    assert {*operation.path_parameters} <= PATH.keys()
    assert {*operation.query} <= QUERY.keys()
    assert {*operation.headers} <= HEADERS.keys()
    assert operation.tag in TAGS


def test_every_code_is_an_answer_of_some_operation() -> None:
    """But for those of which it is said why not."""
    told = {
        code
        for operation in described().values()
        for response in operation["responses"].values()
        for code in resolved(response).get("x-error-codes", [])
    }
    assert told == {code for code, row in ERRORS.items() if row.elsewhere is None}
    assert document()["components"]["examples"].keys() == told


def test_a_code_stands_under_its_status() -> None:
    """As the API's table has it."""
    for operation in described().values():
        for status, response in operation["responses"].items():
            assert {str(ERRORS[code].status) for code in resolved(response).get("x-error-codes", [status][:0])} <= {
                status
            }


def parts(node: Any) -> Iterator[Any]:
    """Every object within `node`."""
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from parts(each)


def examples() -> list[tuple[str, str, Any]]:
    """Every example of a body: where, the schema's name, the value."""
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
def test_an_example_is_of_its_schema(schema: str, value: Any) -> None:
    """And has no member that the schema does not name."""
    assert [fault.message for fault in validator(schema).iter_errors(value)] == []


def test_parameters_examples_are_of_their_schemas() -> None:
    """A path that is pasted from the page is one that could be."""
    for parameter in document()["components"]["parameters"].values():
        if "example" in parameter:
            Draft202012Validator(parameter["schema"]).validate(parameter["example"])


def test_every_success_has_an_example_or_no_body() -> None:
    """And every failure one for each code."""
    for operation in described().values():
        for response in map(resolved, operation["responses"].values()):
            content = response.get("content", {}).get("application/json", {})
            assert not content or "example" in content or list(content["examples"]) == response["x-error-codes"]


def test_no_key_in_it_could_be_real() -> None:
    """The document is public."""
    text = DESCRIPTION.read_text() + PAGE.read_text()
    keys = re.findall(r"(?:sk-[\w-]{8,}|mlx_mk_\w+|AKIA\w+)", text)
    assert len(keys) > 5
    assert [key for key in keys if "FAKE" not in key and "EXAMPLE" not in key] == []


def test_every_operation_says_who_may_call_it() -> None:
    """A key and a scope; the description itself needs neither."""
    for name, operation in described().items():
        scope = operation.get("x-required-scope")
        assert operation["security"] == ([] if name == "get_openapi" else [{"managementKey": [scope]}])
        assert {"401", "403"} <= operation["responses"].keys() or name == "get_openapi"


@pytest.mark.parametrize("stage", ["", "/live"])
def test_the_server_is_where_the_description_is_served(stage: str) -> None:
    """Its relative address leads to the stage, so that a generated client needs to be told nothing."""
    (server,) = document()["servers"]
    address = urljoin(f"https://api.example{stage}/manage/v1/openapi.json", server["url"])
    assert address.rstrip("/") == f"https://api.example{stage}"


def test_names_are_as_tools_want_them() -> None:
    """Ids are unique and can be identifiers; every tag is explained; nothing that is defined lies idle."""
    ids = [operation["operationId"] for path in document()["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", each) for each in ids)
    explained = {tag["name"] for tag in document()["tags"]}
    assert {tag for operation in described().values() for tag in operation["tags"]} == explained
    used = {part["$ref"] for part in parts(document()) if "$ref" in part}
    components = document()["components"]
    kinds = ("schemas", "responses", "parameters", "headers", "examples")
    assert {f"#/components/{kind}/{name}" for kind in kinds for name in components[kind]} == used


def test_it_is_the_same_whenever_it_is_made() -> None:
    """No time, no random id, no order of a set is in it."""
    assert written() == WRITTEN
    assert json.loads(WRITTEN[DESCRIPTION]) == yaml.safe_load(WRITTEN[DESCRIPTION])


def test_every_link_of_the_page_leads_somewhere() -> None:
    """To a heading of the page."""
    text = WRITTEN[PAGE]
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(#([^)]+)\)", text)
    assert len(links) > 20
    assert set(links) <= anchors
    assert len(headings) == len(set(headings))
