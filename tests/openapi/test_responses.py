"""The functions behave as the OpenAPI document says. Every response in any test is validated against it (tests.kit)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions.get_openapi.app import handler as get_openapi
from providers import bootstrap
from providers.model.routing import Attempt
from providers.model.verdict import Verdict
from providers.usecases.routing import put_routing_config
from providers_contract.vocabulary import Reason
from tests.kit.description import check_response, document, operations, resolved
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import call, event, invoke
from tests.kit.requests import ORG, added, rotate

HEADERS = {"Content-Type": "application/json", "X-Request-Id": "1"} | {
    f"RateLimit-{name}": "1" for name in ("Limit", "Remaining", "Reset")
}


@pytest.fixture
def ports() -> Iterator[FakePorts]:
    """Fakes that the functions use during a test."""
    fakes = FakePorts()
    bootstrap.install(fakes)
    yield fakes
    bootstrap.install(None)


@pytest.fixture
def path(ports: FakePorts) -> dict[str, str]:
    """Return path parameters for a provider, its first version and a routing config."""
    provider_id = rotate(ports, added(ports), "three").id
    put_routing_config(ports, ORG, "@used", "single", [Attempt(added(ports, "two").id, "m")])
    return {"provider_id": provider_id, "slug": "@used", "number": "1"}


def parameters(location: str) -> list[tuple[str, str]]:
    """Return every operation with each of its parameters of one location."""
    return [
        (name, parameter["name"])
        for name, operation in operations().items()
        for parameter in map(resolved, operation.get("parameters", []))
        if parameter["in"] == location and name != "get_openapi" and parameter["name"] != "Idempotency-Key"
    ]


BODIES = [
    pytest.param(name, example["value"], id=f"{name} {label}")
    for name, operation in operations().items()
    for label, example in operation.get("requestBody", {})
    .get("content", {})
    .get("application/json", {})
    .get("examples", {})
    .items()
]


@pytest.mark.parametrize(("function", "body"), BODIES)
def test_every_example_of_a_body_works(ports: FakePorts, path: dict[str, str], function: str, body: Any) -> None:
    """Each body example is accepted, and is refused with an unknown field, as the schema says."""
    if body.get("on_unavailable"):
        ports.verify.verdict = Verdict(Reason.HTTP_5XX)
    if "provider_id" in body:
        body = body | {"provider_id": path["provider_id"]}
    if "attempts" in body:
        ids = [added(ports, f"of attempt {number}").id for number in range(len(body["attempts"]))]
        attempts = [each | {"provider_id": found} for each, found in zip(body["attempts"], ids, strict=True)]
        body = body | {"attempts": attempts}
    assert call(function, path=path, body=body | {"surprise": 1}).error["code"] == "validation_failed"
    response = call(function, path=path, body=body)
    assert response.status in (200, 201, 202), response.text
    described = operations()[function]["responses"][str(response.status)]
    assert response.data.keys() == example_of(described)["data"].keys()


def some_body(function: str) -> Any:
    """Return a body that the function accepts, if it has one."""
    return {} if function == "rollback_provider" else {"name": "New"}


def example_of(response: Any) -> Any:
    """Return the example of a success."""
    return resolved(response)["content"]["application/json"]["example"]


@pytest.mark.parametrize("function", [name for name in operations() if name.startswith(("get_", "list_"))])
def test_a_read_returns_the_fields_of_its_example(path: dict[str, str], function: str) -> None:
    """A read returns the same fields as its example, at every level."""
    response = call(function, path=path)
    example = example_of(operations()[function]["responses"]["200"])
    if function == "get_openapi":
        assert response.body == document()
        return
    assert response.body.keys() == example.keys()
    mine, theirs = response.data, example["data"]
    assert (mine[0] if isinstance(mine, list) else mine).keys() == (
        theirs[0] if isinstance(theirs, list) else theirs
    ).keys()


@pytest.mark.parametrize(("function", "name"), parameters("query"))
def test_every_query_parameter_is_used(path: dict[str, str], function: str, name: str) -> None:
    """An invalid query parameter is refused by name; a valid one that matches nothing returns nothing."""
    response = call(function, path=path, query={name: "\N{SNOWMAN}"})
    schema = document()["components"]["parameters"][name]["schema"]
    any_text = schema.keys() <= {"type", "minLength", "maxLength"} and name != "cursor"
    assert (response.status, None if any_text else response.error["param"]) == (
        (200, None) if any_text else (400, name)
    )


@pytest.mark.parametrize(("function", "name"), parameters("header"))
def test_every_request_header_is_used(ports: FakePorts, path: dict[str, str], function: str, name: str) -> None:
    """`If-Match` with another tag returns 412, and `If-None-Match` with any tag returns 304."""
    expected = {"If-Match": ('"other"', 412), "If-None-Match": ("*", 304)}
    value, status = expected[name]
    assert call(function, path=path, body=some_body(function), headers={name: value}).status == status


@pytest.mark.parametrize("function", [name for name in operations() if name != "get_openapi"])
def test_undocumented_headers_are_ignored(path: dict[str, str], function: str) -> None:
    """Every conditional header that a function uses is documented."""
    documented = {resolved(parameter)["name"] for parameter in operations()[function].get("parameters", [])}
    for name, value, status in (("If-Match", '"other"', 412), ("If-None-Match", "*", 304)):
        response = call(function, path=path, body=some_body(function), headers={name: value})
        assert (response.status == status) == (name in documented)


def test_the_document_is_not_downloaded_again_while_unchanged() -> None:
    """The document is not downloaded again while it is unchanged: 304 for its tag."""
    first = invoke("get_openapi", event())
    again = invoke("get_openapi", event(headers={"if-none-match": f'"old", W/{first.headers["ETag"]}'}))
    assert (first.status, again.status, again.text) == (200, 304, "")
    assert first.headers["ETag"] == again.headers["ETag"]
    assert get_openapi({"headers": None}, None)["statusCode"] == 200


RESPONSES: list[tuple[str, int, Any, str]] = [
    ("get_provider", 200, {"data": {"id": "x"}}, "body that is not described"),
    ("delete_provider", 200, {"data": {"id": "x", "deleted": True, "by": "me"}}, "body that is not described"),
    ("delete_provider", 418, {}, "418, which is not described"),
    ("get_provider", 304, {"data": {}}, "304 with a body"),
]


@pytest.mark.parametrize(("function", "status", "body", "complaint"), RESPONSES)
def test_an_undocumented_response_fails_its_test(function: str, status: int, body: Any, complaint: str) -> None:
    """A response that does not match the document fails its test."""
    with pytest.raises(AssertionError, match=complaint):
        check_response(function, status, HEADERS, body)


def test_an_undocumented_error_fails_its_test(ports: FakePorts) -> None:
    """An undocumented error code or a missing header fails its test."""
    error = call("list_providers", query={"cursor": "x"}).body
    check_response("list_providers", 400, HEADERS, error)
    with pytest.raises(AssertionError, match="400 invalid_cursor, which is not described"):
        check_response("get_provider", 400, HEADERS, error)
    gone = {"data": {"slug": "a", "deleted": True}}
    with pytest.raises(AssertionError, match=r"without .*RateLimit-Limit"):
        check_response(
            "delete_routing_config",
            200,
            {name: value for name, value in HEADERS.items() if name != "RateLimit-Limit"},
            gone,
        )
