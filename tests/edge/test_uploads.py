"""Upload links at the edge: pages, headers, JSON for programs, logs and idempotency records."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest

from providers.edge.http import own_url
from providers.model.management_key import ManagementKey
from providers.model.verdict import Verdict
from providers.usecases.authenticity import with_mac
from providers_contract.vocabulary import Reason, Scope
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import Response, call, event, invoke
from tests.kit.requests import ORG, active_key, added, key

NEW = {"vendor": "openai", "name": "From a link"}
FORM = "application/x-www-form-urlencoded"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def ports(ports: FakePorts) -> FakePorts:
    """Fakes with the management key that the events' authorizer names."""
    scopes = frozenset({Scope.PROVIDERS_WRITE})
    ports.management_keys.put(
        with_mac(ports, ManagementKey("01test", "digest", ORG, "test", scopes, ports.clock.now()))
    )
    return ports


def token_of(body: dict[str, Any]) -> str:
    """Return the token of a new link."""
    return str(call("create_upload", body=body).data["url"].rpartition("/")[2])


def show(token: str, accept: str = BROWSER) -> Response:
    """Get the page at a link."""
    return call("show_upload", path={"token": token}, headers={"Accept": accept})


def use(token: str, fields: dict[str, str] | str, accept: str = BROWSER, content_type: str = FORM) -> Response:
    """Submit the form at a link."""
    body = fields if isinstance(fields, str) else urlencode(fields)
    headers = {"Accept": accept, "Content-Type": content_type}
    return call("use_upload", path={"token": token}, body=body, headers=headers)


class Page(HTMLParser):
    """A page's tags, text and input."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes[tag] = dict(attrs)

    def handle_data(self, data: str) -> None:
        self.words += data


# making a link


def test_a_link_is_returned_completely(ports: FakePorts) -> None:
    """A new link returns 201 with the contract's fields, and its URL leads to the API that created it."""
    provider = added(ports, name="Prod")
    response = call("create_upload", body={"provider_id": provider.id})
    made = response.data
    assert response.status == 201
    assert made == {
        "id": made["id"],
        "url": made["url"],
        "provider_id": provider.id,
        "vendor": "openai",
        "name": "Prod",
        "expires_at": "2026-04-14T12:10:00Z",
    }
    ulid = made["id"].removeprefix("upl_")
    assert re.fullmatch(rf"https://api\.example\.com/live/manage/v1/uploads/{ulid}_[0-9a-f]{{64}}", made["url"])


LOCATIONS = [
    ("/manage/v1/uploads", "/live/manage/v1/uploads", "https://h/live/x/y"),
    ("/manage/v1/uploads", "/manage/v1/uploads", "https://h/x/y"),
    ("/manage/v1/uploads", "/manage/v1/uploads/", "https://h/x/y"),
    ("/manage/v1/uploads", "/team/keys/manage/v1/uploads", "https://h/team/keys/x/y"),
    ("/manage/v1/providers/{provider_id}", "/live/manage/v1/providers/prov_1", "https://h/live/x/y"),
    ("/mcp", "/live/mcp", "https://h/live/x/y"),
    ("/mcp", "/mcp", "https://h/x/y"),
]


@pytest.mark.parametrize(("resource", "path", "expected"), LOCATIONS)
def test_a_link_leads_to_the_apis_own_url(resource: str, path: str, expected: str) -> None:
    """A link's URL keeps the stage or the base path of a custom domain."""
    given = {"requestContext": {"domainName": "h", "path": path, "resourcePath": resource}}
    assert own_url(given, "/x/y") == expected
    assert own_url(given, "/x/y", local=True) == expected.replace("https", "http")


def test_a_repeated_request_gets_the_same_link_and_none_is_recorded(ports: FakePorts) -> None:
    """A repeated request returns the same link, although its record contains neither the link nor its secret."""
    headers = {"Idempotency-Key": "once"}
    first = call("create_upload", body=NEW, headers=headers)
    again = call("create_upload", body=NEW, headers=headers)
    assert (again.status, again.body, again.headers["Idempotency-Replayed"]) == (201, first.body, "true")
    assert len(ports.db.uploads) == 1
    ((_, recorded),) = ports.db.records.values()
    assert recorded is not None
    assert json.loads(recorded.body)["data"] == {name: first.data[name] for name in first.data if name != "url"}
    assert first.data["url"].rpartition("_")[2] not in repr(vars(ports.db))
    assert show(again.data["url"].rpartition("/")[2]).status == 200


INVALID: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["vendor", "name"]),
    ({"vendor": "openai"}, ["name"]),
    ({"name": "New"}, ["vendor"]),
    ({"provider_id": None}, ["vendor", "name"]),
    ({"provider_id": "prov_1"}, ["provider_id"]),
    ({"provider_id": "prov_" + "0" * 26, "name": "New"}, ["name"]),
    ({"provider_id": "prov_" + "0" * 26} | NEW | {"base_url": "https://example.com"}, ["vendor", "name", "base_url"]),
    (NEW | {"vendor": "acme"}, ["vendor"]),
    (NEW | {"name": "x" * 81}, ["name"]),
    (NEW | {"name": " "}, ["name"]),
    (NEW | {"api_key": "sk-fake-0000"}, ["api_key"]),
]


@pytest.mark.parametrize(("body", "params"), INVALID, ids=str)
def test_invalid_requests_for_a_link_are_refused(ports: FakePorts, body: dict[str, Any], params: list[str]) -> None:
    """422 names every invalid field, as when adding a provider."""
    response = call("create_upload", body=body)
    assert (response.status, response.error["code"]) == (422, "validation_failed")
    assert [each["param"] for each in response.error["errors"]] == params
    assert ports.db.uploads == {}


# the pages


def test_the_page_shows_purpose_expiry_and_destination(ports: FakePorts) -> None:
    """The page shows the purpose, the expiry and the destination of the key."""
    base_url = "https://fake.openai.azure.com"
    provider = added(ports, vendor="azure", name="Prod", base_url=base_url)
    page = Page(show(token_of({"provider_id": provider.id})))
    for each in (
        ORG,
        "management\nkey test",
        provider.id,
        "Prod",
        "Azure",
        base_url,
        "12:10 UTC on 14 April 2026",
        "5 of 5",
        "encrypted",
    ):
        assert each in page.words
    new = Page(show(token_of({"vendor": "bedrock", "name": "AWS"})))
    for each in ("AWS (new)", "Bedrock itself", "ACCESS_KEY_ID::SECRET_ACCESS_KEY::REGION"):
        assert each in new.words


def test_the_form_works_without_a_script_and_keeps_nothing(ports: FakePorts) -> None:
    """The form needs no script, and browsers do not fill in, store, correct or truncate the key."""
    page = Page(show(token_of(NEW)))
    field = page.attributes["input"]
    assert (field["name"], field["type"], field["autocomplete"]) == ("api_key", "password", "off")
    assert page.attributes["label"]["for"] == field["id"]
    assert 'id="' + str(field["aria-describedby"]) + '"' in show(token_of({"vendor": "groq", "name": "G"})).text
    assert "maxlength" not in field
    form = {"id": "upload", "method": "post", "autocomplete": "off", "data-vendor": "openai"}
    assert page.attributes["form"] == form
    assert page.attributes["html"]["lang"] == "en"


@pytest.mark.parametrize(
    ("base_url", "warned"),
    [("https://proxy.example.com:8443/x", True), ("https://eu.api.openai.com/v1", False), (None, False)],
)
def test_the_page_warns_of_a_foreign_host(ports: FakePorts, base_url: str | None, warned: bool) -> None:
    """The page warns before the form of a host that is not the vendor's, and names it."""
    link = call("create_upload", body=NEW | ({"base_url": base_url} if base_url else {})).data["url"]
    text = call("show_upload", path={"token": link.rpartition("/")[2]}, headers={"Accept": BROWSER}).text
    assert ('role="alert"' in text) is warned
    if warned:
        alert, form = text.index('role="alert"'), text.index("<form")
        assert alert < text.index("<strong>proxy.example.com:8443</strong>") < form


def test_a_page_loads_only_the_stacks_own_files(ports: FakePorts) -> None:
    """A page contains no inline code, and loads its script and style from the console of the same stack."""
    token = token_of(NEW)
    known = {"html", "head", "meta", "title", "style", "body", "main", "h1", "dl", "dt", "dd", "p", "form", "label"}
    known |= {"input", "button", "time", "a", "small", "ul", "li", "strong", "link", "script"}
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    pages = [show(token), use(token, {"api_key": key().reveal()}), show("x")]
    ports.verify.verdict = Verdict()
    pages.append(use(token, {"api_key": "k" * 40}))
    assert [page.status for page in pages] == [200, 422, 404, 201]
    for response in pages:
        page = Page(response)
        assert set(page.tags) <= known
        assert not re.search(r"\s(?:on\w+|style|action)=|https?:|<script>", response.text)
        loaded = re.findall(r'(?:src|link [^>]*href)="([^"]*)"', response.text)
        assert {each.rpartition("/")[0] for each in loaded} == {"../../../console/static"}
        assert page.attributes.get("a", {}).get("href", "") == ""


def headers_of(response: Response) -> dict[str, str]:
    """Return the headers of every response at a link."""
    policy = response.headers["Content-Security-Policy"]
    return {
        "policy": policy,
        **{name: response.headers[name] for name in ("Referrer-Policy", "Cache-Control", "X-Content-Type-Options")},
    }


def test_the_headers_of_a_link(ports: FakePorts) -> None:
    """All responses forbid inline code, other sites, frames, referrers and caching."""
    token = token_of(NEW)
    responses = [show(token), show(token, "application/json"), show("x"), use(token, "")]
    responses.append(use(token, {"api_key": key().reveal()}))
    expected = {
        "policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    assert [headers_of(response) for response in responses] == [expected] * len(responses)
    assert responses[0].headers["Content-Type"] == "text/html; charset=utf-8"


NAMES = ["<script>alert(1)</script>", '"><img src=x onerror=1>', "a' onfocus='1", "&lt;b&gt; & co", "</title><h1>"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_escaped(ports: FakePorts, name: str) -> None:
    """Names are escaped wherever a page shows them."""
    token = token_of(NEW | {"name": name})
    shown, plain = Page(show(token)), Page(show(token_of(NEW)))
    stored = Page(use(token, {"api_key": key().reveal()}))
    for page in (shown, stored):
        assert name in page.words
        assert "img" not in page.tags
    assert "script" not in stored.tags
    assert shown.tags == plain.tags


def test_a_stored_key_is_confirmed_by_its_hint(ports: FakePorts) -> None:
    """201 for a new provider, 200 for a rotated one; the page shows hint and warnings, never the key.

    If the same key is stored already, the page says so, and the link is still used up.
    """
    entered = "sk-proj-FAKE-" + "k" * 40 + "abcd"
    first = use(token_of(NEW), {"api_key": entered})
    (provider,) = ports.db.providers.values()
    second = use(token_of(NEW | {"name": "Two"}), {"api_key": entered})
    token = token_of({"provider_id": provider.id})
    third = use(token, {"api_key": entered})
    assert use(token, {"api_key": entered}).status == 404
    assert [response.status for response in (first, second, third)] == [201, 201, 200]
    assert "sk-proj-…abcd, version 1" in Page(first).words
    assert "another provider has the same credential" in Page(second).words
    assert "sk-proj-…abcd, version 1" in Page(third).words
    assert "this credential is already active" in Page(third).words
    assert not [response for response in (first, second, third) if entered in response.text]
    assert active_key(ports, provider) == entered


def test_a_refusal_leads_back_to_the_form(ports: FakePorts) -> None:
    """The error page gives the reason and the attempts left; a dead link leads nowhere."""
    token = token_of(NEW)
    ports.verify.verdict = Verdict(Reason.TIMEOUT, retry_after_s=7)
    response = use(token, {"api_key": key().reveal()})
    page = Page(response)
    assert (response.status, response.headers["Retry-After"]) == (504, "7")
    assert "could not be verified with openai" in page.words
    assert page.attributes["a"] == {"href": ""}
    assert "4 of 5" in Page(show(token)).words
    dead = Page(show(token[:-1] + ("0" if token[-1] != "0" else "1")))
    assert ("a" in dead.tags, "request a new one" in dead.words) == (False, True)


def test_all_dead_links_look_alike(ports: FakePorts) -> None:
    """Used, expired and guessed links return the same page, byte for byte."""
    used, late = token_of(NEW), token_of(NEW | {"name": "Two"})
    use(used, {"api_key": key().reveal()})
    ports.clock.pass_time(minutes=10)
    responses = [show(used), show(late), show("x"), show("0" * 26 + "_" + "0" * 64), use(used, {"api_key": "k" * 40})]
    assert {(response.status, response.text) for response in responses} == {(404, responses[0].text)}


# programs


def test_a_program_gets_json(ports: FakePorts) -> None:
    """A program gets the link without its URL, the provider, and errors as JSON."""
    token = token_of(NEW)
    shown = show(token, "application/json")
    assert shown.data | {"id": ""} == {
        "id": "",
        "provider_id": None,
        "vendor": "openai",
        "name": "From a link",
        "expires_at": "2026-04-14T12:10:00Z",
        "base_url": None,
        "tries": 5,
        "tries_left": 5,
    }
    entered = "\n" + key().reveal() + "\n"  # as `curl --data-urlencode api_key@file` sends a file
    stored = use(token, {"api_key": entered}, "application/json")
    provider = call("get_provider", path={"provider_id": stored.data["id"]}).data
    assert (stored.status, stored.data) == (201, provider)
    again = use(token, {"api_key": entered}, "application/json")
    assert (again.status, again.error["code"], again.error["request_id"]) == (404, "upload_not_found", "request-1")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; q=0.9", "application/json"),
        ("*/*", "text/html; charset=utf-8"),
        ("", "text/html; charset=utf-8"),
        (BROWSER + ", application/json", "text/html; charset=utf-8"),
    ],
)
def test_json_is_returned_if_only_json_is_accepted(ports: FakePorts, accept: str, media_type: str) -> None:
    """JSON is returned to clients that request it, and a page to all others."""
    assert show(token_of(NEW), accept).headers["Content-Type"] == media_type


# requests to a link

BODIES = [
    ("", FORM, 422, "validation_failed", "api_key"),
    ("name=x", FORM, 422, "validation_failed", "api_key"),
    ("api_key=" + "k" * 40 + "&name=Other", FORM, 422, "validation_failed", "name"),
    ("api_key=" + "k" * 40 + "&base_url=https://example.com", FORM, 422, "validation_failed", "base_url"),
    ("api_key=" + "k" * 40 + "&CANARY-1=x", FORM, 422, "validation_failed", None),
    ("api_key=" + "k" * 40 + "&api_key=" + "l" * 40, FORM, 422, "validation_failed", None),
    ("&".join(f"a{number}=1" for number in range(30)), FORM, 422, "validation_failed", None),
    ("api_key", FORM, 422, "validation_failed", None),
    ("api_key=%ff", FORM, 422, "validation_failed", None),
    ("api_key=mlx_mk_01test_" + "0" * 64, FORM, 422, "credential_format", "api_key"),
    ("api_key=", FORM, 422, "credential_format", "api_key"),
    ("api_key=" + quote_plus("k k" * 20), FORM, 422, "credential_format", "api_key"),
    ("api_key=" + "k" * 8193, FORM, 422, "credential_format", "api_key"),
    ("api_key=" + "k" * 64 * 1024, FORM, 413, "body_too_large", None),
    ('{"api_key": "CANARY-1"}', "application/json", 415, "unsupported_media_type", None),
    ("CANARY-1", "multipart/form-data; boundary=x", 415, "unsupported_media_type", None),
    ("CANARY-1", "text/plain", 415, "unsupported_media_type", None),
]


@pytest.mark.parametrize(("body", "content_type", "status", "code", "param"), BODIES, ids=lambda each: str(each)[:40])
def test_invalid_forms_are_refused(
    ports: FakePorts, body: str, content_type: str, status: int, code: str, param: str | None
) -> None:
    """An invalid form is refused without counting an attempt, calling the vendor or repeating the input."""
    token = token_of(NEW)
    for accept in ("application/json", BROWSER):
        response = use(token, body, accept, content_type)
        assert response.status == status
        assert "CANARY" not in response.text
        assert "k" * 40 not in response.text
        if response.body:
            assert (response.error["code"], response.error["param"]) == (code, param)
    assert (ports.verify.asked, ports.db.providers) == ([], {})
    assert [upload.tries for upload in ports.db.uploads.values()] == [0]


def test_a_form_in_base64_is_read(ports: FakePorts) -> None:
    """A form that API Gateway encodes in base64 is read."""
    body = base64.b64encode(urlencode({"api_key": key().reveal()}).encode()).decode()
    given = event(path={"token": token_of(NEW)}, headers={"Content-Type": f"{FORM}; charset=UTF-8"})
    assert invoke("use_upload", given | {"body": body, "isBase64Encoded": True}).status == 201


def test_invisible_characters_around_a_key_are_not_stored(ports: FakePorts) -> None:
    """Invisible characters around a pasted key are removed."""
    response = use(token_of(NEW), {"api_key": f"\ufeff\u200b{key().reveal()}\u00a0\u2060"})
    (provider,) = ports.db.providers.values()
    assert (response.status, active_key(ports, provider)) == (201, key().reveal())


def test_the_longest_key_fits_into_a_form(ports: FakePorts) -> None:
    """A key of 8,192 characters is accepted, even percent-encoded to three times the size."""
    entered = f"ASIAVALIDAAABEXAMPLE::{'FAKE' * 10}::us-east-1::".ljust(8192, "+")
    response = use(token_of({"vendor": "bedrock", "name": "AWS"}), {"api_key": entered})
    (provider,) = ports.db.providers.values()
    assert (response.status, active_key(ports, provider)) == (201, entered)


def test_a_plus_in_a_key_survives_a_form(ports: FakePorts) -> None:
    """A plus sign in a key is decoded correctly from a form."""
    entered = "AKIAVALIDAAABEXAMPLE::FAKE+EXAMPLE/ONLY+FAKE/EXAMPLE+ONLY/FAKE=::us-east-1"
    use(token_of({"vendor": "bedrock", "name": "AWS"}), {"api_key": entered})
    (provider,) = ports.db.providers.values()
    assert active_key(ports, provider) == entered


# logs


def test_a_link_is_in_no_log_line(ports: FakePorts, log: io.StringIO) -> None:
    """No log line contains the link or the key, even after an error."""
    given = event(body=NEW) | {"resource": "/manage/v1/uploads"}
    token = invoke("create_upload", given).data["url"].rpartition("/")[2]
    entered = "sk-proj-FAKE-" + "k" * 40
    at = f"/manage/v1/uploads/{token}"
    here = {"resource": "/manage/v1/uploads/{token}", "path": at, "pathParameters": {"token": token}}

    def explode() -> None:
        raise RuntimeError(f"cannot use {entered} at {at}")

    ports.verify.meanwhile = explode
    form = event(body=urlencode({"api_key": entered}), headers={"Content-Type": FORM}) | here
    form["requestContext"]["path"] = f"/live{at}"
    broken = invoke("use_upload", form)
    assert (broken.status, "Unexpected error" in broken.text) == (500, True)
    ports.verify.meanwhile = None
    invoke("show_upload", event() | here)
    invoke("use_upload", form)
    invoke("use_upload", form)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    responded = [line for line in lines if line["message"] == "responded"]
    assert [line["status"] for line in responded] == [201, 500, 200, 201, 404]
    assert {line["route"] for line in responded[1:]} == {
        "GET /manage/v1/uploads/{token}",
        "POST /manage/v1/uploads/{token}",
    }
    assert "RuntimeError" in log.getvalue()
    for secret in (token, token.partition("_")[2], entered):
        assert secret not in log.getvalue()
        assert secret not in broken.text
