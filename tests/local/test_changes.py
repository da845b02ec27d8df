"""Versions, rollback, the audit trail, retries and the verification limit, from a caller's view."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from local.background import in_background
from local.stack import Stack, running_stack
from local.vendors.keys import fake_key
from providers.usecases.resolve import Resolved, resolve
from providers_contract.vocabulary import Scope
from tests.local.conftest import PATIENT, Api

PER_ORG = 6
FIRST_HOST, SECOND_HOST = "https://first.openai.azure.com", "https://second.openai.azure.com"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Run a stack with a low verification limit per organization; each test has its own organization."""
    settings = PATIENT | {"VERIFICATIONS_PER_MINUTE_PER_ORG": str(PER_ORG)}
    with in_background(running_stack(settings=settings)) as running:
        yield running


def org_of(api: Api) -> str:
    """Return the caller's organization."""
    key = api.stack.ports.management_keys.get(api.key.split("_")[2])
    assert key is not None
    return key.org


def read(api: Api, provider_id: str, version: int | None = None) -> Resolved:
    """Return the credential that a data plane gets."""
    return resolve(api.stack.ports, org_of(api), provider_id, version)


def data(response: httpx2.Response, status: int = 200) -> Any:
    """Return the data of a successful response."""
    assert response.status_code == status, response.text
    return response.json()["data"]


def refusal(response: httpx2.Response) -> tuple[int, str]:
    """Return the status and code of an error response."""
    return response.status_code, response.json()["error"]["code"]


def test_a_rollback_brings_key_and_host_back(api: Api) -> None:
    """A rollback is verified by the vendor and listed, and no version that was just replaced is safe to revoke."""
    first, second = fake_key("azure", "valid", 1), fake_key("azure", "valid", 2)
    provider = api.added(first, "azure", base_url=FIRST_HOST)
    path = f"/providers/{provider['id']}"
    data(api.call("PATCH", path, {"api_key": second, "base_url": SECOND_HOST}))
    assert read(api, provider["id"], 1).base_url == FIRST_HOST
    versions = data(api.call("GET", f"{path}/versions"))
    assert [(each["number"], each["active"], each["safe_to_revoke"]) for each in versions] == [
        (2, True, False),
        (1, False, False),
    ]
    assert [each["last_used_at"] is None for each in versions] == [True, False]
    assert versions[1]["retires_at"] > versions[1]["created_at"]
    before = api.stack.emulator.requests if api.stack.emulator else 0
    response = api.call("POST", f"{path}/rollback")
    assert api.stack.emulator is not None
    assert api.stack.emulator.requests > before
    back = data(response)
    assert (back["key_version"], back["base_url"], response.headers["etag"]) == (3, FIRST_HOST, '"3"')
    found = read(api, provider["id"])
    assert (found.version, found.base_url, found.secret.reveal()) == (3, FIRST_HOST, first)
    named = data(api.call("POST", f"{path}/rollback", {"version": 2}, if_match='"3"'))
    assert (named["key_version"], named["base_url"]) == (4, SECOND_HOST)
    assert refusal(api.call("POST", f"{path}/rollback", {"version": 4})) == (422, "validation_failed")
    assert refusal(api.call("POST", f"{path}/rollback", {"version": 9})) == (404, "version_not_found")
    assert refusal(api.call("POST", f"{path}/rollback", if_match='"3"')) == (412, "etag_mismatch")
    assert refusal(api.another("org_other").call("POST", f"{path}/rollback")) == (404, "provider_not_found")


def test_a_key_that_was_revoked_meanwhile_does_not_come_back(api: Api) -> None:
    """A rollback to a revoked key is 422 and keeps the active one; without an earlier version it is 409."""
    provider = api.added(fake_key("openai", "valid", 1))
    path = f"/providers/{provider['id']}/rollback"
    assert refusal(api.call("POST", path)) == (409, "version_conflict")
    data(api.rotate(provider["id"], fake_key("openai", "valid", 2)))
    revoked = {"vendor": "openai", "key": fake_key("openai", "valid", 1), "case": "invalid"}
    assert api.client.post("/_local/vendors", json=revoked).is_success
    assert refusal(api.call("POST", path)) == (422, "credential_rejected")
    assert read(api, provider["id"]).secret.reveal() == fake_key("openai", "valid", 2)
    assert api.client.post("/_local/vendors", json=revoked | {"case": "valid"}).is_success
    assert data(api.call("POST", path))["key_version"] == 3


def test_the_audit_trail_is_paged(api: Api) -> None:
    """Entries are newest first, with their request ids; a cursor is valid only for its own list and organization."""
    provider = api.added(fake_key("openai", "valid", 1), name="Prod")
    path = f"/providers/{provider['id']}"
    responses = [
        api.call("PATCH", path, {"name": "Renamed"}),
        api.rotate(provider["id"], fake_key("openai", "valid", 2)),
        api.call("POST", f"{path}/rollback"),
        api.call("DELETE", path),
    ]
    assert [response.status_code for response in responses] == [200] * 4
    assert api.call("DELETE", path).status_code == 404
    entries: list[dict[str, Any]] = []
    query = "?limit=2"
    while True:
        page = api.call("GET", f"/audit{query}").json()
        entries += page["data"]
        if page["next_cursor"] is None:
            break
        query = f"?limit=2&cursor={page['next_cursor']}"
    assert [each["action"] for each in entries] == [
        "provider.deleted",
        "provider.rolled_back",
        "provider.rotated",
        "provider.updated",
        "provider.created",
    ]
    assert [each["request_id"] for each in entries[:4]] == [
        response.headers["x-request-id"] for response in responses[::-1]
    ]
    assert {each["actor"]["key_id"] for each in entries} == {api.key.split("_")[2]}
    assert (entries[3]["before"], entries[3]["after"]) == ({"name": "Prod"}, {"name": "Renamed"})
    assert data(api.call("GET", "/audit?action=provider.rotated")) == entries[2:3]
    assert data(api.call("GET", f"/audit?resource_id={provider['id']}")) == entries
    assert data(api.call("GET", "/audit?key_id=nobody")) == []
    cursor = api.call("GET", "/audit?limit=2").json()["next_cursor"]
    stranger = api.another("org_stranger", Scope.PROVIDERS_READ)
    for response in (
        api.call("GET", f"/audit?cursor={cursor[:-2]}"),
        api.call("GET", f"/audit?action=provider.rotated&cursor={cursor}"),
        api.call("GET", f"/providers?cursor={cursor}"),
        stranger.call("GET", f"/audit?cursor={cursor}"),
    ):
        assert refusal(response) == (400, "invalid_cursor")
    assert data(stranger.call("GET", "/audit")) == []


def test_a_retry_gets_the_first_response(api: Api) -> None:
    """A retry gets the same bytes; another body is refused; after a failure the key can be used again."""
    body = {"vendor": "openai", "name": "Prod", "api_key": fake_key("openai", "invalid", 1)}
    assert refusal(api.call("POST", "/providers", body, idempotency_key="a-1")) == (422, "credential_rejected")
    body["api_key"] = fake_key("openai", "valid", 1)
    first = api.call("POST", "/providers", body, idempotency_key="a-1")
    again = api.another(org_of(api)).call("POST", "/providers", body, idempotency_key="a-1")
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert [again.headers[name] for name in ("location", "etag")] == [
        first.headers[name] for name in ("location", "etag")
    ]
    other = api.call("POST", "/providers", body | {"name": "Other"}, idempotency_key="a-1")
    assert refusal(other) == (422, "idempotency_mismatch")
    path = f"/providers/{data(first, 201)['id']}"
    deleted = [api.call("DELETE", path, idempotency_key="a-2") for _ in range(2)]
    assert [response.status_code for response in deleted] == [200, 200]
    assert refusal(api.call("DELETE", path, idempotency_key="a-3")) == (404, "provider_not_found")
    assert refusal(api.call("DELETE", path, idempotency_key="a 4")) == (400, "invalid_parameter")
    assert len(data(api.call("GET", "/audit"))) == 2


def test_ten_concurrent_retries_make_one_change(api: Api) -> None:
    """One of them makes the change; the others get its response, at once or after a retry."""
    body = {"vendor": "openai", "name": "Prod", "api_key": fake_key("openai", "valid", 1)}

    def send(_: int) -> httpx2.Response:
        return api.call("POST", "/providers", body, idempotency_key="once")

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        responses = list(pool.map(send, range(10)))
    made = [response for response in responses if response.status_code == 201]
    assert [response for response in responses if response.status_code not in (201, 409)] == []
    for late in (response for response in responses if response.status_code == 409):
        assert refusal(late) == (409, "idempotency_in_progress")
        assert late.headers["retry-after"] == "2"
    assert sum("idempotency-replayed" not in response.headers for response in made) == 1
    assert {response.content for response in [*made, send(0)]} == {made[0].content}
    assert len(data(api.call("GET", "/providers"))) == len(data(api.call("GET", "/audit"))) == 1


def test_verifications_are_limited_per_minute(api: Api) -> None:
    """Over the limit: 429 with the seconds left, no call to the vendor, and no effect on another organization."""
    responses: list[httpx2.Response] = []
    while not responses or responses[-1].status_code == 201:
        responses.append(api.add(fake_key("openai", "valid", len(responses))))
        assert len(responses) <= 2 * PER_ORG + 1  # a new minute may begin once while counting
    assert len(responses) > PER_ORG
    assert api.stack.emulator is not None
    before = api.stack.emulator.requests
    refused = api.add(fake_key("openai", "valid", 100))
    assert refusal(refused) == (429, "verification_rate_limited")
    assert api.stack.emulator.requests == before
    wait = int(refused.headers["retry-after"])
    assert 1 <= wait <= 60
    assert len(data(api.call("GET", "/providers"))) == len(responses) - 1
    api.another("org_unconcerned").added(fake_key("openai", "valid", 101))
    clock = api.stack.ports.local_clock
    clock.put_forward_to(clock.now() + timedelta(seconds=wait))
    api.added(fake_key("openai", "valid", 102))


def test_what_has_expired_is_destroyed_by_the_next_sweep(api: Api) -> None:
    """A version is refused as soon as it expires; the next sweep deletes its row and no other."""
    provider = api.added(fake_key("openai", "valid", 1))
    data(api.rotate(provider["id"], fake_key("openai", "valid", 2)))
    ports = api.stack.ports
    ports.local_clock.put_forward_to(ports.local_clock.now() + ports.policy.grace)
    path = f"/providers/{provider['id']}"
    tag = api.call("GET", path).json()["data"]
    assert [each["number"] for each in data(api.call("GET", f"{path}/versions"))] == [2]
    assert refusal(api.call("POST", f"{path}/rollback")) == (409, "version_conflict")
    assert refusal(api.call("POST", f"{path}/rollback", {"version": 1})) == (404, "version_not_found")
    assert ports.providers.sealed(org_of(api), provider["id"], 1) is not None
    assert api.client.post("/_local/sweep", json={}).status_code == 200
    assert ports.providers.sealed(org_of(api), provider["id"], 1) is None
    assert read(api, provider["id"]).secret.reveal() == fake_key("openai", "valid", 2)
    assert api.call("GET", path).json()["data"]["updated_at"] == tag["updated_at"]
