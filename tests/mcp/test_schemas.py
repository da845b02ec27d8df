"""Snapshots of the tools that clients see. An accidental change fails here.

After an intended change, `.venv/bin/python -m tests.mcp.test_schemas` writes the snapshots; read their diff.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from providers_client import NotFound
from providers_client.mcp import arguments
from providers_client.mcp.results import Failure, Stored, UploadLink, failure
from providers_client.mcp.server import listed, offered, refused, success
from providers_contract import bodies
from providers_contract.responses import Deleted, FieldError, Page, Provider, Upload
from tests.client.canned import PROVIDER, PROVIDER_ID

SNAPSHOTS = Path(__file__).parent / "snapshots"
LISTED = {tool.name: tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in listed(undo=True)}
SIX = ["list_providers", "get_provider", "add_provider", "update_provider", "delete_provider", "get_provider_health"]
UPLOAD = {
    "id": "upl_" + "0" * 26,
    "url": "https://api.example/uploads#FAKE",
    "provider_id": None,
    "vendor": "openai",
    "name": "P",
    "expires_at": "2026-04-14T12:15:00Z",
}


def rendered(tool: dict[str, Any]) -> str:
    """Return a snapshot's text."""
    return json.dumps(tool, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", sorted(LISTED))
def test_a_tool_equals_its_snapshot(name: str) -> None:
    """Name, title, description, schemas and annotations equal the snapshot."""
    assert rendered(LISTED[name]) == (SNAPSHOTS / f"{name}.json").read_text(), __doc__


def test_every_snapshot_belongs_to_a_tool() -> None:
    """The tools are the six of the specification, and those that undo changes only if they are wanted."""
    assert {path.stem for path in SNAPSHOTS.glob("*.json")} == set(LISTED)
    assert [tool.name for tool in listed()] == SIX
    assert [*LISTED] == [*SIX, "list_versions", "rollback_provider", "list_audit"]


@pytest.mark.parametrize("name", sorted(LISTED))
def test_the_schemas_are_valid(name: str) -> None:
    """Schemas are valid objects, as revisions up to 2025-11-25 require, and arguments are closed."""
    for part in ("inputSchema", "outputSchema"):
        Draft202012Validator.check_schema(LISTED[name][part])
        assert LISTED[name][part]["type"] == "object"
    assert LISTED[name]["inputSchema"]["additionalProperties"] is False


@pytest.mark.parametrize("name", sorted(LISTED))
def test_every_argument_is_described(name: str) -> None:
    """Every argument has a description, which is all that a model sees."""
    for argument, schema in LISTED[name]["inputSchema"]["properties"].items():
        assert len(schema["description"]) > 10, argument
        assert schema.get("default", "none") is not None, argument


ANNOTATIONS = {  # reads only, destroys, idempotent, calls the vendor
    "list_providers": (True, False, True, False),
    "get_provider": (True, False, True, False),
    "get_provider_health": (True, False, True, False),
    "add_provider": (False, True, False, True),  # it can read a variable
    "update_provider": (False, True, False, True),
    "delete_provider": (False, True, True, False),
    "list_versions": (True, False, True, False),
    "rollback_provider": (False, True, False, True),
    "list_audit": (True, False, True, False),
}


@pytest.mark.parametrize("name", sorted(ANNOTATIONS))
def test_the_annotations_are_correct(name: str) -> None:
    """Annotations are correct, because clients use them to request confirmation."""
    hints = LISTED[name]["annotations"]
    names = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
    assert tuple(hints[each] for each in names) == ANNOTATIONS[name]
    assert hints["title"] == LISTED[name]["title"]


PROVIDER_VIEW = Provider.model_validate_json(json.dumps(PROVIDER))
LINK = UploadLink(**Upload.model_validate_json(json.dumps(UPLOAD)).model_dump())
NO_SUCH = failure(NotFound("provider not found", code="provider_not_found", type="not_found", status=404))
RESULTS = [
    ("list_providers", success(Page[Provider](data=[PROVIDER_VIEW], next_cursor=None))),
    ("get_provider", success(PROVIDER_VIEW)),
    ("add_provider", success(Stored(provider=PROVIDER_VIEW, warnings=[]))),
    ("add_provider", success(LINK)),
    ("update_provider", success(LINK)),
    ("delete_provider", success(Deleted(id=PROVIDER_ID, deleted=True))),
    *((name, refused(NO_SUCH)) for name in LISTED),
]


@pytest.mark.parametrize(("name", "result"), RESULTS)
def test_results_match_the_output_schema(name: str, result: Any) -> None:
    """Results match the output schema, including links and failures, because clients validate them."""
    Draft202012Validator(LISTED[name]["outputSchema"]).validate(result.structured_content)


def test_an_output_schema_has_every_field_of_the_result() -> None:
    """The output schema has the type of every field of a result, and refuses another."""
    (provider, _) = LISTED["get_provider"]["outputSchema"]["anyOf"]
    assert set(provider["properties"]) == set(Provider.model_fields)
    validator = Draft202012Validator(LISTED["get_provider"]["outputSchema"])
    for field in Provider.model_fields:
        assert not validator.is_valid(PROVIDER | {field: 0.5}), field


@pytest.mark.parametrize("name", sorted(LISTED))
def test_other_values_do_not_match_the_output_schema(name: str) -> None:
    """The output schema refuses other values."""
    assert not Draft202012Validator(LISTED[name]["outputSchema"]).is_valid({"status": "unheard of"})


LIMITS = [
    (arguments.AddProvider, bodies.AddProviderBody),
    (arguments.UpdateProvider, bodies.UpdateProviderBody),
]


@pytest.mark.parametrize(("takes", "body"), LIMITS)
def test_the_tools_accept_every_field_of_the_api(takes: type[bodies.Body], body: Any) -> None:
    """Every field of the API's body is an argument; only the fields that replace a key are new."""
    ours = set(takes.model_fields) - {"provider_id", "api_key_env", "upload_link"}
    assert ours == set(body.model_fields)


@pytest.mark.parametrize("name", sorted(LISTED))
def test_no_argument_accepts_null(name: str) -> None:
    """No argument accepts null, and a tool that can read a variable is marked destructive."""
    schema = json.dumps(LISTED[name]["inputSchema"])
    assert "null" not in schema.replace("null means", "")
    assert LISTED[name]["annotations"]["destructiveHint"] or "api_key_env" not in schema


def test_the_limits_equal_the_apis() -> None:
    """Arguments that match the schema also match the API's limits."""
    name = LISTED["add_provider"]["inputSchema"]["properties"]["name"]
    body = {"vendor": "openai", "api_key": "k"}
    bodies.AddProviderBody.model_validate(body | {"name": "n" * name["maxLength"]})
    with pytest.raises(ValueError, match="1 to 80"):
        bodies.AddProviderBody.model_validate(body | {"name": "n" * (name["maxLength"] + 1)})


def test_a_failure_contains_every_field_of_the_apis_error() -> None:
    """A failure's text contains everything that the API returned."""
    missing = FieldError(param="vendor", message="is required", code="missing")
    problem = failure(arguments.invalid(missing, FieldError(param="name", message="is required", code="missing")))
    result = refused(problem)
    assert result.is_error
    assert result.content[0].text == (  # type: ignore[union-attr]
        "validation_failed: vendor: is required (and 1 more); nothing was sent\n"
        "- vendor: is required\n- name: is required"
    )
    assert Failure.model_validate(result.structured_content) == problem


def test_a_tool_has_its_functions_name() -> None:
    """A tool has the name of its function."""
    assert all(tool.run.__name__ == name == tool.name for name, tool in offered(undo=True).items())


if __name__ == "__main__":
    SNAPSHOTS.mkdir(exist_ok=True)
    for old in SNAPSHOTS.glob("*.json"):
        old.unlink()
    for each, tool in LISTED.items():
        (SNAPSHOTS / f"{each}.json").write_text(rendered(tool))
