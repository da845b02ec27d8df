"""The description: current, valid, whole."""

from __future__ import annotations

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

from local.template import Template
from openapi.document import operations
from openapi.files import DESCRIPTION, PAGE, written
from providers_contract.errors import ERRORS
from providers_contract.operations import LEFT_OUT, ROWS, Row
from tests.kit.description import document, resolved, validator
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


def test_every_route_is_described_or_left_out() -> None:
    """Each with its method and path, under its function's name."""
    routes = {(route.resource, route.method.lower()): TEMPLATE.module(route.function) for route in TEMPLATE.routes}
    told = {
        (path, method): f"functions.{operation['operationId']}.app"
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }
    assert {at: module for at, module in routes.items() if module.split(".")[1] not in LEFT_OUT} == told


def changed(change: dict[str, Row | None]) -> dict[str, Row]:
    """The table with some rows put in, or taken out for None."""
    return {name: row for name, row in {**ROWS, **change}.items() if row is not None}


def test_a_route_without_a_row_is_refused() -> None:
    """A new endpoint cannot be forgotten."""
    with pytest.raises(ValueError, match=r"lacks \['get_provider'\]"):
        operations(TEMPLATE, changed({"get_provider": None}))


def test_a_row_without_a_route_is_refused() -> None:
    """Nor can one that is gone stay described."""
    with pytest.raises(ValueError, match=r"without a route for \['sing'\]"):
        operations(TEMPLATE, changed({"sing": ROWS["get_provider"]}))


def test_a_route_can_be_left_out_by_name() -> None:
    """What is not REST has a description of its own."""
    found = operations(TEMPLATE, changed({"get_provider": None}), LEFT_OUT | {"get_provider": "for a test"})
    assert "get_provider" not in [each.name for each in found]


def test_a_row_that_differs_from_its_code_is_refused() -> None:
    """Whether there is a body is said twice, and must be the same."""
    with pytest.raises(ValueError, match="add_provider: the row and the code disagree"):
        operations(TEMPLATE, changed({"add_provider": ROWS["get_provider"]}))


def test_an_unknown_code_is_refused() -> None:
    """An operation cannot promise an error that the API does not have."""
    row = Row("providers", "x", {}, codes=("out_of_tea",))
    (found,) = (each for each in operations(TEMPLATE, changed({"get_provider": row})) if each.name == "get_provider")
    with pytest.raises(ValueError, match="get_provider names codes that the API does not have: out_of_tea"):
        found.codes()


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
