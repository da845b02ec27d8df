"""Retries, requests and errors of the client."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import runpy
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

import providers_client as api
from providers_client import AsyncClient, Backoff, Client, sync
from tests.client.canned import KEY, NOW, PROVIDER, PROVIDER_ID, Script, error, page

URL = "https://api.example.com/live"
VENDOR_KEY = "sk-proj-FAKE-canary-EXAMPLE-0001"


class Run:
    """A client, sync or async, over scripted responses; waits are recorded instead of waited."""

    def __init__(self, kind: type[Client | AsyncClient], *responses: httpx2.Response | httpx2.HTTPError) -> None:
        self.script = Script(responses)
        self.waits: list[float] = []
        self.now = 0.0
        backoff = Backoff(jitter=lambda: 0.0, clock=lambda: self.now)
        self.client = kind(URL, KEY, transport=httpx2.MockTransport(self.script), backoff=backoff)

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    async def _asleep(self, seconds: float) -> None:
        self._sleep(seconds)

    def __call__(self, work: Callable[[Any], Any]) -> Any:
        """Return what `work` returns for the client, awaited if necessary."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tenacity.nap.time.sleep", self._sleep)
            patch.setattr("stamina._core._smart_sleep", self._asleep)
            return self._run(work)

    def _run(self, work: Callable[[Any], Any]) -> Any:
        found = work(self.client)
        if inspect.isawaitable(found):

            async def wait() -> Any:
                return await found

            return asyncio.run(wait())
        if hasattr(found, "__aiter__"):

            async def gather() -> list[Any]:
                return [each async for each in found]

            return asyncio.run(gather())
        return list(found) if hasattr(found, "__next__") else found


both = pytest.mark.parametrize("kind", [Client, AsyncClient])

GOOD = httpx2.Response(200, json={"data": PROVIDER})
RETRIED = [
    error(429, "rate_limited"),
    error(429, "verification_rate_limited"),
    error(502, "verification_unavailable", retryable=True),
    error(503, "dependency_unavailable"),
    error(504, "verification_timeout"),
    error(409, "idempotency_in_progress"),
    httpx2.Response(503, text="<html>"),
    httpx2.ConnectError("refused"),
    httpx2.ReadTimeout("slow"),
    httpx2.RemoteProtocolError("gone"),
]
NOT_RETRIED = [
    (error(400, "invalid_parameter"), api.InvalidRequest),
    (error(401, "invalid_api_key"), api.AuthenticationFailed),
    (error(403, "insufficient_scope"), api.PermissionDenied),
    (error(404, "provider_not_found"), api.NotFound),
    (error(409, "name_taken"), api.Conflict),
    (error(412, "etag_mismatch"), api.PreconditionFailed),
    (error(413, "body_too_large"), api.InvalidRequest),
    (error(415, "unsupported_media_type"), api.InvalidRequest),
    (error(422, "credential_rejected", retryable=False), api.Unprocessable),
    (error(500, "internal_error"), api.ServerFailed),
    (error(502, "verification_unavailable", retryable=False), api.UpstreamFailed),
    (httpx2.Response(200, text="<html>", headers={"content-type": "text/html"}), api.UnexpectedResponse),
    (httpx2.Response(200, json={"data": {"id": 1}}), api.UnexpectedResponse),
    (httpx2.Response(302, headers={"location": "https://elsewhere.example.com"}), api.UnexpectedResponse),
    (httpx2.Response(418, json={"teapot": True}), api.UnexpectedResponse),
    (httpx2.LocalProtocolError(f"Illegal header value b'Bearer {KEY}'"), api.ConnectionFailed),
]


@both
@pytest.mark.parametrize("first", RETRIED, ids=repr)
def test_transient_failures_are_retried(kind: type[Client], first: httpx2.Response | httpx2.HTTPError) -> None:
    """After a transient failure the request is sent again, with the same Idempotency-Key."""
    run = Run(kind, first, GOOD)
    changed = run(lambda client: client.update_provider(PROVIDER_ID, name="New"))
    assert changed.data.id == PROVIDER_ID
    assert run.waits == [0.5]
    keys = {request.headers["idempotency-key"] for request in run.script.seen}
    assert (len(run.script.seen), len(keys)) == (2, 1)


@both
@pytest.mark.parametrize(("first", "family"), NOT_RETRIED, ids=repr)
def test_permanent_failures_are_not_retried(
    kind: type[Client], first: httpx2.Response | httpx2.HTTPError, family: type[Exception]
) -> None:
    """A permanent failure is raised at once, with the exception of its family."""
    run = Run(kind, first)
    with pytest.raises(family):
        run(lambda client: client.get_provider(PROVIDER_ID))
    assert run.waits == []


@both
def test_the_last_error_is_raised_after_four_retries(kind: type[Client]) -> None:
    """After four retries, each wait twice the previous one, the last error is raised."""
    run = Run(kind, *[error(503, "dependency_unavailable")] * 5)
    with pytest.raises(api.ServerFailed):
        run(lambda client: client.get_provider(PROVIDER_ID))
    assert run.waits == [0.5, 1.0, 2.0, 4.0]


@both
def test_retry_after_is_honored(kind: type[Client]) -> None:
    """Retry-After is honored within the total time; a longer wait is raised with the error instead."""
    run = Run(kind, *[error(429, "rate_limited", headers={"retry-after": "50"})] * 3)
    with pytest.raises(api.RateLimited) as caught:
        run(lambda client: client.get_provider(PROVIDER_ID))
    assert run.waits == [50.0, 50.0]
    assert caught.value.retry_after == 50.0


def test_the_waits_are_spread() -> None:
    """Jitter shortens waits by up to a half, so that many clients do not retry at once."""
    failed = api.ServerFailed("busy", code="dependency_unavailable", retryable=True)
    for jitter, wait in [(0.0, 2.0), (0.5, 1.5), (1.0, 1.0)]:
        assert Backoff(jitter=lambda given=jitter: given).wait(2, failed, 0.0) == wait  # type: ignore[misc]
    assert Backoff(retries=9, jitter=lambda: 0.0).wait(8, failed, 0.0) == 8.0


@both
def test_an_error_has_every_field_of_the_response(kind: type[Client]) -> None:
    """An exception has every field of the response's error, typed."""
    body: dict[str, Any] = {
        "code": "validation_failed",
        "message": "vendor: must be one of …",
        "param": "vendor",
        "reason": "why",
        "retryable": False,
        "errors": [{"param": "vendor", "message": "must be one of …", "code": "unknown_vendor"}],
        "references": [{"type": "routing_config", "id": "@production"}],
    }
    run = Run(kind, error(422, **body))
    with pytest.raises(api.Unprocessable) as caught:
        run(lambda client: client.add_provider("acme", "A", VENDOR_KEY))
    found = caught.value
    assert (found.status, found.code, found.type, found.message) == (
        422,
        "validation_failed",
        "invalid_request_error",
        "vendor: must be one of …",
    )
    assert (found.param, found.reason, found.retryable, found.request_id) == ("vendor", "why", False, "request-1")
    assert [each.code for each in found.errors] == ["unknown_vendor"]
    assert [each.id for each in found.references] == ["@production"]


@both
def test_a_caller_can_set_the_idempotency_key(kind: type[Client]) -> None:
    """A given key is sent unchanged; two calls without one have different keys."""
    run = Run(kind, GOOD, GOOD, GOOD)
    run(lambda client: client.update_provider(PROVIDER_ID, name="A", idempotency_key="mine-1"))
    for _ in range(2):
        run(lambda client: client.update_provider(PROVIDER_ID, name="A"))
    first, second, third = (request.headers["idempotency-key"] for request in run.script.seen)
    assert first == "mine-1"
    assert len({first, second, third}) == 3


@both
def test_reads_have_no_idempotency_key(kind: type[Client]) -> None:
    """Only changes have an Idempotency-Key."""
    run = Run(kind, GOOD)
    run(lambda client: client.get_provider(PROVIDER_ID))
    assert "idempotency-key" not in run.script.seen[0].headers


@both
def test_all_pages_are_read(kind: type[Client]) -> None:
    """Each page's cursor leads to the next page, with the same filters."""
    run = Run(kind, page([PROVIDER] * 100, "c1"), page([PROVIDER] * 100, "c2"), page([PROVIDER] * 3, None))
    assert len(run(lambda client: client.list_providers(vendor="openai"))) == 203
    assert [dict(request.url.params) for request in run.script.seen] == [
        {"vendor": "openai", "limit": "100"},
        {"vendor": "openai", "limit": "100", "cursor": "c1"},
        {"vendor": "openai", "limit": "100", "cursor": "c2"},
    ]


@both
def test_no_more_pages_than_needed(kind: type[Client]) -> None:
    """`limit` bounds the number of entries and the page size."""
    run = Run(kind, page([PROVIDER] * 100, "c1"), page([PROVIDER] * 100, "c2"))
    assert len(run(lambda client: client.list_providers(limit=150))) == 150
    assert len(run.script.seen) == 2
    run = Run(kind, page([PROVIDER] * 5, "c1"))
    assert len(run(lambda client: client.list_providers(limit=5))) == 5
    assert run.script.seen[0].url.params["limit"] == "5"


@pytest.mark.parametrize("first", [*RETRIED, *(each for each, _ in NOT_RETRIED)], ids=repr)
@both
def test_no_exception_contains_a_key(
    kind: type[Client], first: httpx2.Response | httpx2.HTTPError, caplog: pytest.LogCaptureFixture
) -> None:
    """No error, chained exception, attribute, repr or log line contains a key."""
    caplog.set_level(logging.DEBUG)
    run = Run(kind, *[first] * 5)
    with pytest.raises(api.ProvidersAPIError) as caught:
        run(lambda client: client.add_provider("openai", "A", VENDOR_KEY))
    found: BaseException | None = caught.value
    texts = [
        caplog.text + str([vars(each) for each in caplog.records]),
        repr(run.client),
        "".join(traceback.format_exception(caught.value)),
    ]
    while found is not None:
        texts += [str(found), repr(found), repr(vars(found))]
        assert not hasattr(found, "request")
        found = found.__cause__ or found.__context__
    assert KEY not in "".join(texts)
    assert VENDOR_KEY not in "".join(texts)
    assert repr(run.client) == f"{kind.__name__}('https://api.example.com/live/manage/v1/')"


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.example.com",
        "http://127.0.0.1.example.com",
        "ftp://api.example.com",
        "api.example.com",
        "",
        f"https://{KEY}@api.example.com",
        f"https://api.example.com/?key={KEY}",
        f"https://[{KEY}",
    ],
)
def test_invalid_base_urls_are_refused(base_url: str) -> None:
    """Plain HTTP is refused except for this machine; the error does not echo the URL."""
    with pytest.raises(api.ConfigurationError) as caught:
        Client(base_url, KEY)
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("base_url", "sent_to"),
    [
        ("https://a.example.com", "https://a.example.com/manage/v1/providers/"),
        ("https://a.example.com/live/", "https://a.example.com/live/manage/v1/providers/"),
        ("https://a.example.com/live/manage/v1", "https://a.example.com/live/manage/v1/providers/"),
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787/manage/v1/providers/"),
        ("http://localhost:8787", "http://localhost:8787/manage/v1/providers/"),
        ("http://[::1]:8787/", "http://[::1]:8787/manage/v1/providers/"),
    ],
)
def test_valid_base_urls_are_accepted(base_url: str, sent_to: str) -> None:
    """A base URL works with and without a stage, and without TLS on this machine."""
    script = Script([GOOD])
    with Client(base_url, KEY, transport=httpx2.MockTransport(script)) as client:
        client.get_provider(PROVIDER_ID)
    assert str(script.seen[0].url) == sent_to + PROVIDER_ID


@pytest.mark.parametrize("key", ["", "mlx_mk_x", f"{KEY}\n{KEY}", f"{KEY}é", "sk-proj-FAKE-EXAMPLE"])
def test_invalid_keys_are_refused(key: str) -> None:
    """An invalid key is refused before the HTTP library sees it, without echoing it."""
    with pytest.raises(api.ConfigurationError) as caught:
        Client(URL, key)
    assert not key or key not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(("before", "after"), [(" ", "\n"), ("\ufeff", "\u200b\u00a0")])
def test_a_key_is_trimmed(before: str, after: str) -> None:
    """Line breaks and invisible characters around a key are removed."""
    script = Script([GOOD])
    with Client(URL, f"{before}{KEY}{after}", transport=httpx2.MockTransport(script)) as client:
        client.get_provider(PROVIDER_ID)
    assert script.seen[0].headers["authorization"] == f"Bearer {KEY}"


def test_no_proxy_is_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy is used for this machine, because it would see the key in plain HTTP."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with (
            Client("http://127.0.0.1:1", KEY, retries=0, timeout=0.5) as client,
            pytest.raises(api.ConnectionFailed) as caught,
        ):
            client.get_provider(PROVIDER_ID)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert caught.value.code == "connection_failed"
    assert "http://127.0.0.1:1 could not be reached" in caught.value.message


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_the_environment(kind: type[Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """Base URL and key come from two variables; a missing one is named."""
    monkeypatch.delenv("PROVIDERS_API_URL", raising=False)
    monkeypatch.delenv("PROVIDERS_API_KEY", raising=False)
    with pytest.raises(api.ConfigurationError, match="set PROVIDERS_API_URL and PROVIDERS_API_KEY"):
        kind.from_environment()
    monkeypatch.setenv("PROVIDERS_API_URL", URL)
    monkeypatch.setenv("PROVIDERS_API_KEY", KEY)
    assert repr(kind.from_environment()) == f"{kind.__name__}('https://api.example.com/live/manage/v1/')"


@both
@pytest.mark.parametrize("wrong", ["", "..", "prov_1", "prov_01ARZ3NDEKTSV4RRFFQ69G5FAV/health", VENDOR_KEY])
def test_an_invalid_id_is_never_part_of_a_url(kind: type[Client], wrong: str) -> None:
    """An invalid id raises the API's error without a request: URLs are logged, and the id could be a key."""
    run = Run(kind)
    for work in (lambda c: c.get_provider(wrong), lambda c: c.delete_routing_config(f"/{wrong}")):
        with pytest.raises(api.NotFound) as caught:
            run(work)
        assert caught.value.status == 404
        assert not wrong or wrong not in str(caught.value)
    assert run.script.seen == []


@both
def test_an_update_sends_only_the_given_fields(kind: type[Client]) -> None:
    """A field that is not given is not sent; None is sent as null."""
    run = Run(kind, GOOD, GOOD)
    run(lambda client: client.update_provider(PROVIDER_ID, name="A", if_match='"3"'))
    run(lambda client: client.update_provider(PROVIDER_ID, base_url=None, key_expires_at=NOW, api_key=VENDOR_KEY))
    first, second = run.script.seen
    assert json.loads(first.content) == {"name": "A"}
    assert first.headers["if-match"] == '"3"'
    assert json.loads(second.content) == {
        "base_url": None,
        "key_expires_at": "2026-04-14T12:00:00Z",
        "api_key": VENDOR_KEY,
    }


def test_both_clients_are_alike() -> None:
    """Both clients have the same public methods, parameters, defaults and types, apart from awaiting."""

    def methods(kind: type) -> dict[str, Any]:
        return {name: found for name, found in inspect.getmembers(kind, callable) if not name.startswith("_")}

    sync, asynchronous = methods(Client), methods(AsyncClient)
    assert set(sync) - {"close"} == set(asynchronous) - {"aclose"}
    for name in set(sync) - {"close", "from_environment"}:
        ours, theirs = inspect.signature(sync[name]), inspect.signature(asynchronous[name])
        assert ours.parameters == theirs.parameters, name
        given = str(theirs.return_annotation).removeprefix("Async")
        assert str(ours.return_annotation) == given, name
        assert inspect.iscoroutinefunction(asynchronous[name]) or given.startswith("Iterator"), name


def test_the_synchronous_client_is_current() -> None:
    """sync.py is current; run client/generate_sync.py after every change of aio.py."""
    generator = runpy.run_path(str(Path(api.__file__).parent.parent / "generate_sync.py"))
    assert Path(sync.__file__).read_text() == generator["generate"]()
