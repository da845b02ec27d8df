"""HEAD, OPTIONS, and methods that a path lacks."""

from __future__ import annotations

import pytest

from providers_contract.operations import OPERATIONS, Operation, allowed_methods
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import ALL_SCOPES, Response, event, invoke
from tests.kit.operations import METHODS, ROWS, Existing, other_methods
from tests.kit.requests import added, rotate

RESPONDING = [each for each in OPERATIONS.values() if "OPTIONS" in other_methods(each)]


def sent(ports: FakePorts, operation: Operation, method: str, scopes: str = ALL_SCOPES) -> Response:
    """Send a request that would succeed with the operation's own method."""
    provider = added(ports)
    rotate(ports, provider, "two")
    request = ROWS[operation.name].request(Existing(provider.id, "1", "@a"))
    return invoke(operation.name, event(**request, scopes=scopes) | {"httpMethod": method, "resource": operation.path})


def test_one_function_of_each_path_responds_to_other_methods() -> None:
    """Each path that needs a key has exactly one function for all other methods."""
    with_key = {each.path for each in OPERATIONS.values() if not each.anonymous}
    assert sorted(each.path for each in RESPONDING) == sorted(with_key)


def test_allowed_methods() -> None:
    """HEAD goes with GET, and OPTIONS with every path."""
    assert allowed_methods("/manage/v1/providers/{provider_id}") == ["GET", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    assert allowed_methods("/manage/v1/uploads") == ["POST", "OPTIONS"]


@pytest.mark.parametrize("operation", RESPONDING, ids=lambda each: each.name)
def test_options_lists_the_methods_of_a_path(ports: FakePorts, operation: Operation) -> None:
    """OPTIONS needs no scope, and changes nothing."""
    response = sent(ports, operation, "OPTIONS", scopes="")
    assert (response.status, response.text) == (204, "")
    assert response.headers["Allow"] == ", ".join(allowed_methods(operation.path))
    assert len(ports.db.trail) == 2


@pytest.mark.parametrize("method", sorted({*METHODS, "TRACE", "get"} - {"OPTIONS"}))
@pytest.mark.parametrize("operation", RESPONDING, ids=lambda each: each.name)
def test_a_method_that_the_path_lacks(ports: FakePorts, operation: Operation, method: str) -> None:
    """Any other method is 405 with Allow, and changes nothing."""
    if method in (operation.method, "HEAD" if operation.method == "GET" else ""):
        return
    response = sent(ports, operation, method)
    assert response.status == 405
    assert response.headers["Allow"] == ", ".join(allowed_methods(operation.path))
    assert method == "HEAD" or response.error["code"] == "method_not_allowed"
    assert len(ports.db.trail) == 2


def test_head_is_get_without_a_body(ports: FakePorts) -> None:
    """HEAD has the headers of GET, an error's too, and needs the same scope."""
    operation = OPERATIONS["get_provider"]
    response = sent(ports, operation, "HEAD")
    assert (response.status, response.text) == (200, "")
    assert {"ETag", "RateLimit-Limit", "X-Request-Id", "Content-Type"} <= response.headers.keys()
    refused = invoke(operation.name, event(path={"provider_id": "prov_1"}) | {"httpMethod": "HEAD"})
    assert (refused.status, refused.text) == (404, "")
    refused = invoke(operation.name, event(path={"provider_id": "prov_1"}, scopes="") | {"httpMethod": "HEAD"})
    assert (refused.status, refused.text) == (403, "")
