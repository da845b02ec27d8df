"""The common part of every endpoint: scopes, rate limits, headers, and errors in the API's format."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from functions.authorize.app import handler as authorize
from providers.model.errors import ProvidersError
from providers.model.verdict import Verdict
from providers.usecases.management_keys import mint_management_key
from providers_contract.errors import ERRORS
from providers_contract.operations import OPERATIONS
from providers_contract.vocabulary import Outcome, Reason, Scope
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import Invocation, call, event, invoke
from tests.kit.operations import ROWS
from tests.kit.requests import key

ROOT = Path(__file__).parent.parent.parent
GOOD = {"vendor": "openai", "name": "Prod", "api_key": key().reveal()}
ROUTE = {"strategy": "single", "attempts": [{"provider_id": "prov_" + "0" * 26, "model": "m"}]}


def test_every_operation_has_a_row() -> None:
    """The tests' table of scopes and requests contains every operation and agrees with the contract."""
    with_key = {name: operation.scope for name, operation in OPERATIONS.items() if not operation.anonymous}
    assert with_key == {name: row.scope for name, row in ROWS.items()}


@pytest.mark.parametrize("function", ROWS)
@pytest.mark.parametrize("scope", list(Scope))
def test_an_endpoint_needs_its_own_scope_and_no_other(ports: FakePorts, function: str, scope: Scope) -> None:
    """An endpoint accepts its own scope alone, and returns 403 for all others; one without a scope accepts any."""
    path = {"provider_id": "prov_" + "0" * 26, "slug": "a", "number": "1"}
    response = call(function, scopes=scope.value, path=path, body=ROUTE)
    allowed = response.status != 403
    assert allowed == (ROWS[function].scope in (scope, None))
    assert allowed or response.error["code"] == "insufficient_scope"


@pytest.mark.parametrize("function", ROWS)
def test_a_key_over_its_limit_gets_retry_after(ports: FakePorts, function: str) -> None:
    """A key over its rate limit gets 429 with Retry-After for any request."""
    response = call(function, limited=True)
    assert (response.status, response.error["code"], response.headers["Retry-After"]) == (429, "rate_limited", "42")


def test_a_key_learns_what_it_may_do(ports: FakePorts) -> None:
    """A key's own name, organization, scopes and expiry pass from the authorizer to the response."""
    expiry = ports.clock.now() + timedelta(days=1)
    _, token = mint_management_key(ports, "org_b", "Büro", [Scope.ROUTING_READ], expires_at=expiry)
    allowed = authorize({"headers": {"Authorization": f"Bearer {token.reveal()}"}, "methodArn": "arn"}, Invocation())
    given = event()
    given["requestContext"]["authorizer"] = allowed["context"]
    found = invoke("get_management_key", given).data
    assert (found["org"], found["name"], found["scopes"]) == ("org_b", "Büro", ["routing:read"])
    assert datetime.fromisoformat(found["expires_at"]) == expiry.replace(microsecond=0)


@pytest.mark.parametrize("limited", [False, True])
def test_every_response_has_the_rate_limit_headers(ports: FakePorts, limited: bool) -> None:
    """Every response has rate limit headers, errors included."""
    headers = call("list_providers", limited=limited).headers
    names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
    assert [headers[name] for name in names] == ["60", "59", "42"]


def test_without_an_authorizer_every_request_is_refused(ports: FakePorts) -> None:
    """A request without an authorizer's context is refused."""
    response = invoke("list_providers", {**event(), "requestContext": {"requestId": "r"}})
    assert (response.status, response.error["code"]) == (401, "missing_api_key")


def test_an_unexpected_error_shows_and_logs_nothing_of_its_text(ports: FakePorts, log: io.StringIO) -> None:
    """An unexpected error is a 500 without its text; the log has its type and location only."""

    def explode() -> None:
        raise RuntimeError(f"cannot use {key().reveal()}")

    ports.verify.meanwhile = explode
    response = call("add_provider", body=GOOD)
    logged = log.getvalue()
    assert (response.status, response.error["code"]) == (500, "internal_error")
    assert key().reveal() not in response.text + logged
    assert "RuntimeError" in logged
    assert "test_endpoint.py" in logged


def test_a_log_line_contains_only_ids(ports: FakePorts, log: io.StringIO) -> None:
    """A log line has the caller, the route and the outcome, but no body or headers."""
    call("add_provider", body=GOOD, headers={"X-Custom": "header-canary"})
    line = json.loads(log.getvalue().strip().splitlines()[-1])
    assert (line["status"], line["org"], line["key_id"], line["correlation_id"]) == (
        201,
        "org_a",
        "01test",
        "request-1",
    )
    assert "canary" not in str(line)
    assert key().reveal() not in str(line)


def test_every_code_that_can_be_raised_has_a_status() -> None:
    """Every error code raised in the layer has a status."""
    raised = set()
    for path in (ROOT / "layers/shared/providers").rglob("*.py"):
        kinds = (
            "InvalidRequest|Unprocessable|Unauthenticated|Forbidden|NotFound|Conflict|PreconditionFailed|RateLimited"
        )
        text = path.read_text()
        raised |= set(re.findall(rf'(?:{kinds}|Unavailable|VerificationFailed)\(\s*"(\w+)"', text))
    assert raised - set(ERRORS) == set()
    assert len(raised) > 15


def test_the_root_of_the_error_tree_is_never_raised() -> None:
    """Only the leaves of the error tree are raised."""
    sources = [path.read_text() for path in (ROOT / "layers/shared/providers").rglob("*.py")]
    assert [text for text in sources if "raise ProvidersError" in text] == []
    assert issubclass(ProvidersError, Exception)


def test_an_added_provider_is_returned_completely(ports: FakePorts) -> None:
    """A new provider returns 201 with Location, ETag and exactly the contract's fields."""
    response = call("add_provider", body=GOOD)
    provider = response.data
    assert response.status == 201
    assert response.headers["Location"] == f"/manage/v1/providers/{provider['id']}"
    assert response.headers["ETag"] == '"1"'
    assert provider == {
        "id": provider["id"],
        "vendor": "openai",
        "name": "Prod",
        "tags": [],
        "base_url": None,
        "status": "active",
        "health": {"state": "unknown", "reason": None, "p50_latency_ms": None, "last_check_at": None},
        "created_at": "2026-04-14T12:00:00Z",
        "updated_at": "2026-04-14T12:00:00Z",
        "key_hint": provider["key_hint"],
        "key_version": 1,
        "key_rotated_at": "2026-04-14T12:00:00Z",
        "key_expires_at": None,
        "verification": {"outcome": "valid", "reason": None, "checked_at": "2026-04-14T12:00:00Z"},
    }
    assert re.fullmatch(r"prov_[0-9A-HJKMNP-TV-Z]{26}", provider["id"])


def test_a_pending_provider_is_accepted(ports: FakePorts) -> None:
    """A pending provider returns 202, with the reason in `verification`."""
    ports.verify.verdict = Verdict(Reason.TIMEOUT)
    response = call("add_provider", body=GOOD | {"on_unavailable": "store_pending"})
    assert (response.status, response.data["status"]) == (202, "pending")
    assert response.data["verification"]["reason"] == "timeout"


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        (Reason.CREDENTIAL_REJECTED, 422, "credential_rejected"),
        (Reason.TIMEOUT, 504, "verification_timeout"),
        (Reason.HTTP_5XX, 502, "verification_unavailable"),
    ],
)
def test_a_failed_verification_is_reported_with_its_reason(
    ports: FakePorts, reason: Reason, status: int, code: str
) -> None:
    """A failed verification returns status, reason, whether to retry, and the vendor's request id."""
    ports.verify.verdict = Verdict(reason, request_id="req_1", retry_after_s=7)
    response = call("add_provider", body=GOOD)
    assert (response.status, response.error["code"]) == (status, code)
    assert (response.error["reason"], response.error["vendor_request_id"]) == (reason.value, "req_1")
    assert response.error["retryable"] is (status != 422)


def test_entity_tags(ports: FakePorts) -> None:
    """A current tag returns 304, an old one 412, and each change creates a new tag."""
    path = {"provider_id": call("add_provider", body=GOOD).data["id"]}
    tag = call("get_provider", path=path).headers["ETag"]
    assert call("get_provider", path=path, headers={"If-None-Match": f"W/{tag}"}).status == 304
    assert call("get_provider", path=path, headers={"If-None-Match": f'"0", {tag}'}).text == ""
    changed = call("update_provider", path=path, body={"name": "New"}, headers={"If-Match": tag})
    assert (changed.status, changed.headers["ETag"]) == (200, '"2"')
    late = call("update_provider", path=path, body={"name": "Newer"}, headers={"if-match": '"1"'})
    assert (late.status, late.error["code"]) == (412, "etag_mismatch")
    assert call("get_provider", path=path, headers={"If-None-Match": tag}).data["name"] == "New"


def test_a_pending_providers_tag_changes_with_its_verification(ports: FakePorts) -> None:
    """A pending provider's tag changes with its verification, even if health and probe time do not."""
    path = {"provider_id": call("add_provider", body=GOOD).data["id"]}
    first = call("get_provider", path=path)
    key = ("org_a", path["provider_id"])
    stored = ports.db.providers[key]
    verification = replace(stored.verification, outcome=Outcome.INDETERMINATE, reason=Reason.DNS_FAILED)
    ports.db.providers[key] = replace(stored, verification=verification)
    response = call("get_provider", path=path, headers={"If-None-Match": first.headers["ETag"]})
    assert (response.status, response.data["verification"]["reason"]) == (200, "dns_failed")


def test_delete_returns_the_deleted_provider(ports: FakePorts) -> None:
    """A dry run deletes nothing, a delete deletes, and a second delete returns 404."""
    path = {"provider_id": call("add_provider", body=GOOD).data["id"]}
    dry = call("delete_provider", path=path, query={"dry_run": "true"})
    assert dry.data == {"id": path["provider_id"], "deleted": False, "dry_run": True}
    assert call("delete_provider", path=path).data == {"id": path["provider_id"], "deleted": True}
    assert call("delete_provider", path=path).status == 404


def test_routing_operations_return_their_configs(ports: FakePorts) -> None:
    """Put returns 201 for a new config and 200 for a replaced one, and get, list and delete agree."""
    provider_id = call("add_provider", body=GOOD).data["id"]
    body = {"strategy": "single", "attempts": [{"provider_id": provider_id, "model": "m"}]}
    made = call("put_routing_config", path={"slug": "%40prod"}, body=body)
    assert (made.status, made.data["slug"], made.data["attempts"]) == (201, "@prod", body["attempts"])
    assert call("put_routing_config", path={"slug": "@prod"}, body=body).status == 200
    assert call("list_routing_configs").data == [call("get_routing_config", path={"slug": "@prod"}).data]
    blocked = call("delete_provider", path={"provider_id": provider_id})
    assert (blocked.status, blocked.error["code"]) == (409, "provider_in_use")
    assert blocked.error["references"] == [{"type": "routing_config", "id": "@prod"}]
    assert call("delete_routing_config", path={"slug": "@prod"}).data == {"slug": "@prod", "deleted": True}
    assert call("delete_provider", path={"provider_id": provider_id}).status == 200
