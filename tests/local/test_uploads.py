"""An upload link over real HTTP: a program creates it, a person opens and uses it once."""

from __future__ import annotations

import concurrent.futures
import io
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from local.background import in_background
from local.stack import Stack, running_stack
from local.vendors.keys import fake_key
from providers.edge import logs
from providers.usecases.management_keys import revoke_management_key
from providers.usecases.resolve import resolve
from providers_contract.vocabulary import Scope
from tests.local.conftest import PATIENT, Api

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
CONSOLE: list[str] = []
"""The output of this module's stack."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Run a stack, and record its console."""
    CONSOLE.clear()
    with in_background(running_stack(settings=PATIENT, log=CONSOLE.append)) as running:
        yield running


@pytest.fixture
def person() -> Iterator[httpx2.Client]:
    """Yield the HTTP client of a person with a browser and no management key."""
    with httpx2.Client(trust_env=False, timeout=30, headers=BROWSER) as client:
        yield client


def link(api: Api, **wanted: str) -> Any:
    """Create a link, and return it."""
    response = api.call("POST", "/uploads", wanted)
    assert response.status_code == 201, response.text
    return response.json()["data"]


def trail(api: Api) -> list[tuple[str, str]]:
    """Return the actions of the audit trail with their actors, oldest first."""
    entries = api.call("GET", "/audit").json()["data"]
    return [(entry["action"], entry["actor"]["type"]) for entry in reversed(entries)]


def test_a_person_adds_and_rotates_a_provider(api: Api, person: httpx2.Client) -> None:
    """The link shows a form that adds or rotates a provider; a second use finds nothing."""
    made = link(api, vendor="openai", name="By a person")
    url = made["url"]
    assert url.startswith(f"{api.stack.url}/manage/v1/uploads/")
    page = person.get(url)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert 'type="password"' in page.text
    entered = fake_key("openai", "valid", 1)
    stored = person.post(url, data={"api_key": entered})
    assert (stored.status_code, entered in stored.text) == (201, False)
    (provider,) = api.call("GET", "/providers").json()["data"]
    assert (provider["name"], provider["status"]) == ("By a person", "active")
    assert provider["key_hint"] in stored.text

    again = person.post(url, data={"api_key": fake_key("openai", "valid", 2)})
    assert (again.status_code, person.get(url).status_code) == (404, 404)
    rotated = person.post(
        link(api, provider_id=provider["id"])["url"],
        data={"api_key": fake_key("openai", "valid", 3)},
        headers={"accept": "application/json"},
    )
    assert (rotated.status_code, rotated.json()["data"]["key_version"]) == (200, 2)
    key = api.stack.ports.management_keys.get(api.key.split("_")[2])
    assert key is not None
    assert resolve(api.stack.ports, key.org, provider["id"]).secret.reveal() == fake_key("openai", "valid", 3)
    assert trail(api) == [
        ("upload.created", "management_key"),
        ("provider.created", "upload"),
        ("upload.created", "management_key"),
        ("provider.rotated", "upload"),
    ]


def test_a_refused_key_can_be_entered_again(api: Api, person: httpx2.Client) -> None:
    """A refused key gets 422 and a link back to the form, which then accepts the right key."""
    url = link(api, vendor="groq", name="Mistyped")["url"]
    refused = person.post(url, data={"api_key": fake_key("groq", "invalid", 1)})
    assert (refused.status_code, 'href=""' in refused.text) == (422, True)
    assert "4 of 5" in person.get(url).text
    assert person.post(url, data={"api_key": fake_key("groq", "valid", 1)}).status_code == 201


@pytest.mark.parametrize("rotates", [True, False], ids=["rotate", "add"])
def test_of_many_who_use_a_link_at_once_one_wins(api: Api, person: httpx2.Client, rotates: bool) -> None:
    """Of concurrent uses of a link, one succeeds and makes the change; the others find nothing."""
    wanted = {"vendor": "openai", "name": "Raced"}
    if rotates:
        wanted = {"provider_id": api.added(fake_key("openai", "valid", 20))["id"]}
    url = link(api, **wanted)["url"]
    before = len(trail(api))

    def use(number: int) -> int:
        return person.post(url, data={"api_key": fake_key("openai", "valid", 21 + number)}).status_code

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        statuses = list(pool.map(use, range(5)))
    assert sorted(statuses) == [200 if rotates else 201] + [404] * 4
    assert [by for _, by in trail(api)[before:]] == ["upload"]
    assert person.get(url).status_code == 404


def test_a_revoked_key_takes_its_links_along(api: Api, person: httpx2.Client) -> None:
    """A revoked key's links stop working with the next request."""
    maker = api.another("org_revoked", Scope.PROVIDERS_WRITE)
    url = link(maker, vendor="openai", name="Never")["url"]
    assert person.get(url).status_code == 200
    revoke_management_key(api.stack.ports, maker.key.split("_")[2])
    assert (person.get(url).status_code, person.post(url, data={"api_key": "k" * 40}).status_code) == (404, 404)


def test_a_reader_makes_no_links(api: Api) -> None:
    """A read-only key gets 403 when it creates a link."""
    reader = api.another("org_reader", Scope.PROVIDERS_READ)
    assert reader.call("POST", "/uploads", {"vendor": "openai", "name": "No"}).status_code == 403


def test_a_link_is_printed_and_stored_nowhere(api: Api, person: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link is not on the console, even for a path that resembles it, nor in a log line or a table."""
    logged = io.StringIO()
    for handler in logs.logger.handlers:
        monkeypatch.setattr(handler, "stream", logged)
    logs.logger.setLevel("DEBUG")
    headers = {"idempotency_key": "once"}
    wanted = {"vendor": "openai", "name": "Hidden"}
    url = api.call("POST", "/uploads", wanted, **headers).json()["data"]["url"]
    assert api.call("POST", "/uploads", wanted, **headers).json()["data"]["url"] == url
    secret = url.rpartition("_")[2]
    for method, address in [("GET", url), ("HEAD", url), ("PUT", url), ("GET", f"{url}/"), ("GET", f"{url}/x")]:
        person.request(method, address)
    assert secret not in str(api.stack.ports.dynamodb.scan(TableName="MainTable"))
    assert person.post(url, data={"api_key": fake_key("openai", "valid", 30)}).status_code == 201
    assert person.post(url, data={"api_key": fake_key("openai", "valid", 31)}).status_code == 404
    assert "GET    /manage/v1/uploads/{token} 200" in "\n".join(CONSOLE)
    assert "/manage/v1/uploads/{token}" in logged.getvalue()
    assert secret not in "\n".join(CONSOLE) + logged.getvalue()
