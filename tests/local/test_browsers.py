"""Tests that a web page in a developer's browser can do nothing to `make run`, `make aws` and the emulator."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from local.aws_port import serving_aws
from local.browsers import refusal
from local.stack import Stack
from tests.client.test_keys_command import INVOKE, SIGNED

JSON = {"content-type": "application/json"}
PAGES = [
    ({"host": "evil.example.com"}, "host_not_allowed"),
    ({"host": "evil.example.com@127.0.0.1"}, "host_not_allowed"),
    ({"host": "127.0.0.1#evil"}, "host_not_allowed"),
    ({"host": "127.0.0.1.example.com"}, "host_not_allowed"),
    ({"host": "localhost.example.com:8787"}, "host_not_allowed"),
    ({"host": "192.0.2.1"}, "host_not_allowed"),
    ({"host": ""}, "host_not_allowed"),
    ({"origin": "https://evil.example.com"}, "origin_not_allowed"),
    ({"origin": "http://127.0.0.1:1"}, "origin_not_allowed"),
    ({"origin": "null"}, "origin_not_allowed"),
    ({"sec-fetch-site": "cross-site"}, "origin_not_allowed"),
    ({"sec-fetch-site": "same-site"}, "origin_not_allowed"),
]


@pytest.mark.parametrize(("headers", "code"), PAGES, ids=[str(row[0]) for row in PAGES])
@pytest.mark.parametrize("path", ["/_local/sweep", "/_local/vendors", INVOKE])
def test_a_web_page_cannot_use_the_local_routes(stack: Stack, path: str, headers: dict[str, str], code: str) -> None:
    """The stack refuses pages of every origin and under every host name."""
    response = httpx2.post(f"{stack.url}{path}", headers=JSON | SIGNED | headers, json={}, trust_env=False)
    assert (response.status_code, response.json()["error"]["code"]) == (403, code)


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_change_must_be_json(stack: Stack, content_type: str | None) -> None:
    """Any content type but JSON gets 415: a page can send the others without a preflight."""
    headers = {} if content_type is None else {"content-type": content_type}
    body = json.dumps({"vendor": "openai", "key": "k", "case": "valid"})
    response = httpx2.post(f"{stack.url}/_local/vendors", headers=headers, content=body, trust_env=False)
    assert (response.status_code, response.json()["error"]["code"]) == (415, "unsupported_media_type")


def test_an_invocation_must_be_signed(stack: Stack) -> None:
    """An unsigned invocation gets 403: a page cannot send the Authorization header without a preflight."""
    arguments = {"org": "org_pages", "name": "page"}
    body = json.dumps({"action": "keys.create", "arguments": arguments})
    response = httpx2.post(f"{stack.url}{INVOKE}", content=body, trust_env=False)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "signature_required")
    assert stack.ports.management_keys.list("org_pages") == []


def test_a_page_of_the_stack_itself_and_programs_may(stack: Stack) -> None:
    """The check accepts pages of the stack itself, and programs."""
    for headers in ({}, {"origin": stack.url}, {"sec-fetch-site": "same-origin", "origin": stack.url}):
        response = httpx2.post(f"{stack.url}{INVOKE}", headers=SIGNED | headers, json={}, trust_env=False)
        assert response.json()["error"]["code"] == "validation_failed"


@pytest.mark.parametrize(("headers", "code"), PAGES, ids=[str(row[0]) for row in PAGES])
def test_a_web_page_cannot_control_the_emulator(stack: Stack, headers: dict[str, str], code: str) -> None:
    """The emulator refuses changes by a page, and does not show it the keys."""
    assert stack.emulator is not None
    for method, path in (("GET", "/"), ("POST", "/_control"), ("DELETE", "/_control")):
        url = f"{stack.emulator.url}{path}"
        response = httpx2.request(method, url, headers=JSON | headers, content="{}", trust_env=False)
        assert (response.status_code, response.json()["error"]["code"]) == (403, code)
    plain = httpx2.post(f"{stack.emulator.url}/_control", content="{}", trust_env=False)
    assert plain.status_code == 415


@contextmanager
def embedded_aws(host: str = "127.0.0.1") -> Iterator[str]:
    """Serve the embedded AWS on a free port, as `make run` and `make aws` do; yield its address."""
    with serving_aws(host, 0, threading.Lock()) as url:
        yield url


SCAN = {
    "x-amz-target": "DynamoDB_20120810.ListTables",
    "authorization": "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0",
    "content-type": "application/x-amz-json-1.0",
}


def test_a_web_page_cannot_use_the_embedded_aws() -> None:
    """It refuses foreign host names and origins, preflights included, and accepts containers."""
    with embedded_aws() as url:
        for headers, code in PAGES:
            response = httpx2.post(url, headers=SCAN | headers, content="{}", trust_env=False)
            assert (response.status_code, response.json()["error"]["code"]) == (403, code), headers
            preflight = httpx2.options(url, headers={"origin": "https://evil.example.com"}, trust_env=False)
            assert preflight.status_code == 403
            assert "access-control-allow-origin" not in preflight.headers
        for host in ("127.0.0.1:5055", "localhost", "host.docker.internal:5055", "[::1]:5055"):
            response = httpx2.post(url, headers=SCAN | {"host": host}, content="{}", trust_env=False)
            assert "TableNames" in response.json(), host


@pytest.mark.parametrize(
    ("bound", "host", "good"),
    [
        ("0.0.0.0", "192.0.2.7:5055", True),
        ("::", "[2001:db8::7]:5055", True),
        ("0.0.0.0", "evil.example.com", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("dev.example.com", "DEV.example.com:80", True),
        ("127.0.0.1", "[", False),
    ],
)
def test_what_a_server_may_be_called(bound: str, host: str, good: bool) -> None:
    """A server accepts its own address, and any address if it listens on all: DNS cannot rebind an address."""
    assert (refusal({"Host": host}, bound) is None) is good
