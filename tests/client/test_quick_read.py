"""Lists that are read with the standard library alone, and when the client has to ask instead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.background import served
from local.stack import Stack
from local.vendors.keys import fake_key
from providers_client import Client
from providers_client.cli.access import Access
from providers_client.cli.listing import Row
from providers_client.cli.quick_read import entries
from providers_client.cli.session import as_plain
from providers_contract.operations import LIST_PROVIDERS
from tests.client.canned import KEY, PROVIDER
from tests.client.conftest import Commands, commands


class Server:
    """Answers each request with the next of some responses, and remembers the requests."""

    def __init__(self, *responses: tuple[int, dict[str, str], bytes]) -> None:
        self.responses = [*responses]
        self.seen: list[tuple[str, str]] = []
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[Server]:
        """Serve on loopback until the block ends."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.seen.append((self.path, self.headers["Authorization"]))
                status, headers, body = server.responses.pop(0)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server, http = self, ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        with served(http, "quick reads"):
            self.url = f"http://127.0.0.1:{http.server_port}"
            yield self


def page(*data: Any, cursor: str | None = None) -> tuple[int, dict[str, str], bytes]:
    """Return a page of a list."""
    return 200, {"Content-Type": "application/json"}, json.dumps({"data": data, "next_cursor": cursor}).encode()


def read(url: str, key: str = KEY, limit: int | None = None, **query: str) -> list[Row] | None:
    """Read providers with a short timeout."""
    return entries(Access(url, key, "a test"), LIST_PROVIDERS, query, Row.of, limit=limit, timeout=2)


def test_it_reads_what_the_client_reads(stack: Stack) -> None:
    """The rows equal those of the client's models, with a filter, a chart and a limit."""
    key = stack.mint("org_quick").reveal()
    with Client(stack.url, key) as client:
        for number in range(3):
            client.add_provider("openai", f"Provider {number}", fake_key("openai", serial=number))
        client.add_provider("groq", "Other & more", fake_key("groq"))
        found = list(client.list_providers("openai", include="history", limit=2))
    expected = [Row.of(as_plain(each)) for each in found]
    assert [each.name for each in expected] == ["Provider 2", "Provider 1"]
    assert read(f"{stack.url}/manage/v1/", key, 2, vendor="openai", include="history") == expected
    (other,) = read(stack.url, key, name="Other & more") or []
    assert (other.name, other.vendor) == ("Other & more", "groq")


def test_it_reads_every_page() -> None:
    """Pages are read up to the last one, or up to the limit, with the key in each request's header."""
    pages = page(PROVIDER, cursor="c1"), page(PROVIDER), page(PROVIDER, PROVIDER, cursor="c2")
    with Server(*pages).running() as api:
        assert len(read(api.url, tag="a b") or []) == 2
        assert len(read(api.url, limit=1) or []) == 1
    path = "/manage/v1/providers"
    assert [each for each, _ in api.seen] == [
        f"{path}?tag=a+b&limit=100",
        f"{path}?tag=a+b&limit=100&cursor=c1",
        f"{path}?limit=1",
    ]
    assert {key for _, key in api.seen} == {f"Bearer {KEY}"}


FAILURES: list[tuple[int, dict[str, str], bytes]] = [
    (401, {}, b"{}"),
    (429, {"Retry-After": "1"}, b"{}"),
    (500, {}, b""),
    (200, {}, b"<html>"),
    (200, {}, b"[]"),
    (200, {}, b"{}"),
    (200, {"Content-Length": "99"}, b"{}"),
    page(1),
    page({"id": "prov_x"}),
    page(PROVIDER | {"health": None}),
]


@pytest.mark.parametrize("response", FAILURES)
def test_the_client_asks_after_anything_else(response: tuple[int, dict[str, str], bytes]) -> None:
    """An error, a page without JSON or with other JSON, and a response that ends early yield nothing."""
    with Server(response).running() as api:
        assert read(api.url) is None
    assert len(api.seen) == 1


def test_it_follows_no_redirect() -> None:
    """The key is not sent to where a redirect leads."""
    api = Server()
    with Server(page()).running() as elsewhere, api.running():
        api.responses.append((302, {"Location": elsewhere.url}, b""))
        assert read(api.url) is None
    assert elsewhere.seen == []


def test_plain_http_uses_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for plain HTTP never sees a request to this machine, nor the key in it."""
    with Server().running() as proxy, Server(page()).running() as api:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("no_proxy", "")
        assert read(api.url) == []
    assert proxy.seen == []


REFUSED = [
    "http://example.com",
    "http://127.0.0.1.example.com",
    "http://user@127.0.0.1",
    "http://127.0.0.1/?x=1",
    "http://127.0.0.1/#x",
    "https://localhost",
    "https://",
    "ftp://example.com",
    f"https://{'a' * 20}.example.com",
    f"https://example.com/{'a' * 20}",
    "https://example.com/a\nb",
    " https://example.com",
]


@pytest.mark.parametrize("url", REFUSED)
def test_only_the_usual_addresses_are_asked(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Nothing is sent to an address that the client would refuse, or whose parts are long enough to be a key."""
    asked: list[str] = []
    monkeypatch.setattr("providers_client.cli.quick_read._opener", asked.append)
    assert read(url) is None
    assert asked == []


def test_a_malformed_key_is_not_sent() -> None:
    """What is not a management key, a vendor's key for example, is sent nowhere."""
    with Server().running() as api:
        assert read(api.url, "sk-proj-FAKE") is None
    assert api.seen == []


def test_a_list_succeeds_after_a_failed_first_attempt() -> None:
    """`providers list` asks again with the client, which retries, and prints the same as if nothing had failed."""
    unavailable = (503, {"Retry-After": "0"}, b"")
    with Server(unavailable, unavailable, page(PROVIDER)).running() as api:
        run = Commands({"PROVIDERS_API_URL": api.url, "PROVIDERS_API_KEY": KEY})
        assert run.ok("list", "-q").out == f"{PROVIDER['id']}\n"
    assert len(api.seen) == 3


def test_a_list_says_what_is_wrong(stack: Stack) -> None:
    """A refused key is reported as by every other command."""
    run = commands(stack, "org_quick")
    assert run("list", PROVIDERS_API_KEY=KEY).code == 7
